//! Operations are spans with entity, store and key; secret ids and values are in no span, error or
//! `Debug`.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use kv_runtime::store::AtomicStore;
use kv_runtime::{Kv, ManualClock};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::entities::{Counter, Session};
use crate::subscribe::subscribe;
use crate::{Outcome, memory, on_every_store};

on_every_store!(errors_and_debug_show_a_hash);

const SECRET: &str = "hunter2";

async fn errors_and_debug_show_a_hash<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let sessions = kv.collection::<Session>();
    let session = Session { token: SECRET.to_owned(), user: 4_711 };
    sessions.insert(&session).await?;
    let exists = sessions.insert(&session).await.expect_err("is there");
    let changed =
        sessions.update(SECRET, |session| session.token.push('!')).await.expect_err("changes the id");
    let absent = sessions.update("hunter22", |_| ()).await.expect_err("is not there");
    for error in [&exists, &changed, &absent] {
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("session:#"), "{shown}");
        assert!(!shown.contains(SECRET) && !shown.contains("4711"), "{shown}");
    }
    let shown = |error: &kv_runtime::Error| error.location().and_then(|at| at.key.clone());
    assert_eq!(shown(&exists), shown(&changed));
    assert_ne!(shown(&exists), shown(&absent));
    let page = sessions.list().limit(1).page().await?;
    let debug = format!("{:?} {:?} {sessions:?} {kv:?}", page.cursor, sessions.list());
    assert!(!debug.contains(SECRET), "{debug}");
    Ok(())
}

/// Takes down every span that is opened.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<String>>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("kv_runtime")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = span.metadata().name().to_owned();
        span.record(&mut Line(&mut line));
        self.0.lock().unwrap().push(line);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn every_operation_is_a_span() -> Outcome {
    let spans = Spans::default();
    let _guard = subscribe(spans.clone());
    let (kv, _clock) = memory();
    let counters = kv.collection::<Counter>();
    let counter = Counter { name: "a".to_owned(), count: 1 };
    counters.put(&counter).await?;
    counters.get("a").await?;
    counters.get_many(["a"]).await?;
    counters.exists("a").await?;
    counters.put_many([&counter]).await?;
    counters.update("a", |_| ()).await?;
    counters.try_update("a", |_| Ok::<_, kv_runtime::Error>(())).await?;
    counters.upsert("a", || counter.clone(), |_| ()).await?;
    counters.touch("a").await?;
    counters.list().page().await?;
    counters.list().ids().page().await?;
    assert!(counters.list().stream().next().await.is_some());
    assert!(counters.list().ids().stream().next().await.is_some());
    counters.delete("a").await?;
    counters.insert(&counter).await?;
    counters.delete_many(["a"]).await?;
    let seen = std::mem::take(&mut *spans.0.lock().unwrap());
    let one = |operation: &str| {
        format!("kv operation=\"{operation}\" entity=\"Counter\" store=\"memory\" key=counter:a")
    };
    let all = |operation: &str| format!("kv operation=\"{operation}\" entity=\"Counter\" store=\"memory\"");
    let many = |operation: &str| format!("{} entities=1", all(operation));
    let list = |operation: &str| format!("{} key=counter:", all(operation));
    assert_eq!(
        seen,
        [
            one("put"),
            one("get"),
            many("get_many"),
            one("exists"),
            many("put_many"),
            one("update"),
            one("try_update"),
            one("upsert"),
            one("touch"),
            list("list"),
            list("list_ids"),
            list("list"),
            list("list_ids"),
            one("delete"),
            one("insert"),
            many("delete_many"),
        ]
    );
    kv.collection::<Session>().put(&Session { token: SECRET.to_owned(), user: 4_711 }).await?;
    let seen = spans.0.lock().unwrap().join("\n");
    assert!(seen.contains("session:#") && !seen.contains(SECRET) && !seen.contains("4711"), "{seen}");
    Ok(())
}
