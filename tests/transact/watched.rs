//! What a transaction shows to those who watch: a span, and counters.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use kv_runtime::Kv;
use kv_runtime::store::MemoryStore;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::entities::Account;
use crate::subscribe::subscribe;
use crate::{Outcome, Runs};

/// Keeps the fields of spans.
#[derive(Clone, Default)]
struct Fields(Arc<Mutex<Vec<(String, String)>>>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut fields = self.0.lock().expect("nobody panics with it");
        fields.retain(|(name, _)| name != field.name());
        fields.push((field.name().to_owned(), format!("{value:?}")));
    }
}

impl Subscriber for Fields {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().contains("transact")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_span_tells_of_attempts_reads_and_writes() -> Outcome {
    let fields = Fields::default();
    let kv = Kv::new(MemoryStore::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let subscribed = subscribe(fields.clone());
    runtime.block_on(async {
        kv.collection().put_many([Account::new(1, 1), Account::new(2, 2)]).await?;
        let runs = Runs::default();
        kv.transact(async |tx| {
            tx.get::<Account>(2).await?;
            if runs.begin() == 1 {
                kv.collection().put(&Account::new(2, 3)).await?;
            }
            tx.insert(&Account::new(3, 3))?;
            tx.update::<Account>(1, |account| account.cents += 1).await.map(drop)
        })
        .await
    })?;
    drop(subscribed);
    let mut fields = fields.0.lock().expect("nobody panics with it").clone();
    fields.sort();
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(fields, ["attempts=2", "operation=\"transact\"", "reads=2", "store=\"memory\"", "writes=2"]);
    let stats = kv.transaction_stats();
    assert_eq!(
        (stats.committed, stats.conflicts, stats.retries, stats.exhausted, stats.unknown),
        (1, 1, 1, 0, 0)
    );
    assert_eq!(format!("{stats:?}").matches('1').count(), 3);
    Ok(())
}
