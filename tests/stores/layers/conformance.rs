//! What a wrapper hands on must be what the engine would have done.

use kv_runtime::conformance::{self, ManualHarness};
use std::time::Duration;

use kv_runtime::layer::{Fault, FaultStore, Faults, NamespaceStore, ObservedStore, RetryStore, TimeoutStore};
use kv_runtime::store::{IndexStore, MemoryStore};
use kv_runtime::{Clock, Error, Result};

type Outcome = Result<(), conformance::Unfit>;

/// So many tests of the suite run against the store in memory at the least.
pub const TESTS: usize = 104;

async fn conforms<S: IndexStore>(wrap: impl Fn(MemoryStore) -> S + Sync) -> Outcome {
    let make = |clock: Clock| Ok::<_, Error>(wrap(MemoryStore::with_clock(clock)));
    conformance::index_store(&ManualHarness::new(make)).await.require(TESTS)
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

#[tokio::test]
async fn a_limit_of_time() -> Outcome {
    conforms(|store| TimeoutStore::new(store, Duration::from_secs(30))).await
}

#[tokio::test]
async fn retries_without_cause() -> Outcome {
    conforms(RetryStore::new).await
}

/// A tenth of all calls fails for the moment, and nobody who asks sees it.
#[tokio::test]
async fn retries_of_a_flaky_store() -> Outcome {
    let faults = Faults::seeded(7);
    faults.add(Fault::fail().share(0.1));
    let clock = |store| {
        let flaky = FaultStore::with_faults(store, faults.clone());
        RetryStore::new(flaky).attempts(20).pauses(Duration::ZERO, Duration::ZERO)
    };
    conforms(clock).await?;
    assert!(faults.struck() > 100, "{} faults", faults.struck());
    Ok(())
}

#[tokio::test]
async fn all_of_them_around_one_another() -> Outcome {
    conforms(|store| {
        let store = FaultStore::new(NamespaceStore::new(NamespaceStore::new(store, "tenant"), "acme"));
        let store = RetryStore::new(TimeoutStore::new(store, Duration::from_secs(30)));
        ObservedStore::new(store)
    })
    .await
}
