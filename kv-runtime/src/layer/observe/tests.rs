//! What `ObservedStore` counts, and which events it emits.

use std::sync::Mutex;

use futures_util::FutureExt;
use kv_store::record::Metadata;
use kv_store::store::{Expect, MemoryStore, StoreExt};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata as EventKind, Subscriber, span};

use super::*;
use kv_store::record::NewRecord;
use kv_store::store::Write;

fn key(text: &str) -> Key {
    Key::from_text(text)
}

fn put(text: &str) -> Write {
    Write::Put(key(text), NewRecord::new("1", Metadata::default()))
}

#[tokio::test]
async fn calls_are_counted_by_how_they_ended() -> Result<()> {
    let store = ObservedStore::new(MemoryStore::new());
    store.read(&key("a")).await?;
    store.read_many(&[key("a"), key("b")]).await?;
    for _ in 0..2 {
        let absent = vec![Condition::new(key("a"), Expect::Absent)];
        let _: Commit = store.commit(absent, put("a").into()).await?;
    }
    let query = ListQuery::new(key("a")).with_cursor(Some(kv_store::store::Cursor::from_text("x")));
    assert!(store.page(&query).await.is_err());

    let stats = store.clone().stats();
    let counted: Vec<_> = stats.iter().filter(|(_, it)| it.calls() > 0).map(|(it, _)| it.name()).collect();
    assert_eq!(counted, ["get", "get_many", "list", "commit"]);
    let commits = stats.of(Operation::Commit);
    assert_eq!((commits.done, commits.conflicts, commits.calls()), (1, 1, 2));
    assert_eq!(stats.of(Operation::List).failed, 1);
    assert_eq!(commits.latencies.buckets().map(|(_, count)| count).sum::<u64>(), 2);
    Ok(())
}

/// Calls that fail, and calls that are dropped, on a store with injected faults.
#[tokio::test]
async fn failures_are_counted_by_kind_and_dropped_calls_are_counted() {
    let store = ObservedStore::new(MemoryStore::new());
    let failing = |retryable| async move {
        let at = kv_store::Location::store("test");
        Err::<(), _>(Error::store(at, "answer", retryable, std::fmt::Error))
    };
    for retryable in [true, false] {
        assert!(store.observe(Operation::Put, 1, failing(retryable)).await.is_err());
    }
    let unknown = async {
        let at = kv_store::Location::store("test");
        Err::<(), _>(Error::OutcomeUnknown { at, source: kv_store::SharedError::new(std::fmt::Error) })
    };
    assert!(store.observe(Operation::Put, 1, unknown).await.is_err());
    let pending = store.observe(Operation::Put, 1, std::future::pending::<Result<()>>());
    assert!(pending.now_or_never().is_none());
    let stats = store.stats();
    let puts = stats.of(Operation::Put);
    assert_eq!((puts.retryable, puts.failed, puts.unknown, puts.dropped, puts.done), (1, 1, 1, 1, 0));
}

/// Collects events as text.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

#[expect(clippy::missing_trait_methods, reason = "it is no wrapper")]
impl Subscriber for Told {
    fn enabled(&self, kind: &EventKind<'_>) -> bool {
        kind.target() == TARGET
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(event.metadata().level().to_string());
        event.record(&mut fields);
        self.0.lock().expect("no panic").push(fields.0);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Fields(String);

#[expect(clippy::missing_trait_methods, reason = "it is no wrapper")]
impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() != "micros" {
            self.0 += &format!(" {}={value:?}", field.name());
        }
    }
}

#[test]
fn every_call_is_one_event_and_values_are_in_none() {
    let told = Told::default();
    let store = ObservedStore::new(MemoryStore::new());
    // While there is only one, another test's thread may decide that nobody wants an event.
    let _second_subscriber = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    tracing::subscriber::with_default(told.clone(), || {
        let slow = store.clone().warn_above(Duration::ZERO);
        let record = NewRecord::new("a secret", Metadata::default());
        store.put(key("a"), record).now_or_never().expect("ready").expect("written");
        slow.read(&key("a")).now_or_never().expect("ready").expect("read");
        let query = ListQuery::new(key("a")).with_cursor(Some(kv_store::store::Cursor::from_text("x")));
        assert!(store.page(&query).now_or_never().expect("ready").is_err());
    });
    let told = told.0.lock().expect("no panic").clone();
    let begins = [
        format!("{} operation=\"put\" records=1 outcome=\"done\"", Level::DEBUG),
        format!("{} message=slow operation=\"get\" records=1 outcome=\"done\"", Level::WARN),
        format!(
            "{} operation=\"list\" records=1000 outcome=\"failed\" error=`a` in memory: the cursor",
            Level::WARN
        ),
    ];
    assert_eq!(told.len(), begins.len(), "{told:?}");
    for (told, begin) in told.iter().zip(&begins) {
        assert!(told.starts_with(begin.as_str()), "{told}");
    }
}
