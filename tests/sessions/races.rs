//! A log-out races with requests in flight: the session stays deleted. Each race runs on a store,
//! and on a store behind a memory.

use std::sync::Arc;

use kv_runtime::Kv;
use kv_runtime::layer::{Fault, Gate, Operation};
use kv_runtime::store::AtomicStore;
use kv_runtime::tower_sessions::{KvSessionStore, StoredSession};
use serde_json::json;
use tokio::task::JoinSet;
use tower_sessions::session::Id;
use tower_sessions::{Session, SessionStore};

use crate::{HOUR, MINUTE, Outcome, created, faulty};

/// The store, and the same behind a memory.
fn both<S: AtomicStore>(kv: &Kv<S>) -> [KvSessionStore<S>; 2] {
    [KvSessionStore::new(kv), KvSessionStore::new(kv).with_memory(HOUR, 100)]
}

/// Logged in before the test begins.
async fn logged_in<S: AtomicStore>(store: &Arc<KvSessionStore<S>>) -> Outcome<Id> {
    let session = Session::new(None, Arc::clone(store), None);
    session.insert("user", 7).await?;
    session.save().await?;
    session.id().ok_or_else(|| "it has no id".into())
}

/// Request A reads, B logs out, A changes and saves.
#[tokio::test]
async fn a_request_in_flight_does_not_bring_a_session_back() -> Outcome {
    let (kv, _clock) = crate::memory();
    for store in both(&kv) {
        let store = Arc::new(store.with_idle_timeout(MINUTE));
        let id = logged_in(&store).await?;

        let in_flight = Session::new(Some(id), Arc::clone(&store), None);
        assert_eq!(in_flight.get::<u32>("user").await?, Some(7));
        Session::new(Some(id), Arc::clone(&store), None).flush().await?;
        in_flight.insert("page", "/settings").await?;
        in_flight.save().await?;

        assert_eq!(store.load(&id).await?, None);
        let next = Session::new(Some(id), Arc::clone(&store), None);
        assert_eq!(next.get::<u32>("user").await?, None);
        assert!(kv.collection::<StoredSession>().list().ids().page().await?.ids.is_empty());
    }
    Ok(())
}

/// The log-out takes place within A's save: after it has read the record, before it commits.
#[tokio::test]
async fn a_log_out_within_a_save_wins() -> Outcome {
    let (kv, faults, _clock) = faulty();
    for store in both(&kv) {
        let mut record = created(&store, HOUR).await?;
        record.data.insert("page".to_owned(), json!("/"));
        let gate = Gate::new();
        faults.add(Fault::hold(&gate).on(&[Operation::Commit]).times(1));
        let log_out = async {
            gate.arrived().await;
            let deleted = store.delete(&record.id).await;
            gate.open();
            deleted
        };
        let (saved, deleted) = tokio::join!(store.save(&record), log_out);
        saved?;
        deleted?;
        assert_eq!(store.load(&record.id).await?, None);
    }
    Ok(())
}

/// The log-out takes place within A's load: after it has read the record, before its time is
/// extended.
#[tokio::test]
async fn a_log_out_within_a_load_wins() -> Outcome {
    let (kv, faults, clock) = faulty();
    for store in both(&kv) {
        let store = store.with_idle_timeout(HOUR);
        let record = created(&store, 24 * HOUR).await?;
        // Beyond what a memory holds it for.
        clock.advance(HOUR / 2);
        let gate = Gate::new();
        faults.add(Fault::hold(&gate).on(&[Operation::Commit]).times(1));
        let log_out = async {
            gate.arrived().await;
            let deleted = store.delete(&record.id).await;
            gate.open();
            deleted
        };
        let (loaded, deleted) = tokio::join!(store.load(&record.id), log_out);
        deleted?;
        assert_eq!(loaded?, None);
        assert_eq!(store.load(&record.id).await?, None);
        assert!(kv.collection::<StoredSession>().list().ids().page().await?.ids.is_empty());
    }
    Ok(())
}

/// A new id at log-in: the request in flight holds the old one.
#[tokio::test]
async fn a_request_in_flight_does_not_bring_an_old_id_back() -> Outcome {
    let (kv, _clock) = crate::memory();
    let store = Arc::new(KvSessionStore::new(&kv));
    let old = logged_in(&store).await?;
    let in_flight = Session::new(Some(old), Arc::clone(&store), None);
    in_flight.insert("page", "/").await?;

    let session = Session::new(Some(old), Arc::clone(&store), None);
    session.cycle_id().await?;
    session.save().await?;
    let new = session.id().ok_or("it has no id")?;
    in_flight.save().await?;

    assert_ne!(old, new);
    assert_eq!(store.load(&old).await?, None);
    let data = store.load(&new).await?.ok_or("it is not there")?.data;
    assert_eq!(data.get("user"), Some(&json!(7)));
    Ok(())
}

/// A load that has read the record before the log-out, and ends after it, leaves nothing in a
/// memory.
#[tokio::test]
async fn a_load_that_a_log_out_overtakes_is_not_remembered() -> Outcome {
    let (kv, faults, _clock) = faulty();
    let store = KvSessionStore::new(&kv).with_memory(HOUR, 100);
    let record = created(&KvSessionStore::new(&kv), 24 * HOUR).await?;
    let gate = Gate::new();
    faults.add(Fault::hold(&gate).after().on(&[Operation::Get]).times(1));
    let log_out = async {
        gate.arrived().await;
        let deleted = store.delete(&record.id).await;
        gate.open();
        deleted
    };
    let (loaded, deleted) = tokio::join!(store.load(&record.id), log_out);
    deleted?;
    // The two overlap, so either answer is true. From now on there is one.
    loaded?;
    assert_eq!(store.load(&record.id).await?, None);
    Ok(())
}

/// No writer of a session leaves it behind while it is being logged out, whatever the order.
#[tokio::test(flavor = "multi_thread")]
async fn many_requests_against_one_log_out() -> Outcome {
    let (kv, _clock) = crate::memory();
    let stores = both(&kv).map(|store| Arc::new(store.with_idle_timeout(HOUR)));
    for store in stores.iter().cycle().take(200) {
        let id = logged_in(store).await?;
        let mut requests = JoinSet::new();
        for request in 0..8 {
            let store = Arc::clone(store);
            requests.spawn(async move {
                let session = Session::new(Some(id), store, None);
                if session.get::<u32>("user").await?.is_some() {
                    session.insert("page", request).await?;
                    session.save().await?;
                }
                Ok::<_, tower_sessions::session::Error>(())
            });
        }
        store.delete(&id).await?;
        for request in requests.join_all().await {
            request?;
        }
        assert_eq!(store.load(&id).await?, None);
    }
    Ok(())
}
