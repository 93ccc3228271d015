//! Ids and data of sessions appear in no span, event, error or `Debug`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kv_runtime::key::Key;
use kv_runtime::layer::{Fault, FaultStore, Operation};
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{MemoryStore, StoreExt};
use kv_runtime::tower_sessions::{KvSessionStore, StoredSession};
use kv_runtime::{Clock, Kv, ManualClock, Timestamp};
use serde_json::json;
use tower_sessions::session::{self, Id};
use tower_sessions::{Session, SessionStore};
use tracing::Level;

use crate::Log;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

const SECRET: &str = "hunter2";

/// Fails if `text` contains the id in either of its forms, or the data of the session.
fn assert_hides(id: Id, text: &str) {
    for secret in [id.to_string(), id.0.to_string(), SECRET.to_owned()] {
        assert!(!text.contains(&secret), "{secret} in:\n{text}");
    }
}

#[tokio::test]
async fn no_span_event_error_or_debug_holds_a_secret() -> Result<(), Box<dyn std::error::Error>> {
    let (log, _logging) = Log::start(Level::TRACE);
    let start = Timestamp::from_millis(1_700_000_000_000);
    let clock = ManualClock::new(start);
    let kv = Kv::new(FaultStore::new(MemoryStore::with_clock(Clock::from(&clock))));
    let fail_next = |operation| kv.store().faults().add(Fault::fail().on(&[operation]).times(1));
    let store = Arc::new(KvSessionStore::new(&kv).with_idle_timeout(HOUR));

    let data = [("password".to_owned(), json!(SECRET))].into();
    let expiry_date = SystemTime::from(start.saturating_add(24 * HOUR)).into();
    let mut record = session::Record { id: Id::default(), data, expiry_date };
    store.create(&mut record).await?;
    let id = record.id;
    clock.advance(MINUTE);
    let session = Session::new(Some(id), Arc::clone(&store), None);
    assert_eq!(session.get::<String>("password").await?.as_deref(), Some(SECRET));
    session.save().await?;

    // Failures of each kind. Each is returned as an error and traced.
    let mut errors = Vec::new();
    fail_next(Operation::Get);
    errors.push(store.load(&id).await.expect_err("fails").to_string());
    fail_next(Operation::Get);
    errors
        .push(Session::new(Some(id), Arc::clone(&store), None).load().await.expect_err("fails").to_string());
    fail_next(Operation::Delete);
    errors.push(store.delete(&id).await.expect_err("fails").to_string());
    fail_next(Operation::Commit);
    clock.advance(MINUTE);
    assert!(store.load(&id).await?.is_some(), "what fails is the touch");
    record.data.insert("page".to_owned(), json!("/"));
    fail_next(Operation::Commit);
    errors.push(store.save(&record).await.expect_err("fails").to_string());
    fail_next(Operation::Commit);
    errors.push(store.create(&mut record.clone()).await.expect_err("fails").to_string());
    let stored = kv.collection::<StoredSession>();
    let debug = format!("{store:?} {stored:?} {kv:?} {:?}", stored.get(&id.to_string()).await?);
    store.delete(&id).await?;
    store.save(&record).await?;
    let damaged = NewRecord::new(format!(r#"{{"data":"{SECRET}"}}"#), Metadata::default());
    kv.store().put(Key::from_text(format!("tower-session:{id}")), damaged).await?;
    errors.push(store.load(&id).await.expect_err("it is no session").to_string());

    for error in errors {
        assert!(error.contains("tower-session:#"), "{error}");
        assert_hides(id, &error);
    }
    assert_hides(id, &debug);
    let traced = log.take().join("\n");
    for needed in ["operation=\"get\"", "could not be extended", "the change is dropped", "session load"] {
        assert!(traced.contains(needed), "{needed} is not traced:\n{traced}");
    }
    assert_hides(id, &traced);
    Ok(())
}
