//! A memory before the store: what it spares, what it may hide for a while, and what it never does.

use std::time::Duration;

use kv_runtime::Kv;
use kv_runtime::layer::{Fault, FaultStore, Operation};
use kv_runtime::tower_sessions::KvSessionStore;
use serde_json::json;
use tower_sessions::SessionStore;

use crate::{HOUR, MINUTE, Outcome, SECOND, created, faulty, memory};

#[tokio::test]
async fn a_session_that_was_read_is_not_read_again() -> Outcome {
    let (kv, faults, clock) = faulty();
    let session = created(&KvSessionStore::new(&kv), HOUR).await?;
    let store = KvSessionStore::new(&kv).with_memory(MINUTE, 100).with_idle_timeout(HOUR);
    assert!(store.load(&session.id).await?.is_some());
    faults.add(Fault::fail());
    for _ in 0..50 {
        clock.advance(SECOND);
        assert_eq!(store.load(&session.id).await?.as_ref(), Some(&session));
    }
    // What is older than that is not served in place of a failure.
    clock.advance(10 * SECOND);
    store.load(&session.id).await.expect_err("the store fails");
    Ok(())
}

#[tokio::test]
async fn writes_and_log_outs_are_seen_at_once_here_and_in_time_elsewhere() -> Outcome {
    let (kv, clock) = memory();
    let here = KvSessionStore::new(&kv).with_memory(MINUTE, 100);
    let elsewhere = Kv::new(FaultStore::new(kv.store().clone()).in_another_process());
    let there = KvSessionStore::new(&elsewhere).with_memory(MINUTE, 100);
    let mut session = created(&here, HOUR).await?;
    assert!(there.load(&session.id).await?.is_some());

    session.data.insert("cart".to_owned(), json!("tea"));
    here.save(&session).await?;
    assert_eq!(here.clone().load(&session.id).await?.as_ref(), Some(&session));
    clock.advance(MINUTE);
    assert_eq!(there.load(&session.id).await?.as_ref(), Some(&session));

    here.delete(&session.id).await?;
    assert_eq!(here.load(&session.id).await?, None);
    assert!(there.load(&session.id).await?.is_some(), "it has not heard of the log-out");
    // What it changes meanwhile does not bring the session back.
    session.data.clear();
    there.save(&session).await?;
    assert_eq!(there.load(&session.id).await?, None);

    let session = created(&here, 2 * HOUR).await?;
    assert!(there.load(&session.id).await?.is_some());
    here.delete(&session.id).await?;
    clock.advance(MINUTE);
    assert_eq!(there.load(&session.id).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_log_out_in_another_way_of_the_same_process_is_seen_at_once() -> Outcome {
    let (kv, _clock) = memory();
    let [here, there] = [(); 2].map(|()| KvSessionStore::new(&kv).with_memory(MINUTE, 100));
    let session = created(&here, HOUR).await?;
    assert!(there.load(&session.id).await?.is_some());
    here.delete(&session.id).await?;
    assert_eq!(there.load(&session.id).await?, None);
    Ok(())
}

#[tokio::test]
async fn it_makes_no_write_fail_and_believes_none_that_failed() -> Outcome {
    let (kv, faults, _clock) = faulty();
    let store = KvSessionStore::new(&kv).with_memory(HOUR, 100);
    let before = created(&store, 2 * HOUR).await?;
    let mut after = before.clone();
    after.data.clear();

    faults.add(Fault::fail().on(&[Operation::Commit]).times(1));
    store.save(&after).await.expect_err("the store fails");
    assert_eq!(store.load(&before.id).await?.as_ref(), Some(&before));

    // It was saved, and the reply was lost.
    faults.add(Fault::fail().after().on(&[Operation::Commit]).times(1));
    store.save(&after).await.expect_err("the reply is lost");
    assert_eq!(store.load(&before.id).await?.as_ref(), Some(&after));

    faults.add(Fault::fail().after().on(&[Operation::Delete]).times(1));
    store.delete(&before.id).await.expect_err("the reply is lost");
    assert_eq!(store.load(&before.id).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_session_that_is_in_use_does_not_end_and_one_that_is_not_does() -> Outcome {
    let (kv, clock) = memory();
    // However long the memory and the interval are meant to be.
    let store = KvSessionStore::new(&kv)
        .with_memory(24 * HOUR, 100)
        .with_idle_timeout(30 * MINUTE)
        .with_touch_interval(24 * HOUR);
    let session = created(&store, 24 * HOUR).await?;
    for _ in 0..100 {
        clock.advance(7 * MINUTE);
        assert!(store.load(&session.id).await?.is_some());
    }
    clock.advance(30 * MINUTE);
    assert_eq!(store.load(&session.id).await?, None);

    let session = created(&store, 48 * HOUR).await?;
    clock.advance(30 * MINUTE - Duration::from_millis(1));
    assert!(store.load(&session.id).await?.is_some());
    clock.advance(30 * MINUTE);
    assert_eq!(store.load(&session.id).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_log_out_whose_client_went_away_is_not_forgotten() -> Outcome {
    let folder = tempfile::tempdir()?;
    let kv = kv_runtime::Kv::new(kv_runtime::store::RedbStore::open(folder.path().join("kv.redb"))?);
    let store = KvSessionStore::new(&kv).with_memory(MINUTE, 100);
    let mut dropped = 0;
    for _ in 0..1_000 {
        if dropped == 10 {
            break;
        }
        let session = created(&store, HOUR).await?;
        let mut log_out = store.delete(&session.id);
        let polled = log_out.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        // The file's thread may have been faster.
        dropped += u32::from(polled.is_pending());
        drop(log_out);
        // Another request of that browser, before the file has the log-out.
        store.load(&session.id).await?;
        kv.store().flush().await?;
        assert_eq!(store.load(&session.id).await?, None);
    }
    assert_eq!(dropped, 10);
    Ok(())
}
