//! What the derived code costs beside the same calls written by hand: `format!`, serde_json and the store's own methods.

#[path = "../support/mod.rs"]
mod support;

mod allocations;
mod by_hand;
mod locked;
mod raw;
mod user;

use std::cell::Cell;
use std::fs;
use std::hint::black_box;
use std::path::Path;

use kv_runtime::Kv;
use kv_runtime::store::{MemoryStore, RedbStore};
use tokio::runtime::Runtime;

use by_hand::ByHand;
use locked::LockedMap;
use raw::RawRedb;
use support::{Report, Result, Sides, by_turns, nanos_each};
use user::{Changes, User, Users};

/// How many users a store holds.
const USERS: usize = 10_000;
/// How many users a list shows and a batch writes.
const BATCH: usize = 1_000;
/// How many single calls a round makes.
const CALLS: usize = 1_000;

/// How often a case is measured on a new store. The location of a store's memory makes it faster or
/// slower for as long as it lives.
const STORES: usize = 7;

const GOAL: f64 = 1.05;
/// An update also finds out what it changed, and keeps what it does not know.
const UPDATE_GOAL: f64 = 1.3;
const BY_HAND: &str = "by hand on the same store";
const LOCKED: &str = "a locked BTreeMap by hand";
const RAW: &str = "redb by hand, without envelope";

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

fn main() -> Result<()> {
    let mut report = Report::new("handwritten");
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let directory = tempfile::tempdir_in(support::target_dir())?;
    let (ours, theirs) = (directory.path().join("ours.redb"), directory.path().join("theirs.redb"));

    let memory = Stores {
        runtime: &runtime,
        ours: || Ok(Kv::new(MemoryStore::new()).collection::<User>()),
        theirs: || Ok(ByHand(MemoryStore::new())),
    };
    report.case("memory/get", BY_HAND, "ns", GOAL, || memory.gets())?;
    report.case("memory/put", BY_HAND, "ns", GOAL, || memory.puts())?;
    report.case("memory/update", BY_HAND, "ns", UPDATE_GOAL, || memory.updates())?;
    report.case("memory/list-1000", BY_HAND, "ns/record", GOAL, || memory.lists())?;
    report.case("allocations/get", BY_HAND, "allocations", 1.0, || memory.allocations_of_get())?;
    report.case("allocations/put", BY_HAND, "allocations", 1.0, || memory.allocations_of_put())?;

    // What the store's metadata, expiry and revisions cost.
    let raw = Stores { runtime: &runtime, ours: &memory.ours, theirs: || Ok(LockedMap::default()) };
    report.case("memory-raw/get", LOCKED, "ns", 1.1, || raw.gets())?;
    report.case("memory-raw/put", LOCKED, "ns", 1.2, || raw.puts())?;
    report.case("memory-raw/list-1000", LOCKED, "ns/record", 1.1, || raw.lists())?;

    let redb = Stores {
        runtime: &runtime,
        ours: || Ok(Kv::new(RedbStore::open(without_file(&ours)?)?).collection::<User>()),
        theirs: || Ok(ByHand(RedbStore::open(without_file(&theirs)?)?)),
    };
    report.case("redb/get", BY_HAND, "ns", GOAL, || redb.gets())?;
    report.case("redb/put-batch-1000", BY_HAND, "ns/record", GOAL, || redb.batches())?;
    report.case("redb/list-1000", BY_HAND, "ns/record", GOAL, || redb.lists())?;

    // What the store's envelope and its thread cost, for information.
    let raw =
        Stores { runtime: &runtime, ours: &redb.ours, theirs: || RawRedb::create(without_file(&theirs)?) };
    report.case("redb-raw/get", RAW, "ns", None, || raw.gets())?;
    report.case("redb-raw/put-batch-1000", RAW, "ns/record", None, || raw.batches())?;
    report.case("redb-raw/list-1000", RAW, "ns/record", None, || raw.lists())?;
    report.finish()
}

/// The path, at which no file is any more.
fn without_file(path: &Path) -> Result<&Path> {
    if path.exists() {
        fs::remove_file(path)?;
    }
    Ok(path)
}

/// How both sides' stores are made.
struct Stores<'a, F, G> {
    runtime: &'a Runtime,
    ours: F,
    theirs: G,
}

impl<U, V, F, G> Stores<'_, F, G>
where
    U: Users,
    V: Users,
    F: Fn() -> Result<U>,
    G: Fn() -> Result<V>,
{
    fn gets(&self) -> Result<Sides> {
        self.each(|ours, theirs| by_turns(100, ours.gets(), theirs.gets()))
    }

    fn puts(&self) -> Result<Sides> {
        self.each(|ours, theirs| by_turns(100, ours.puts(), theirs.puts()))
    }

    fn batches(&self) -> Result<Sides> {
        self.each(|ours, theirs| by_turns(50, ours.batches(), theirs.batches()))
    }

    fn lists(&self) -> Result<Sides> {
        self.each(|ours, theirs| by_turns(100, ours.lists(), theirs.lists()))
    }

    fn allocations_of_get(&self) -> Result<Sides> {
        self.each(|ours, theirs| {
            Ok(Sides { ours: ours.allocations_of_get()?, theirs: theirs.allocations_of_get()? })
        })
    }

    fn allocations_of_put(&self) -> Result<Sides> {
        self.each(|ours, theirs| {
            Ok(Sides { ours: ours.allocations_of_put()?, theirs: theirs.allocations_of_put()? })
        })
    }

    /// Measures on new stores, sometimes ours first and sometimes theirs.
    fn each(&self, measure: impl Fn(&Side<'_, U>, &Side<'_, V>) -> Result<Sides>) -> Result<Sides> {
        let mut all = Vec::with_capacity(STORES);
        for turn in 0..STORES {
            all.push(if turn % 2 == 0 {
                let ours = Side::fill(self.runtime, (self.ours)()?)?;
                measure(&ours, &Side::fill(self.runtime, (self.theirs)()?)?)?
            } else {
                let theirs = Side::fill(self.runtime, (self.theirs)()?)?;
                measure(&Side::fill(self.runtime, (self.ours)()?)?, &theirs)?
            });
        }
        Sides::middle(all)
    }
}

impl<U, V, F, G> Stores<'_, F, G>
where
    U: Changes,
    V: Changes,
    F: Fn() -> Result<U>,
    G: Fn() -> Result<V>,
{
    fn updates(&self) -> Result<Sides> {
        self.each(|ours, theirs| by_turns(100, ours.updates(), theirs.updates()))
    }
}

impl<U: Changes> Side<'_, U> {
    fn updates(&self) -> impl FnMut() -> Result<f64> {
        let places = Places::default();
        move || {
            nanos_each(CALLS, || {
                self.runtime.block_on(async {
                    for _ in 0..CALLS {
                        self.calls.change(places.next() as u64).await?;
                    }
                    Ok(())
                })
            })
        }
    }
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
