//! Ids and data are in no span, event, error or `Debug`.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use kv_runtime::ManualClock;
use kv_runtime::key::Key;
use kv_runtime::record::{Metadata as Meta, NewRecord};
use kv_runtime::store::Store;
use kv_runtime::tower_sessions::{KvSessionStore, StoredSession};
use serde_json::json;
use tower_sessions::session::Id;
use tower_sessions::{Session, SessionStore};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::scripted::Scripted;
use crate::{HOUR, MINUTE, Outcome, START, created};

/// Takes down all that is traced, whoever says it.
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
async fn nothing_that_is_traced_or_shown_holds_a_secret() -> Outcome {
    let trace = Trace::default();
    let _guard = tracing::subscriber::set_default(trace.clone());
    let clock = ManualClock::new(START);
    let kv = Scripted::new(&clock);
    let store = Arc::new(KvSessionStore::new(&kv).with_idle_timeout(HOUR));

    let mut record = created(&store, 24 * HOUR).await?;
    let id = record.id;
    record.data.insert("password".to_owned(), json!(SECRET));
    store.save(&record).await?;
    clock.advance(MINUTE);
    let session = Session::new(Some(id), Arc::clone(&store), None);
    assert_eq!(session.get::<String>("password").await?.as_deref(), Some(SECRET));
    session.save().await?;

    // Failures of each kind, each of which is told in an error and traced.
    let mut told = String::new();
    kv.store().fail_reads(2);
    told += &format!("{:?}", store.load(&id).await.expect_err("fails"));
    told +=
        &format!("{:?}", Session::new(Some(id), Arc::clone(&store), None).load().await.expect_err("fails"));
    kv.store().fail_writes(3);
    told += &format!("{:?}", store.delete(&id).await.expect_err("fails"));
    clock.advance(MINUTE);
    assert!(store.load(&id).await?.is_some(), "what fails is the touch");
    record.data.insert("page".to_owned(), json!("/"));
    told += &format!("{:?}", store.save(&record).await.expect_err("fails"));
    kv.store().take_ids(usize::MAX);
    told += &format!("{:?}", store.create(&mut record.clone()).await.expect_err("fails"));
    store.delete(&id).await?;
    store.save(&record).await?;

    // A record that is not a session's.
    let damaged = NewRecord::new(format!(r#"{{"data":"{SECRET}"}}"#), Meta::default());
    kv.store().put(Key::from_text(format!("tower-session:{id}")), damaged).await?;
    told += &format!("{:?}", store.load(&id).await.expect_err("fails"));

    let stored = kv.collection::<StoredSession>();
    let mut shown = created_with_secret(&kv).await?;
    shown += &format!("{store:?} {stored:?} {kv:?}");
    let traced = trace.0.lock().unwrap();
    for needed in ["operation=\"get\"", "could not be prolonged", "the change is dropped", "kv_runtime"] {
        assert!(traced.contains(needed), "{needed} is not traced:\n{traced}");
    }
    assert!(told.contains("tower-session:#"), "{told}");
    hides(id, &told);
    hides(id, &traced);
    hides(id, &shown);
    Ok(())
}

async fn created_with_secret(kv: &kv_runtime::Kv<Scripted>) -> Outcome<String> {
    kv.store().take_ids(0);
    let store = KvSessionStore::new(kv);
    let mut record = crate::record(48 * HOUR);
    record.data.insert("password".to_owned(), json!(SECRET));
    store.create(&mut record).await?;
    let session =
        kv.collection::<StoredSession>().get(record.id.to_string()).await?.ok_or("it is not there")?;
    let shown = format!("{session:?}");
    hides(record.id, &shown);
    Ok(shown)
}
