//! Transactions: what they see, what they write, and how they end.

mod bank;
mod conflicts;
mod entities;
mod errors;
mod limits;
mod reads;
mod records;
#[path = "../support/subscribe.rs"]
mod subscribe;
mod unknown;
mod watched;
mod writes;

use std::error::Error as StdError;

use kv_runtime::store::{MemoryStore, RedbStore};
use kv_runtime::{Clock, Kv, ManualClock, Timestamp};

pub type Outcome = Result<(), Box<dyn StdError>>;

/// A moment to begin at.
pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub fn memory() -> (Kv<MemoryStore>, ManualClock) {
    let clock = ManualClock::new(START);
    (Kv::new(MemoryStore::with_clock(Clock::from(&clock))), clock)
}

/// The directory lives as long as the test.
pub fn redb() -> Result<(Kv<RedbStore>, ManualClock, tempfile::TempDir), Box<dyn StdError>> {
    let clock = ManualClock::new(START);
    let dir = tempfile::tempdir()?;
    let store = RedbStore::options().clock(Clock::from(&clock)).open(dir.path().join("test.redb"))?;
    Ok((Kv::new(store), clock, dir))
}

/// Runs a test that is written once on each store.
#[macro_export]
macro_rules! on_both_stores {
    ($($test:ident),+ $(,)?) => {
        mod on_memory {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() -> $crate::Outcome {
                let (kv, clock) = $crate::memory();
                super::$test(kv, clock).await
            })+
        }

        mod on_redb {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() -> $crate::Outcome {
                let (kv, clock, _dir) = $crate::redb()?;
                super::$test(kv, clock).await
            })+
        }
    };
}

/// Counts how often a closure ran.
#[derive(Default)]
pub struct Runs(std::sync::atomic::AtomicU32);

impl Runs {
    /// Counts a run, and returns its number from 1.
    pub fn begin(&self) -> u32 {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1
    }

    pub fn count(&self) -> u32 {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }
}
