//! What both programs do when they are to be busy: count reads in many notes, as fast as the store
//! takes them.

use std::fmt;
use std::time::Duration;

use kv_runtime::{Clock, Error};

/// As many as both programs can meet at often.
const NOTES: u64 = 8;

/// What has become of it.
#[derive(Default)]
pub struct Told {
    counted: u64,
    refused: Option<Error>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} counted, {} refused", self.counted, u8::from(self.refused.is_some()))?;
        self.refused.as_ref().map_or(Ok(()), |error| write!(f, ": {error}"))
    }
}

/// Changes one note after the other for so many seconds, or until a change fails.
pub async fn run<T>(seconds: u64, change: impl AsyncFn(u64) -> Result<T, Error>) -> Told {
    let clock = Clock::system();
    let end = clock.now().saturating_add(Duration::from_secs(seconds));
    let mut told = Told::default();
    for turn in 0.. {
        if clock.now() >= end {
            break;
        }
        match change(turn % NOTES).await {
            Ok(_) => told.counted += 1,
            Err(error) => {
                told.refused = Some(error);
                break;
            }
        }
    }
    told
}
