//! tower-sessions' store over this library's stores: the promises of its calls, races, faults, and
//! the middleware.

mod calls;
mod counted;
mod faults;
mod memory;
mod middleware;
mod races;
mod redis;
#[path = "../support/redis_server.rs"]
#[allow(dead_code, reason = "shared by tests that need other parts of it")]
mod redis_server;
mod sliding;

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use kv_runtime::layer::{FaultStore, Faults};
use kv_runtime::store::{AtomicStore, MemoryStore, RedbStore};
use kv_runtime::tower_sessions::KvSessionStore;
use kv_runtime::{Clock, Kv, ManualClock, Timestamp};
use serde_json::json;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// A moment to begin at.
const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn memory() -> (Kv<MemoryStore>, ManualClock) {
    let clock = ManualClock::new(START);
    (Kv::new(MemoryStore::with_clock(Clock::from(&clock))), clock)
}

/// The directory lives as long as the test.
fn redb() -> Outcome<(Kv<RedbStore>, ManualClock, tempfile::TempDir)> {
    let clock = ManualClock::new(START);
    let dir = tempfile::tempdir()?;
    let store = RedbStore::options().clock(Clock::from(&clock)).open(dir.path().join("test.redb"))?;
    Ok((Kv::new(store), clock, dir))
}

/// A store with faults to come.
fn faulty() -> (Kv<FaultStore<MemoryStore>>, Faults, ManualClock) {
    let clock = ManualClock::new(START);
    let store = FaultStore::new(MemoryStore::with_clock(Clock::from(&clock)));
    let faults = store.faults().clone();
    (Kv::new(store), faults, clock)
}

/// A session that expires this long after the start.
fn record(after: Duration) -> Record {
    Record {
        id: Id::default(),
        data: HashMap::from([("user".to_owned(), json!(7))]),
        expiry_date: SystemTime::from(START.saturating_add(after)).into(),
    }
}

fn expires_after(record: &mut Record, after: Duration) {
    record.expiry_date = SystemTime::from(START.saturating_add(after)).into();
}

/// A session that was created, and expires this long after the start.
async fn created<S: AtomicStore>(store: &KvSessionStore<S>, after: Duration) -> Outcome<Record> {
    let mut record = record(after);
    store.create(&mut record).await?;
    Ok(record)
}
