//! The event of a wrapper for a failed call, with the error's causes.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::layer::{Fault, FaultStore, ObservedStore, RetryStore};
use kv_runtime::store::{MemoryStore, StoreExt};

use crate::Told;

/// A store whose next call fails, and the ones after it do not.
fn flaky() -> FaultStore<MemoryStore> {
    let store = FaultStore::new(MemoryStore::new());
    store.faults().add(Fault::fail().times(1));
    store
}

/// The only warning.
fn warning(told: &Told) -> String {
    let mut warnings = told.take();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    warnings.pop().unwrap_or_default()
}

#[tokio::test]
async fn a_retry_tells_why_the_attempt_before_it_failed() -> Result<(), kv_runtime::Error> {
    let told = Told::default();
    let _guard = tracing::subscriber::set_default(told.clone());
    let store = RetryStore::new(flaky()).pauses(Duration::ZERO, Duration::ZERO);
    store.read(&Key::from_text("user:7")).await?;
    let told = warning(&told);
    assert!(
        told.contains("the store failed, and is asked again") && told.contains("operation=\"get\""),
        "{told}"
    );
    assert!(
        told.contains("error=`user:7` in memory: ") && told.contains("cause=a fault was injected"),
        "{told}"
    );
    Ok(())
}

#[tokio::test]
async fn an_observed_failure_is_logged_with_its_cause() {
    let told = Told::default();
    let _guard = tracing::subscriber::set_default(told.clone());
    let store = ObservedStore::new(flaky());
    assert!(store.read(&Key::from_text("user:7")).await.is_err());
    let told = warning(&told);
    assert!(told.contains("operation=\"get\"") && told.contains("outcome=\"retryable\""), "{told}");
    assert!(
        told.contains("error=`user:7` in memory: ") && told.contains("cause=a fault was injected"),
        "{told}"
    );
}
