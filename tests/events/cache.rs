//! A failure behind a cache emits one event for each call, with its causes, even if the cache
//! serves a stale value.

use std::fmt;
use std::time::Duration;

use kv_runtime::cache::Cache;
use kv_runtime::layer::{Fault, FaultStore, Operation};
use kv_runtime::store::MemoryStore;
use kv_runtime::{Clock, Kv, KvEntity, ManualClock, Source, Timestamp};

use tracing::Level;

use crate::Log;

const MINUTE: Duration = Duration::from_secs(60);

#[derive(KvEntity, Debug)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

impl User {
    fn new(id: u64, name: &str) -> Self {
        Self { id, name: name.to_owned() }
    }
}

#[derive(Debug)]
struct Down(std::io::Error);

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the API is down")
    }
}

impl std::error::Error for Down {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn down() -> std::future::Ready<Result<Option<User>, Down>> {
    std::future::ready(Err(Down(std::io::Error::other("503"))))
}

#[tokio::test]
async fn a_call_that_fails_is_one_warning_however_often_stale_answers_bridge_it()
-> Result<(), Box<dyn std::error::Error>> {
    let (log, _logging) = Log::start(Level::WARN);
    let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
    let kv = Kv::new(FaultStore::new(MemoryStore::with_clock(Clock::from(&clock))));
    let cache = Cache::new().memory_ttl(MINUTE).store_ttl(5 * MINUTE).jitter(0.0).stale_for(60 * MINUTE);
    let users = kv.collection::<User>().cached(cache);
    users.get_or_load(1, || async { Ok::<_, Down>(User::new(1, "Ada")) }).await?;
    clock.advance(10 * MINUTE);
    for _ in 0..3 {
        assert_eq!(users.get_or_load_detailed(1, down).await?.source, Source::Stale);
    }
    let warnings = log.take();
    let [origin] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(origin.contains("message=the origin failed"), "{origin}");
    assert!(origin.contains("cause=the API is down: 503") && origin.contains("`user:1`"), "{origin}");

    clock.advance(MINUTE);
    let many = |_: Vec<u64>| std::future::ready(Err::<Vec<User>, _>(Down(std::io::Error::other("503"))));
    assert!(users.get_or_load_many([1, 2, 3], many).await.is_err());
    let warnings = log.take();
    assert!(warnings.len() == 1 && warnings[0].contains("cause=the API is down: 503"), "{warnings:?}");

    users.put(User::new(4, "Bea")).await?;
    clock.advance(MINUTE);
    kv.store().faults().add(Fault::fail().on(&[Operation::Get, Operation::GetMany]));
    for _ in 0..3 {
        assert_eq!(users.get_detailed(4).await?.source, Source::Stale);
    }
    users.get_many([4]).await?;
    clock.advance(Duration::from_secs(1));
    users.get_or_load(5, || async { Ok::<_, Down>(User::new(5, "Cem")) }).await?;
    let warnings = log.take();
    let [failed, passed] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(failed.contains("message=the store failed ") && failed.contains("cause="), "{failed}");
    assert!(passed.contains("message=the store failed; the origin") && passed.contains("cause="), "{passed}");
    Ok(())
}
