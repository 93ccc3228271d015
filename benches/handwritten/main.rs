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
use user::{User, Users};

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
    let users: Vec<User> = (0..USERS as u64).map(User::sample).collect();
    let bench = Bench { runtime, users };

    let ours = Kv::new(MemoryStore::new()).collection();
    let theirs = ByHand(MemoryStore::new());
    bench.fill(&ours, &theirs)?;
    report.case("memory/get", BY_HAND, "ns", GOAL, || bench.get(&ours, &theirs))?;
    report.case("memory/put", BY_HAND, "ns", GOAL, || bench.put(&ours, &theirs))?;
    report.case("memory/list-1000", BY_HAND, "ns/record", GOAL, || bench.list(&ours, &theirs))?;
    report
        .case("allocations/get", BY_HAND, "allocations", 1.0, || bench.allocations_of_get(&ours, &theirs))?;
    report
        .case("allocations/put", BY_HAND, "allocations", 1.0, || bench.allocations_of_put(&ours, &theirs))?;

    let directory = tempfile::tempdir_in(support::target_dir())?;
    let path = |name: &str| directory.path().join(name);
    let ours = Kv::new(RedbStore::open(path("ours.redb"))?).collection();
    let theirs = ByHand(RedbStore::open(path("theirs.redb"))?);
    bench.fill(&ours, &theirs)?;
    report.case("redb/get", BY_HAND, "ns", GOAL, || bench.get(&ours, &theirs))?;
    report.case("redb/put-batch-1000", BY_HAND, "ns/record", GOAL, || bench.put_many(&ours, &theirs))?;
    report.case("redb/list-1000", BY_HAND, "ns/record", GOAL, || bench.list(&ours, &theirs))?;

    // What the store's envelope and its thread cost, for information.
    let theirs = RawRedb::create(&path("raw.redb"))?;
    bench.fill(&ours, &theirs)?;
    report.case("redb-raw/get", RAW, "ns", None, || bench.get(&ours, &theirs))?;
    report.case("redb-raw/put-batch-1000", RAW, "ns/record", None, || bench.put_many(&ours, &theirs))?;
    report.case("redb-raw/list-1000", RAW, "ns/record", None, || bench.list(&ours, &theirs))?;
    report.finish()
}

struct Bench {
    runtime: Runtime,
    users: Vec<User>,
}

impl Bench {
    /// Gives both sides the same users, and looks whether they do the same thing.
    fn fill(&self, ours: &impl Users, theirs: &impl Users) -> Result<()> {
        self.runtime.block_on(async {
            ours.put_many(&self.users).await?;
            theirs.put_many(&self.users).await?;
            let user = &self.users[USERS / 2];
            assert_eq!(ours.get(user.id).await?.as_ref(), Some(user));
            assert_eq!(theirs.get(user.id).await?.as_ref(), Some(user));
            let listed = ours.list(BATCH).await?;
            assert_eq!(listed.len(), BATCH);
            assert_eq!(listed, theirs.list(BATCH).await?);
            Ok(())
        })
    }

    fn get(&self, ours: &impl Users, theirs: &impl Users) -> Result<Sides> {
        by_turns(400, self.round_of_gets(ours), self.round_of_gets(theirs))
    }

    fn round_of_gets(&self, side: &impl Users) -> impl FnMut() -> Result<f64> {
        let ids = Ids::default();
        move || {
            nanos_each(CALLS, || {
                self.runtime.block_on(async {
                    for _ in 0..CALLS {
                        black_box(side.get(ids.next() as u64).await?);
                    }
                    Ok(())
                })
            })
        }
    }

    fn put(&self, ours: &impl Users, theirs: &impl Users) -> Result<Sides> {
        by_turns(400, self.round_of_puts(ours), self.round_of_puts(theirs))
    }

    fn round_of_puts(&self, side: &impl Users) -> impl FnMut() -> Result<f64> {
        let ids = Ids::default();
        move || {
            nanos_each(CALLS, || {
                self.runtime.block_on(async {
                    for _ in 0..CALLS {
                        side.put(&self.users[ids.next()]).await?;
                    }
                    Ok(())
                })
            })
        }
    }

    fn put_many(&self, ours: &impl Users, theirs: &impl Users) -> Result<Sides> {
        let batch = &self.users[..BATCH];
        by_turns(
            100,
            || nanos_each(BATCH, || self.runtime.block_on(ours.put_many(batch))),
            || nanos_each(BATCH, || self.runtime.block_on(theirs.put_many(batch))),
        )
    }

    fn list(&self, ours: &impl Users, theirs: &impl Users) -> Result<Sides> {
        by_turns(
            400,
            || nanos_each(BATCH, || self.runtime.block_on(ours.list(BATCH))),
            || nanos_each(BATCH, || self.runtime.block_on(theirs.list(BATCH))),
        )
    }

    fn allocations_of_get(&self, ours: &impl Users, theirs: &impl Users) -> Result<Sides> {
        by_turns(
            9,
            || allocations::of(|| self.runtime.block_on(ours.get(7))),
            || allocations::of(|| self.runtime.block_on(theirs.get(7))),
        )
    }

    fn allocations_of_put(&self, ours: &impl Users, theirs: &impl Users) -> Result<Sides> {
        by_turns(
            9,
            || allocations::of(|| self.runtime.block_on(ours.put(&self.users[7]))),
            || allocations::of(|| self.runtime.block_on(theirs.put(&self.users[7]))),
        )
    }
}

/// Places of users in no order; both sides see the same ones.
#[derive(Default)]
struct Ids(Cell<usize>);

impl Ids {
    fn next(&self) -> usize {
        // The factor is prime and no divisor of their number: every place comes once before any comes again.
        let next = (self.0.get() + 7_919) % USERS;
        self.0.set(next);
        next
    }
}
