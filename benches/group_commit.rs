//! What concurrent durable writers to a redb file gain from sharing commits.
//!
//! - `writers-64`: the time per record of 64 tasks that each wait for their own write, over that of one task.
//! - `records-per-fsync`: how many of the 64 tasks' records one commit carries, beside the 16 that it should carry at least;
//!   more is better.

mod support;

use std::cell::Cell;

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{RedbStore, StoreExt};
use kv_runtime::{Codec, Error};
use support::profile::Profile;
use support::{Report, Result, Sides, by_turns, nanos_each};
use tokio::runtime::{Builder, Runtime};

const WRITERS: u64 = 64;
const ROUNDS: usize = 20;

/// Writes of each of the 64 tasks, and of the one, in a round.
const BY_EACH: u64 = 20;
const BY_ONE: u64 = 100;

fn main() -> Result<()> {
    let mut report = Report::new("group_commit");
    let directory = tempfile::tempdir_in(support::target_dir())?;
    let bench = Bench {
        store: RedbStore::open(directory.path().join("group_commit.redb"))?,
        runtime: Builder::new_multi_thread().build()?,
        value: serde_json::to_vec(&Profile::sample(7))?,
        next: Cell::new(0),
    };
    report.case("writers-64", "one writer", "ns/record", 0.15, || {
        by_turns(ROUNDS, || bench.round(WRITERS, BY_EACH), || bench.round(1, BY_ONE))
    })?;
    report.case("records-per-fsync", "the least", "records", None, || {
        let before = bench.store.stats();
        for _ in 0..ROUNDS {
            bench.round(WRITERS, BY_EACH)?;
        }
        let after = bench.store.stats();
        let (records, commits) = (after.records - before.records, after.commits - before.commits);
        Ok(Sides { ours: records as f64 / commits as f64, theirs: 16.0 })
    })?;
    report.finish()
}

struct Bench {
    store: RedbStore,
    runtime: Runtime,
    value: Vec<u8>,
    /// The id of the next record, so that each is a new one.
    next: Cell<u64>,
}

impl Bench {
    /// So many tasks, each of which waits until one record is durable before it puts the next.
    fn round(&self, writers: u64, each: u64) -> Result<f64> {
        let first = self.next.replace(self.next.get() + writers * each);
        nanos_each((writers * each) as usize, || {
            self.runtime.block_on(async {
                let tasks = (0..writers).map(|writer| {
                    let (store, value) = (self.store.clone(), self.value.clone());
                    tokio::spawn(async move {
                        for id in (first + writer * each..).take(each as usize) {
                            let record = NewRecord::new(value.clone(), Metadata::new(1, Codec::Json));
                            store.put(Key::from_text(format!("user:{id}:profile")), record).await?;
                        }
                        Ok::<_, Error>(())
                    })
                });
                for task in tasks.collect::<Vec<_>>() {
                    task.await??;
                }
                Ok(())
            })
        })
    }
}
