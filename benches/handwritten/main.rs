//! What the derived code costs beside the same calls written by hand: `format!`, serde_json and the store's own methods.

#[path = "../support/mod.rs"]
mod support;

mod allocations;
mod by_hand;
mod raw;
mod user;

use std::cell::Cell;
use std::hint::black_box;

use kv_runtime::Kv;
use kv_runtime::store::{MemoryStore, RedbStore};
use tokio::runtime::Runtime;

use by_hand::ByHand;
use raw::RawRedb;
use support::{Report, Result, Sides, by_turns, nanos_each};
use user::Users;

/// How many users a store holds.
const USERS: usize = 10_000;
/// How many users a list shows and a batch writes.
const BATCH: usize = 1_000;
/// How many single calls a round makes.
const CALLS: usize = 1_000;

const GOAL: f64 = 1.05;
const BY_HAND: &str = "by hand on the same store";
const RAW: &str = "redb by hand, without envelope";

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

fn main() -> Result<()> {
    let mut report = Report::new("handwritten");
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;

    let ours = Side::fill(&runtime, Kv::new(MemoryStore::new()).collection())?;
    let theirs = Side::fill(&runtime, ByHand(MemoryStore::new()))?;
    report.case("memory/get", BY_HAND, "ns", GOAL, || by_turns(400, ours.gets(), theirs.gets()))?;
    report.case("memory/put", BY_HAND, "ns", GOAL, || by_turns(400, ours.puts(), theirs.puts()))?;
    report.case("memory/list-1000", BY_HAND, "ns/record", GOAL, || {
        by_turns(400, ours.lists(), theirs.lists())
    })?;
    report.case("allocations/get", BY_HAND, "allocations", 1.0, || {
        Ok(Sides { ours: ours.allocations_of_get()?, theirs: theirs.allocations_of_get()? })
    })?;
    report.case("allocations/put", BY_HAND, "allocations", 1.0, || {
        Ok(Sides { ours: ours.allocations_of_put()?, theirs: theirs.allocations_of_put()? })
    })?;

    let directory = tempfile::tempdir_in(support::target_dir())?;
    let path = |name: &str| directory.path().join(name);
    let ours = Side::fill(&runtime, Kv::new(RedbStore::open(path("ours.redb"))?).collection())?;
    let theirs = Side::fill(&runtime, ByHand(RedbStore::open(path("theirs.redb"))?))?;
    report.case("redb/get", BY_HAND, "ns", GOAL, || by_turns(400, ours.gets(), theirs.gets()))?;
    report.case("redb/put-batch-1000", BY_HAND, "ns/record", GOAL, || {
        by_turns(200, ours.batches(), theirs.batches())
    })?;
    report
        .case("redb/list-1000", BY_HAND, "ns/record", GOAL, || by_turns(400, ours.lists(), theirs.lists()))?;

    // What the store's envelope and its thread cost, for information.
    let theirs = Side::fill(&runtime, RawRedb::create(&path("raw.redb"))?)?;
    report.case("redb-raw/get", RAW, "ns", None, || by_turns(400, ours.gets(), theirs.gets()))?;
    report.case("redb-raw/put-batch-1000", RAW, "ns/record", None, || {
        by_turns(200, ours.batches(), theirs.batches())
    })?;
    report
        .case("redb-raw/list-1000", RAW, "ns/record", None, || by_turns(400, ours.lists(), theirs.lists()))?;
    report.finish()
}

/// One way to make the calls, and its users. Each method gives what makes one round.
struct Side<'a, U: Users> {
    runtime: &'a Runtime,
    calls: U,
    users: Vec<U::User>,
}

impl<'a, U: Users> Side<'a, U> {
    /// Writes all users, and looks whether they are there.
    fn fill(runtime: &'a Runtime, calls: U) -> Result<Self> {
        let users: Vec<U::User> = (0..USERS as u64).map(U::sample).collect();
        runtime.block_on(async {
            calls.put_many(&users).await?;
            assert_eq!(calls.get(7).await?.as_ref(), Some(&users[7]));
            assert_eq!(calls.get(USERS as u64).await?, None);
            let listed = calls.list(BATCH).await?;
            assert_eq!(listed.len(), BATCH);
            assert_eq!(listed[0], users[0]);
            Ok::<_, Box<dyn std::error::Error>>(())
        })?;
        Ok(Self { runtime, calls, users })
    }

    fn gets(&self) -> impl FnMut() -> Result<f64> {
        let places = Places::default();
        move || {
            nanos_each(CALLS, || {
                self.runtime.block_on(async {
                    for _ in 0..CALLS {
                        black_box(self.calls.get(places.next() as u64).await?);
                    }
                    Ok(())
                })
            })
        }
    }

    fn puts(&self) -> impl FnMut() -> Result<f64> {
        let places = Places::default();
        move || {
            nanos_each(CALLS, || {
                self.runtime.block_on(async {
                    for _ in 0..CALLS {
                        self.calls.put(&self.users[places.next()]).await?;
                    }
                    Ok(())
                })
            })
        }
    }

    fn batches(&self) -> impl FnMut() -> Result<f64> {
        || nanos_each(BATCH, || self.runtime.block_on(self.calls.put_many(&self.users[..BATCH])))
    }

    fn lists(&self) -> impl FnMut() -> Result<f64> {
        || nanos_each(BATCH, || self.runtime.block_on(self.calls.list(BATCH)))
    }

    fn allocations_of_get(&self) -> Result<f64> {
        // The first read of a new value may make it shareable, which its write did not.
        self.runtime.block_on(self.calls.get(7))?;
        allocations::of(|| self.runtime.block_on(self.calls.get(7)))
    }

    fn allocations_of_put(&self) -> Result<f64> {
        allocations::of(|| self.runtime.block_on(self.calls.put(&self.users[7])))
    }
}

/// Places of users in no order; both sides see the same ones.
#[derive(Default)]
struct Places(Cell<usize>);

impl Places {
    fn next(&self) -> usize {
        // The step has no divisor in common with their number: every place comes once before any comes again.
        let next = (self.0.get() + 7_919) % USERS;
        self.0.set(next);
        next
    }
}
