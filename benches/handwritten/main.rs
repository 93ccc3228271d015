//! What the derived code costs beside the same calls written by hand: `format!`, serde_json and the store's own methods.

#[path = "../support/mod.rs"]
mod support;

mod allocations;
mod by_hand;
mod raw;

use std::path::Path;

use kv_runtime::store::{MemoryStore, RedbStore, Store};
use kv_runtime::{Collection, Kv, KvEntity};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use by_hand::ByHand;
use raw::RawRedb;
use support::profile::{Profile, Role};
use support::{Report, Result, Sides, by_turns, nanos_each};

/// The entity of both sides. serde's derives serve those written by hand, who have the id in the key and not in the value.
#[derive(KvEntity, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kv(prefix = "user", group = "profile")]
pub struct User {
    #[kv(id)]
    #[serde(skip)]
    id: u64,
    name: String,
    email: String,
    role: Role,
    bio: String,
    avatar_url: String,
    locale: String,
    interests: Vec<String>,
    last_seen: u64,
    logins: u32,
    is_verified: bool,
}

impl User {
    fn sample(id: u64) -> Self {
        let Profile {
            name,
            email,
            role,
            bio,
            avatar_url,
            locale,
            interests,
            last_seen,
            logins,
            is_verified,
        } = Profile::sample(id);
        Self { id, name, email, role, bio, avatar_url, locale, interests, last_seen, logins, is_verified }
    }
}

/// How many users the stores hold.
const USERS: u64 = 10_000;
/// How many a list shows and a batch writes.
const BATCH: usize = 1_000;
/// How many calls a round makes that are measured in nanoseconds.
const CALLS: usize = 2_000;
const GOAL: f64 = 1.05;

const BY_HAND: &str = "by hand on the same store";
const RAW: &str = "redb by hand, without envelope";

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let users: Vec<User> = (0..USERS).map(User::sample).collect();
    let mut report = Report::new("handwritten");

    let memory = Bench::new(&runtime, &users, MemoryStore::new(), MemoryStore::new())?;
    report.case("memory/get", BY_HAND, "ns", GOAL, || memory.get(200))?;
    report.case("memory/put", BY_HAND, "ns", GOAL, || memory.put(200))?;
    report.case("memory/list-1000", BY_HAND, "ns/record", GOAL, || memory.list(400))?;
    report.case("allocations/get", BY_HAND, "allocations", 1.0, || memory.allocations_of_get())?;
    report.case("allocations/put", BY_HAND, "allocations", 1.0, || memory.allocations_of_put())?;

    let directory = tempfile::tempdir_in(support::target_dir())?;
    let open = |name: &str| RedbStore::open(directory.path().join(name));
    let redb = Bench::new(&runtime, &users, open("ours.redb")?, open("theirs.redb")?)?;
    report.case("redb/get", BY_HAND, "ns", GOAL, || redb.get(200))?;
    report.case("redb/put-batch-1000", BY_HAND, "ns/record", GOAL, || redb.put_many(60))?;
    report.case("redb/list-1000", BY_HAND, "ns/record", GOAL, || redb.list(400))?;
    redb.against_raw(&mut report, &directory.path().join("raw.redb"))?;
    report.finish()
}

/// The same users in two stores of one kind, ours and one that is used by hand.
struct Bench<'a, S> {
    runtime: &'a Runtime,
    users: &'a [User],
    ours: Collection<User, S>,
    theirs: ByHand<S>,
}

impl<'a, S: Store> Bench<'a, S> {
    fn new(runtime: &'a Runtime, users: &'a [User], ours: S, theirs: S) -> Result<Self> {
        let bench = Self { runtime, users, ours: Kv::new(ours).collection(), theirs: ByHand::new(theirs) };
        runtime.block_on(bench.ours.put_many(users))?;
        runtime.block_on(bench.theirs.put_many(users))?;
        bench.check()?;
        Ok(bench)
    }

    /// Both sides have to do the same thing.
    fn check(&self) -> Result<()> {
        let one = &self.users[self.users.len() / 2];
        let by_ours = self.runtime.block_on(self.ours.get(one.id))?;
        let by_theirs = self.runtime.block_on(self.theirs.get(one.id))?;
        assert_eq!(by_ours.as_ref(), Some(one));
        assert_eq!(by_theirs.as_ref(), Some(one));
        let by_ours = self.runtime.block_on(self.ours.list().limit(BATCH).page())?.entities;
        let by_theirs = self.runtime.block_on(self.theirs.list(BATCH))?;
        assert_eq!(by_ours.len(), BATCH);
        assert_eq!(by_ours, by_theirs);
        Ok(())
    }

    fn get(&self, rounds: usize) -> Result<Sides> {
        let (our_ids, their_ids) = (Ids::new(), Ids::new());
        by_turns(
            rounds,
            || {
                nanos_each(CALLS, || {
                    self.runtime.block_on(async {
                        for id in our_ids.take(CALLS) {
                            std::hint::black_box(self.ours.get(id).await?);
                        }
                        Ok(())
                    })
                })
            },
            || {
                nanos_each(CALLS, || {
                    self.runtime.block_on(async {
                        for id in their_ids.take(CALLS) {
                            std::hint::black_box(self.theirs.get(id).await?);
                        }
                        Ok(())
                    })
                })
            },
        )
    }

    fn put(&self, rounds: usize) -> Result<Sides> {
        let (our_ids, their_ids) = (Ids::new(), Ids::new());
        by_turns(
            rounds,
            || {
                nanos_each(CALLS, || {
                    self.runtime.block_on(async {
                        for id in our_ids.take(CALLS) {
                            self.ours.put(&self.users[id as usize]).await?;
                        }
                        Ok(())
                    })
                })
            },
            || {
                nanos_each(CALLS, || {
                    self.runtime.block_on(async {
                        for id in their_ids.take(CALLS) {
                            self.theirs.put(&self.users[id as usize]).await?;
                        }
                        Ok(())
                    })
                })
            },
        )
    }

    fn put_many(&self, rounds: usize) -> Result<Sides> {
        let batch = &self.users[..BATCH];
        by_turns(
            rounds,
            || nanos_each(BATCH, || Ok(self.runtime.block_on(self.ours.put_many(batch))?)),
            || nanos_each(BATCH, || self.runtime.block_on(self.theirs.put_many(batch))),
        )
    }

    fn list(&self, rounds: usize) -> Result<Sides> {
        by_turns(
            rounds,
            || nanos_each(BATCH, || Ok(self.runtime.block_on(self.ours.list().limit(BATCH).page())?)),
            || nanos_each(BATCH, || self.runtime.block_on(self.theirs.list(BATCH))),
        )
    }

    fn allocations_of_get(&self) -> Result<Sides> {
        allocations::of_each(
            || Ok(self.runtime.block_on(self.ours.get(7))?),
            || self.runtime.block_on(self.theirs.get(7)),
        )
    }

    fn allocations_of_put(&self) -> Result<Sides> {
        allocations::of_each(
            || Ok(self.runtime.block_on(self.ours.put(&self.users[7]))?),
            || self.runtime.block_on(self.theirs.put(&self.users[7])),
        )
    }

    /// What the envelope, the writer's thread and all else of the store cost, for information.
    fn against_raw(&self, report: &mut Report, path: &Path) -> Result<()> {
        let raw = RawRedb::create(path)?;
        raw.put_many(self.users)?;
        let (our_ids, their_ids) = (Ids::new(), Ids::new());
        report.case("redb-raw/get", RAW, "ns", None, || {
            by_turns(
                200,
                || {
                    nanos_each(CALLS, || {
                        self.runtime.block_on(async {
                            for id in our_ids.take(CALLS) {
                                std::hint::black_box(self.ours.get(id).await?);
                            }
                            Ok(())
                        })
                    })
                },
                || {
                    nanos_each(CALLS, || {
                        for id in their_ids.take(CALLS) {
                            std::hint::black_box(raw.get(id)?);
                        }
                        Ok(())
                    })
                },
            )
        })?;
        let batch = &self.users[..BATCH];
        report.case("redb-raw/put-batch-1000", RAW, "ns/record", None, || {
            by_turns(
                60,
                || nanos_each(BATCH, || Ok(self.runtime.block_on(self.ours.put_many(batch))?)),
                || nanos_each(BATCH, || raw.put_many(batch)),
            )
        })?;
        report.case("redb-raw/list-1000", RAW, "ns/record", None, || {
            by_turns(
                400,
                || nanos_each(BATCH, || Ok(self.runtime.block_on(self.ours.list().limit(BATCH).page())?)),
                || nanos_each(BATCH, || raw.list(BATCH)),
            )
        })
    }
}
