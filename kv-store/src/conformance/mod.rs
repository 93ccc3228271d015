//! A test suite for implementors of [`Store`](crate::store::Store), [`AtomicStore`] and
//! [`IndexStore`] (feature `conformance`).
//!
//! It tests every MUST of the traits' docs. A [`Harness`] creates the stores and lets time pass.
//! The suite runs the tests that a store's [capabilities](crate::store::Capabilities) allow. The
//! [`Report`] lists what passed, what failed, and what was skipped and why. [`Report::require`]
//! turns it into a test's result, and fails if too few tests ran.
//!
//! Test a wrapper around a [`NamespaceStore`](https://docs.rs/kv-runtime/latest/kv_runtime/layer/struct.NamespaceStore.html). Only then the suite
//! can check that it forwards [`Store::info`](crate::store::Store::info).
//!
//! ```
//! # extern crate kv_runtime_store as kv_runtime;
//! use kv_runtime::conformance::{self, ManualHarness};
//! use kv_runtime::store::MemoryStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), conformance::Unfit> {
//! let report = conformance::atomic_store(&ManualHarness::new(|clock| Ok(MemoryStore::with_clock(clock)))).await;
//! println!("{report}");
//! report.require(60)
//! # }
//! ```

mod harness;
mod report;
#[macro_use]
mod suite;

mod batches;
mod commits;
mod concurrency;
mod cursors;
mod deadlines;
mod dropped;
mod expiry;
mod foreign;
mod indexes;
mod keys;
mod leases;
mod lists;
#[cfg(not(target_arch = "wasm32"))]
mod panics;
mod places;
mod plain;
mod records;
mod replace;
mod revisions;
mod writes;

use crate::store::{AtomicStore, IndexStore};

pub use harness::{Foreign, Harness, ManualHarness};
pub use report::{Failure, Outcome, Report, TestRun, Unfit};
use suite::Suite;

/// Tests every MUST of [`Store`](crate::store::Store).
pub async fn store<H: Harness>(harness: &H) -> Report {
    let mut suite = Suite::new(harness);
    run_store(&mut suite).await;
    suite.into_report()
}

/// Tests every MUST of [`Store`](crate::store::Store) and of [`AtomicStore`].
pub async fn atomic_store<H: Harness<Store: AtomicStore>>(harness: &H) -> Report {
    let mut suite = Suite::new(harness);
    run_store(&mut suite).await;
    run_atomic(&mut suite).await;
    suite.into_report()
}

/// Tests every MUST of [`Store`](crate::store::Store), of [`AtomicStore`] and of [`IndexStore`].
pub async fn index_store<H: Harness<Store: IndexStore>>(harness: &H) -> Report {
    let mut suite = Suite::new(harness);
    run_store(&mut suite).await;
    run_atomic(&mut suite).await;
    indexes::run(&mut suite).await;
    suite.into_report()
}

async fn run_atomic<H: Harness<Store: AtomicStore>>(suite: &mut Suite<'_, H>) {
    commits::run(suite).await;
    writes::run(suite).await;
    leases::run(suite).await;
    deadlines::run(suite).await;
    revisions::run(suite).await;
    concurrency::run_atomic(suite).await;
    dropped::run_atomic(suite).await;
    foreign::run_atomic(suite).await;
    plain::run_atomic(suite).await;
}

async fn run_store<H: Harness>(suite: &mut Suite<'_, H>) {
    records::run(suite).await;
    keys::run(suite).await;
    batches::run(suite).await;
    lists::run(suite).await;
    #[cfg(not(target_arch = "wasm32"))]
    panics::run(suite).await;
    cursors::run(suite).await;
    expiry::run(suite).await;
    concurrency::run(suite).await;
    dropped::run(suite).await;
    foreign::run(suite).await;
    replace::run(suite).await;
    places::run(suite).await;
    plain::run(suite).await;
}
