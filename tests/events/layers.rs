//! The event of a wrapper for a failed call, with the error's causes.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::layer::{Fault, FaultStore, ObservedStore, RetryStore};
use kv_runtime::store::{MemoryStore, StoreExt};

use tracing::Level;

use crate::Log;

/// A store whose next call fails, and the ones after it do not.
fn flaky() -> FaultStore<MemoryStore> {
    let store = FaultStore::new(MemoryStore::new());
    store.faults().add(Fault::fail().times(1));
    store
}

/// The only warning.
fn warning(log: &Log) -> String {
    let mut warnings = log.take();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    warnings.pop().unwrap_or_default()
}

#[tokio::test]
async fn a_retry_tells_why_the_attempt_before_it_failed() -> Result<(), kv_runtime::Error> {
    let (log, _logging) = Log::start(Level::WARN);
    let store = RetryStore::new(flaky()).pauses(Duration::ZERO, Duration::ZERO);
    store.read(&Key::from_text("user:7")).await?;
    let warning = warning(&log);
    assert!(
        warning.contains("the store failed; retrying") && warning.contains("operation=\"get\""),
        "{warning}"
    );
    assert!(
        warning.contains("error=`user:7` in memory: ") && warning.contains("cause=a fault was injected"),
        "{warning}"
    );
    Ok(())
}

#[tokio::test]
async fn an_observed_failure_is_logged_with_its_cause() {
    let (log, _logging) = Log::start(Level::WARN);
    let store = ObservedStore::new(flaky());
    assert!(store.read(&Key::from_text("user:7")).await.is_err());
    let warning = warning(&log);
    assert!(warning.contains("operation=\"get\"") && warning.contains("outcome=\"retryable\""), "{warning}");
    assert!(
        warning.contains("error=`user:7` in memory: ") && warning.contains("cause=a fault was injected"),
        "{warning}"
    );
}
