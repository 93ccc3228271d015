//! What a wrapper hands on must be what the engine would have done.

use kv_runtime::conformance::{self, ManualHarness};
use kv_runtime::layer::{FaultStore, NamespaceStore, ObservedStore};
use kv_runtime::store::{AtomicStore, MemoryStore};
use kv_runtime::{Clock, Error, Result};

type Outcome = Result<(), conformance::Unfit>;

/// So many tests of the suite run against the store in memory at the least.
pub const TESTS: usize = 90;

async fn conforms<S: AtomicStore>(wrap: impl Fn(MemoryStore) -> S + Sync) -> Outcome {
    let make = |clock: Clock| Ok::<_, Error>(wrap(MemoryStore::with_clock(clock)));
    conformance::atomic_store(&ManualHarness::new(make)).await.require(TESTS)
}

#[tokio::test]
async fn a_store_without_faults() -> Outcome {
    conforms(FaultStore::new).await
}

#[tokio::test]
async fn a_namespace() -> Outcome {
    conforms(|store| NamespaceStore::new(store, "acme: 100 %")).await
}

#[tokio::test]
async fn an_observed_store() -> Outcome {
    conforms(ObservedStore::new).await
}
