//! Ids and data of sessions appear in no span, event, error or `Debug`. This is a separate program,
//! because it examines everything that is traced.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use kv_runtime::key::Key;
use kv_runtime::layer::{Fault, FaultStore, Operation};
use kv_runtime::record::{Metadata as Meta, NewRecord};
use kv_runtime::store::{MemoryStore, StoreExt};
use kv_runtime::tower_sessions::{KvSessionStore, StoredSession};
use kv_runtime::{Clock, Kv, ManualClock, Timestamp};
use serde_json::json;
use tower_sessions::session::{self, Id};
use tower_sessions::{Session, SessionStore};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Record};
use tracing::{Event, Metadata, Subscriber};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Records everything that any code traces.
#[derive(Clone, Default)]
struct Trace(Arc<Mutex<String>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Subscriber for Trace {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> tracing::Id {
        let mut text = self.0.lock().unwrap();
        let _ = write!(text, "\n{} {}", span.metadata().target(), span.metadata().name());
        span.record(&mut Line(&mut text));
        tracing::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::Id, values: &Record<'_>) {
        values.record(&mut Line(&mut self.0.lock().unwrap()));
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock().unwrap();
        let _ = write!(text, "\n{}", event.metadata().target());
        event.record(&mut Line(&mut text));
    }

    fn record_follows_from(&self, _: &tracing::Id, _: &tracing::Id) {}
    fn enter(&self, _: &tracing::Id) {}
    fn exit(&self, _: &tracing::Id) {}
}

const SECRET: &str = "hunter2";

/// Neither spelling of the id, nor what is in the session.
fn hides(id: Id, text: &str) {
    for secret in [id.to_string(), id.0.to_string(), SECRET.to_owned()] {
        assert!(!text.contains(&secret), "{secret} in:\n{text}");
    }
}

#[tokio::test]
async fn nothing_that_is_traced_or_shown_holds_a_secret() -> Result<(), Box<dyn std::error::Error>> {
    let trace = Trace::default();
    let _guard = tracing::subscriber::set_default(trace.clone());
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
    let mut told = Vec::new();
    fail_next(Operation::Get);
    told.push(store.load(&id).await.expect_err("fails").to_string());
    fail_next(Operation::Get);
    told.push(Session::new(Some(id), Arc::clone(&store), None).load().await.expect_err("fails").to_string());
    fail_next(Operation::Delete);
    told.push(store.delete(&id).await.expect_err("fails").to_string());
    fail_next(Operation::Commit);
    clock.advance(MINUTE);
    assert!(store.load(&id).await?.is_some(), "what fails is the touch");
    record.data.insert("page".to_owned(), json!("/"));
    fail_next(Operation::Commit);
    told.push(store.save(&record).await.expect_err("fails").to_string());
    fail_next(Operation::Commit);
    told.push(store.create(&mut record.clone()).await.expect_err("fails").to_string());
    let stored = kv.collection::<StoredSession>();
    let shown = format!("{store:?} {stored:?} {kv:?} {:?}", stored.get(&id.to_string()).await?);
    store.delete(&id).await?;
    store.save(&record).await?;
    let damaged = NewRecord::new(format!(r#"{{"data":"{SECRET}"}}"#), Meta::default());
    kv.store().put(Key::from_text(format!("tower-session:{id}")), damaged).await?;
    told.push(store.load(&id).await.expect_err("it is no session").to_string());

    for told in told {
        assert!(told.contains("tower-session:#"), "{told}");
        hides(id, &told);
    }
    hides(id, &shown);
    let traced = trace.0.lock().unwrap();
    for needed in ["operation=\"get\"", "could not be prolonged", "the change is dropped", "session load"] {
        assert!(traced.contains(needed), "{needed} is not traced:\n{traced}");
    }
    hides(id, &traced);
    Ok(())
}
