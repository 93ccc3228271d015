//! What is made again, how often and when.

use futures_util::FutureExt;
use kv_store::record::Metadata;
use kv_store::store::{Expect, MemoryStore, StoreExt};

use super::*;
use crate::layer::{Fault, FaultStore};
use kv_store::Clock;
use kv_store::record::NewRecord;
use kv_store::record::Revision;
use kv_store::store::Write;

fn key(text: &str) -> Key {
    Key::from_text(text)
}

fn record(value: &'static str) -> NewRecord {
    NewRecord::new(value, Metadata::default())
}

fn flaky() -> FaultStore<MemoryStore> {
    FaultStore::new(MemoryStore::new())
}

async fn value<S: Store>(store: &S, text: &str) -> Result<Option<String>> {
    let record = store.read(&key(text)).await?;
    Ok(record.map(|record| String::from_utf8_lossy(&record.value).into_owned()))
}

#[tokio::test(start_paused = true)]
async fn every_call_is_made_again() -> Result<()> {
    let flaky = flaky();
    let store = RetryStore::new(flaky.clone());
    // Each call's first attempts fail.
    let refuse = || flaky.faults().add(Fault::fail().times(2));
    refuse();
    store.put(key("a"), record("1")).await?;
    refuse();
    store.put_many(vec![(key("b"), record("2"))]).await?;
    refuse();
    let revision = store.read(&key("a")).await?.map(|record| record.revision);
    refuse();
    assert_eq!(store.read_many(&[key("a"), key("c")]).await?.len(), 2);
    refuse();
    assert!(store.head(&key("b")).await?.is_some());
    refuse();
    assert_eq!(store.page(&ListQuery::new(key(""))).await?.len(), 2);
    refuse();
    let revision = revision.unwrap_or_else(Revision::random);
    assert_eq!(store.replace(key("a"), revision, record("3")).await?, Commit::Done);
    refuse();
    let present = vec![Condition::new(key("a"), Expect::Present)];
    assert_eq!(store.commit(present, Write::Put(key("a"), record("4")).into()).await?, Commit::Done);
    refuse();
    store.delete(key("a")).await?;
    refuse();
    store.delete_many(vec![key("b")]).await?;
    assert_eq!(flaky.faults().struck(), 20);
    assert!(store.page(&ListQuery::new(key(""))).await?.is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_attempt_has_shown_is_not_shown_again() -> Result<()> {
    let flaky = flaky();
    let store = RetryStore::new(flaky.clone());
    store.put_many(vec![(key("a"), record("1")), (key("b"), record("2"))]).await?;
    // After the engine has done its part, which a caller may have seen.
    flaky.faults().add(Fault::fail().after().times(2));
    let mut shown = Vec::new();
    let cursor = store.list(&ListQuery::new(key("")), |key, _| shown.push(key.to_owned())).await?;
    assert_eq!((shown, cursor, flaky.faults().struck()), (vec!["a".to_owned(), "b".to_owned()], None, 2));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_and_the_last_error_is_the_callers() {
    let flaky = flaky();
    flaky.faults().add(Fault::fail());
    let store = RetryStore::new(flaky).attempts(4).pauses(Duration::from_secs(1), Duration::from_secs(2));
    let before = tokio::time::Instant::now();
    let failed = store.read(&key("a")).await;
    assert!(matches!(failed, Err(Error::Store { retryable: true, .. })), "{failed:?}");
    assert_eq!(store.inner().faults().struck(), 4);
    // 1, 2 and 2 seconds, each with up to as much again.
    let took = before.elapsed();
    assert!((5..=10).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_no_retry_helps_is_not_made_again() {
    let flaky = flaky();
    let store = RetryStore::new(flaky.clone());
    flaky.faults().add(Fault::fail_for_good().times(1));
    assert!(store.read(&key("a")).await.is_err());
    assert_eq!(flaky.faults().struck(), 1);
    // The engine has written it, and the reply was lost.
    flaky.faults().add(Fault::fail().after().times(1));
    let unknown = store.put(key("a"), record("1")).await;
    assert!(matches!(unknown, Err(Error::OutcomeUnknown { .. })), "{unknown:?}");
    assert_eq!(flaky.faults().struck(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_did_not_hold_is_not_made_again() -> Result<()> {
    let store = RetryStore::new(flaky());
    store.put(key("a"), record("1")).await?;
    let absent = vec![Condition::new(key("a"), Expect::Absent)];
    let before = tokio::time::Instant::now();
    assert_eq!(store.commit(absent, Write::Delete(key("a")).into()).await?, Commit::Conflict(0));
    assert_eq!(before.elapsed(), Duration::ZERO);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_only_the_rest_is_written_again() -> Result<()> {
    let flaky = flaky();
    let store = RetryStore::new(flaky.clone());
    // Halves: 2 of 4, 1 of 2, then the last one.
    flaky.faults().add(Fault::cut().times(2));
    let keys = ["a", "b", "c", "d"];
    store.put_many(keys.map(|text| (key(text), record("1"))).to_vec()).await?;
    for text in keys {
        assert_eq!(value(&store, text).await?.as_deref(), Some("1"));
    }
    assert_eq!(flaky.faults().struck(), 2);
    flaky.faults().add(Fault::cut().times(2));
    flaky.faults().add(Fault::fail());
    let ended = store.delete_many(keys.map(key).to_vec()).await;
    flaky.faults().clear();
    // 2 and 1 of what was left, then nothing.
    let Err(Error::Partial { at, written: 3, also, source, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!((at.key.as_deref(), also.len(), source.is_retryable()), (Some("d"), 0, true));
    assert_eq!(value(&store, "c").await?, None);
    assert_eq!(value(&store, "d").await?.as_deref(), Some("1"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_for_good_tells_of_all_that_was_written() {
    let flaky = flaky();
    let store = RetryStore::new(flaky.clone());
    flaky.faults().add(Fault::cut().times(1));
    flaky.faults().add(Fault::fail_for_good());
    let records = ["a", "b", "c", "d"].map(|text| (key(text), record("1"))).to_vec();
    let ended = store.put_many(records).await;
    let Err(Error::Partial { written: 2, also, source, .. }) = ended else { panic!("{ended:?}") };
    assert!(also.is_empty() && !source.is_retryable());
}

#[test]
fn without_a_timer_a_pause_is_an_error_that_says_so() {
    let clock = Clock::system().with_timer(crate::Timer::none());
    let flaky = FaultStore::new(MemoryStore::with_clock(clock));
    flaky.faults().add(Fault::fail().times(1));
    let store = RetryStore::new(flaky);
    let failed = store.read(&key("a")).now_or_never().expect("it does not wait");
    assert!(matches!(failed, Err(Error::NoTimer { .. })), "{failed:?}");
    assert!(store.read(&key("a")).now_or_never().expect("ready").expect("read").is_none());
}
