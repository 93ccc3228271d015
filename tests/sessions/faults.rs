//! A failing store: calls report correctly what was written and what was not.

use kv_runtime::layer::{Fault, Operation};
use kv_runtime::tower_sessions::KvSessionStore;
use tower_sessions::SessionStore;
use tower_sessions::session_store::Error;

use crate::{HOUR, MINUTE, Outcome, created, faulty, record};

#[tokio::test]
async fn an_error_has_its_causes_in_its_text() -> Outcome {
    let (kv, faults, _clock) = faulty();
    let store = KvSessionStore::new(&kv);
    let session = created(&store, HOUR).await?;

    faults.add(Fault::fail().times(4));
    let error = store.load(&session.id).await.expect_err("the store fails");
    let told = error.to_string();
    assert!(matches!(error, Error::Backend(_)));
    assert!(told.starts_with("StoredSession `tower-session:#"), "{told}");
    let (_, cause) = told.split_once("; a retry may help: ").ok_or("no cause is told")?;
    assert!(!cause.is_empty() && !told[..told.len() - cause.len()].contains(cause), "{told}");

    store.create(&mut record(HOUR)).await.expect_err("the store fails");
    store.save(&session).await.expect_err("the store fails");
    store.delete(&session.id).await.expect_err("the store fails");
    assert_eq!(store.load(&session.id).await?, Some(session));
    Ok(())
}

/// A save whose reply is lost does not report success.
#[tokio::test]
async fn an_unknown_outcome_is_an_error() -> Outcome {
    let (kv, faults, _clock) = faulty();
    let store = KvSessionStore::new(&kv);
    let mut session = created(&store, HOUR).await?;
    session.data.clear();
    faults.add(Fault::fail().after().on(&[Operation::Commit]).times(1));
    let told = store.save(&session).await.expect_err("the reply is lost").to_string();
    assert!(told.contains("it is unknown whether the write took place"), "{told}");
    store.save(&session).await?;
    assert_eq!(store.load(&session.id).await?, Some(session));
    Ok(())
}

/// The request has its session; the next one will prolong it.
#[tokio::test]
async fn a_load_does_not_fail_because_it_could_not_prolong() -> Outcome {
    let (kv, faults, clock) = faulty();
    let store = KvSessionStore::new(&kv).with_idle_timeout(10 * MINUTE);
    let session = created(&store, HOUR).await?;
    clock.advance(9 * MINUTE);
    faults.add(Fault::fail().on(&[Operation::Commit]).times(1));
    assert!(store.load(&session.id).await?.is_some());
    assert_eq!(faults.struck(), 1);
    clock.advance(MINUTE / 2);
    assert!(store.load(&session.id).await?.is_some());
    clock.advance(MINUTE);
    assert!(store.load(&session.id).await?.is_some());
    Ok(())
}
