//! What each fault does, and to which calls.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{FutureExt, join};
use kv_store::record::Metadata;
use kv_store::store::{Expect, MemoryStore, Sharing, StoreExt};

use super::*;
use kv_store::record::NewRecord;
use kv_store::record::Revision;
use kv_store::store::Capabilities;
use kv_store::store::Write;

fn key(text: &str) -> Key {
    Key::from_text(text)
}

fn record() -> NewRecord {
    NewRecord::new("1", Metadata::default())
}

fn store() -> FaultStore<MemoryStore> {
    FaultStore::new(MemoryStore::new())
}

#[tokio::test]
async fn a_failure_before_leaves_the_engine_alone() -> Result<()> {
    let store = store();
    store.faults().add(Fault::fail().on(&[Operation::Put]).times(1));
    let failed = store.put(key("a"), record()).await;
    assert!(matches!(&failed, Err(error @ Error::Store { .. }) if error.is_retryable()), "{failed:?}");
    assert!(store.inner().read(&key("a")).await?.is_none());
    store.put(key("a"), record()).await?;
    assert_eq!(store.faults().struck(), 1);
    Ok(())
}

#[tokio::test]
async fn a_failure_after_has_written_and_says_that_it_does_not_know() -> Result<()> {
    let store = store();
    store.faults().add(Fault::fail().after());
    let conditions = vec![Condition::new(key("a"), Expect::Absent)];
    let unknown = store.commit(conditions, Write::Put(key("a"), record()).into()).await;
    assert!(matches!(&unknown, Err(Error::OutcomeUnknown { at, .. }) if at.key.as_deref() == Some("a")));
    assert!(store.inner().read(&key("a")).await?.is_some());
    let read = store.read(&key("a")).await;
    assert!(matches!(read, Err(Error::Store { retryable: true, .. })), "{read:?}");
    Ok(())
}

#[tokio::test]
async fn a_failure_for_good_says_that_no_retry_helps() {
    let store = store();
    store.faults().add(Fault::fail_for_good());
    let failed = store.head(&key("a")).await;
    assert!(matches!(failed, Err(Error::Store { retryable: false, .. })), "{failed:?}");
}

#[tokio::test]
async fn a_cut_batch_is_done_by_half() -> Result<()> {
    let store = store();
    store.faults().add(Fault::cut());
    let keys = ["a", "b", "c", "d"].map(key);
    let cut = store.put_many(keys.iter().map(|key| (key.clone(), record())).collect()).await;
    let told = |cut: &Result<()>| match cut {
        Err(error @ Error::Partial { at, written, also, .. }) => {
            Some((at.key.clone(), *written, also.len(), error.is_retryable()))
        }
        _ => None,
    };
    assert_eq!(told(&cut), Some((Some("c".to_owned()), 2, 0, true)), "{cut:?}");
    let there = |records: Vec<Option<Record>>| records.iter().map(Option::is_some).collect::<Vec<_>>();
    assert_eq!(there(store.read_many(&keys).await?), [true, true, false, false]);
    let cut = store.delete_many(keys[..2].to_vec()).await;
    assert_eq!(told(&cut), Some((Some("b".to_owned()), 1, 0, true)), "{cut:?}");
    assert_eq!(there(store.read_many(&keys).await?), [false, true, false, false]);
    Ok(())
}

#[tokio::test]
async fn faults_strike_only_what_they_are_meant_for() -> Result<()> {
    let store = store();
    store.faults().add(Fault::fail().on(&[Operation::Get, Operation::GetMany]).within("b").skip(1).times(1));
    store.head(&key("b")).await?;
    store.read(&key("a")).await?;
    store.read(&key("b1")).await?;
    assert!(store.read_many(&[key("a"), key("b2")]).await.is_err());
    store.read(&key("b3")).await?;
    store.faults().add(Fault::fail());
    assert!(store.page(&ListQuery::new(key("a"))).await.is_err());
    store.faults().clear();
    store.page(&ListQuery::new(key("a"))).await.map(drop)
}

#[tokio::test]
async fn the_seed_decides_what_is_struck() {
    async fn struck(seed: u64) -> Vec<bool> {
        let faults = Faults::seeded(seed);
        faults.add(Fault::fail().share(0.3));
        let store = FaultStore::with_faults(MemoryStore::new(), faults);
        let mut struck = Vec::new();
        for _ in 0..200 {
            struck.push(store.read(&key("a")).await.is_err());
        }
        struck
    }
    let first = struck(1).await;
    assert_eq!(first, struck(1).await);
    assert_ne!(first, struck(2).await);
    let count = first.iter().filter(|struck| **struck).count();
    assert!((30..=90).contains(&count), "{count} of 200 at a share of 0.3");
}

#[tokio::test(start_paused = true)]
async fn a_delay_delays_and_a_hanging_call_can_be_dropped() -> Result<()> {
    let store = store();
    store.faults().add(Fault::delay(Duration::from_secs(5)).times(1));
    let before = tokio::time::Instant::now();
    store.read(&key("a")).await?;
    assert_eq!(before.elapsed(), Duration::from_secs(5));

    store.faults().add(Fault::hang().after());
    let put = tokio::time::timeout(Duration::from_secs(60), store.put(key("a"), record())).await;
    assert!(put.is_err(), "it hangs");
    assert!(store.inner().read(&key("a")).await?.is_some(), "and was made before it hung");
    Ok(())
}

#[tokio::test]
async fn a_gate_holds_calls_until_it_lets_them_pass() -> Result<()> {
    let (store, gate) = (store(), Gate::new());
    store.faults().add(Fault::hold(&gate).on(&[Operation::Put]));
    let mut first = pin!(store.put(key("a"), record()));
    let mut second = pin!(store.put(key("b"), record()));
    assert!(first.as_mut().now_or_never().is_none());
    gate.arrived().await;
    assert!(second.as_mut().now_or_never().is_none());
    gate.arrived().await;
    assert!(gate.arrived().now_or_never().is_none(), "no third call has come");

    gate.let_one_pass();
    first.as_mut().await?;
    assert!(second.as_mut().now_or_never().is_none());
    gate.open();
    let (second, third) = join(second, store.put(key("c"), record())).await;
    second.and(third)
}

#[tokio::test]
async fn a_store_that_pretends_to_have_no_compare_and_swap_refuses_commits() -> Result<()> {
    let store = store().pretending(Capabilities::new(Sharing::Eventual));
    assert!(!store.capabilities().compare_and_swap);
    let refused = store.commit(Vec::new(), Write::Put(key("a"), record()).into()).await;
    assert!(matches!(refused, Err(Error::Unsupported { .. })), "{refused:?}");
    let refused = store.replace(key("a"), Revision::random(), record()).await;
    assert!(matches!(refused, Err(Error::Unsupported { .. })), "{refused:?}");
    store.put(key("a"), record()).await
}
