//! Every store that runs without a server, against the suite; and the suite, against stores with
//! faults.

mod engine;
mod faults;
mod redb;
mod threads;

use kv_runtime::conformance::{self, ManualHarness, Unfit};
use kv_runtime::store::{MemoryStore, RedbDurability};

use crate::redb::RedbHarness;

#[tokio::test]
async fn memory() -> Result<(), Unfit> {
    let report =
        conformance::index_store(&ManualHarness::new(|clock| Ok(MemoryStore::with_clock(clock)))).await;
    println!("{report}");
    report.require(104)
}

#[tokio::test]
async fn redb() -> Result<(), Unfit> {
    let report = conformance::index_store(&RedbHarness::new(RedbDurability::Immediate)).await;
    println!("{report}");
    report.require(121)
}

#[tokio::test]
async fn redb_that_waits_for_a_flush() -> Result<(), Unfit> {
    conformance::index_store(&RedbHarness::new(RedbDurability::OnFlush)).await.require(121)
}
