//! What a `Collection` promises, on every store that is here.

mod batch_limits;
mod bounds;
mod counted;
mod cursors;
mod damage;
mod entities;
mod expiry;
mod expiry_of_groups;
mod fairness;
mod futures;
mod last_write;
mod limits;
mod lists;
mod lists_of_groups;
mod many;
mod places;
#[path = "../support/recorded.rs"]
mod recorded;
mod secrets;
#[path = "../support/subscribe.rs"]
mod subscribe;
mod unreadable;
mod updates;
mod writes;

use kv_runtime::store::{MemoryStore, RedbStore};
use kv_runtime::{Clock, Kv, ManualClock, Timestamp};

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A moment to begin at.
pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub fn memory() -> (Kv<MemoryStore>, ManualClock) {
    let clock = ManualClock::new(START);
    (Kv::new(MemoryStore::with_clock(Clock::from(&clock))), clock)
}

/// The directory lives as long as the test.
pub fn redb() -> Result<(Kv<RedbStore>, ManualClock, tempfile::TempDir), Box<dyn std::error::Error>> {
    let clock = ManualClock::new(START);
    let dir = tempfile::tempdir()?;
    let store = RedbStore::options().clock(Clock::from(&clock)).open(dir.path().join("test.redb"))?;
    Ok((Kv::new(store), clock, dir))
}

/// Runs a test that is written once on each store.
#[macro_export]
macro_rules! on_every_store {
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
