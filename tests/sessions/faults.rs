//! A store that fails: what was written is told as written, and what was not as not.

use kv_runtime::ManualClock;
use kv_runtime::tower_sessions::KvSessionStore;
use tower_sessions::SessionStore;
use tower_sessions::session_store::Error;

use crate::scripted::Scripted;
use crate::{HOUR, MINUTE, Outcome, START, created, record};

#[tokio::test]
async fn a_failure_is_told_with_its_cause() -> Outcome {
    let kv = Scripted::new(&ManualClock::new(START));
    let store = KvSessionStore::new(&kv);
    let session = created(&store, HOUR).await?;

    kv.store().fail_reads(1);
    let error = store.load(&session.id).await.expect_err("the store fails");
    let told = error.to_string();
    assert!(matches!(error, Error::Backend(_)));
    assert!(told.starts_with("StoredSession `tower-session:#"), "{told}");
    assert!(
        told.ends_with(
            "in scripted: the store failed to read a record; a retry may help: the server is down"
        )
    );

    kv.store().fail_writes(2);
    store.create(&mut record(HOUR)).await.expect_err("the store fails");
    store.delete(&session.id).await.expect_err("the store fails");
    assert_eq!(store.load(&session.id).await?, Some(session));
    Ok(())
}

/// The request has its session; the next one will prolong it.
#[tokio::test]
async fn a_load_does_not_fail_because_it_could_not_prolong() -> Outcome {
    let clock = ManualClock::new(START);
    let kv = Scripted::new(&clock);
    let store = KvSessionStore::new(&kv).with_idle_timeout(10 * MINUTE);
    let session = created(&store, HOUR).await?;
    clock.advance(9 * MINUTE);
    kv.store().fail_writes(1);
    assert!(store.load(&session.id).await?.is_some());
    clock.advance(MINUTE / 2);
    assert!(store.load(&session.id).await?.is_some());
    clock.advance(MINUTE);
    assert!(store.load(&session.id).await?.is_some());
    Ok(())
}
