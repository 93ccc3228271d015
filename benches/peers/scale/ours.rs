//! Our side: postcard in a redb file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use kv_runtime::store::{AtomicStore, MemoryStore, RedbStore};
use kv_runtime::{Collection, Kv, KvEntity};
use tokio::runtime::Runtime;

use crate::side::Side;
use crate::support::Result;
use crate::support::profile::Profile;

/// A profile by number.
#[derive(KvEntity, Clone, Debug)]
#[kv(prefix = "user", codec = "postcard", version = 2, previous = OldUser)]
pub struct User {
    #[kv(id)]
    pub id: u64,
    pub profile: Profile,
}

/// The same before it was migrated.
#[derive(KvEntity, Clone, Debug)]
#[kv(prefix = "user", codec = "postcard")]
pub struct OldUser {
    #[kv(id)]
    pub id: u64,
    pub profile: Profile,
}

impl From<OldUser> for User {
    fn from(OldUser { id, profile }: OldUser) -> Self {
        Self { id, profile }
    }
}

/// The file, open.
pub struct Ours {
    runtime: Runtime,
    kv: Kv<RedbStore>,
    users: Collection<User, RedbStore>,
}

impl Ours {
    pub fn open(path: &Path) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let kv = Kv::new(RedbStore::open(path)?);
        Ok(Self { runtime, users: kv.collection(), kv })
    }

    pub fn insert_old(&self, ids: &[u64]) -> Result<()> {
        let old = ids.iter().map(|&id| OldUser { id, profile: Profile::sample(id) });
        Ok(self.runtime.block_on(self.kv.collection::<OldUser>().put_many(old))?)
    }

    pub fn census(&self) -> Result<usize> {
        Ok(self
            .runtime
            .block_on(self.users.census())?
            .groups
            .iter()
            .map(|group| group.total() as usize)
            .sum())
    }

    pub fn migrate_all(&self) -> Result<()> {
        let report = self.runtime.block_on(self.users.migrate_all().run())?;
        assert_eq!((report.failed, report.contended, report.current), (0, 0, 0));
        Ok(())
    }

    /// The longest time, in milliseconds, for which another task of the thread had to wait.
    pub fn longest_hold(&self, ids: &[u64]) -> Result<f64> {
        longest_hold(&self.kv, ids)
    }
}

/// The same of a store in memory.
pub fn longest_hold_in_memory(ids: &[u64]) -> Result<f64> {
    longest_hold(&Kv::new(MemoryStore::new()), ids)
}

fn longest_hold<S: AtomicStore>(kv: &Kv<S>, ids: &[u64]) -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (longest, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
    let busiest = Arc::<AtomicU64>::default();
    let beside = {
        let (longest, busiest, stop) = (Arc::clone(&longest), Arc::clone(&busiest), Arc::clone(&stop));
        async move {
            let mut last = (now(), scheduled());
            while !stop.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
                let this = (now(), scheduled());
                let nanos = u64::try_from((this.0 - last.0).as_nanos()).unwrap_or(u64::MAX);
                let (ran, waited) = (this.1.0.saturating_sub(last.1.0), this.1.1.saturating_sub(last.1.1));
                longest.fetch_max(nanos.saturating_sub(waited), Ordering::Relaxed);
                busiest.fetch_max(ran, Ordering::Relaxed);
                last = this;
            }
        }
    };
    let told = |call: &str| {
        let held = longest.swap(0, Ordering::Relaxed) as f64 / 1e6;
        let ran = busiest.swap(0, Ordering::Relaxed) as f64 / 1e6;
        eprintln!("scale: longest-hold: {call}: {held:.1} ms ({ran:.1} ms on the processor)");
        held
    };
    runtime.block_on(async {
        let beside = tokio::spawn(beside);
        let (old, users) = (kv.collection::<OldUser>(), kv.collection::<User>());
        old.put_many(ids.iter().map(|&id| OldUser { id, profile: Profile::sample(id) })).await?;
        let mut held = told("put_many");
        let mut stream = old.list().stream();
        while let Some(user) = stream.next().await {
            user?;
        }
        held = held.max(told("stream"));
        let some = ids.get(..100_000).unwrap_or(ids);
        let answers = old.get_many(some).await?;
        assert_eq!(answers.len(), some.len());
        tokio::task::yield_now().await;
        held = held.max(told("get_many"));
        drop(answers);
        tokio::task::yield_now().await;
        // The caller does this, and not the library.
        told("to drop what get_many returned");
        users.census().await?;
        held = held.max(told("census"));
        users.migrate_all().run().await?;
        held = held.max(told("migrate_all"));
        users.delete_many(ids).await?;
        held = held.max(told("delete_many"));
        stop.store(true, Ordering::Relaxed);
        beside.await?;
        Ok(held)
    })
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

/// For how many nanoseconds this thread has run, and for how many it was ready to run and did not, as
/// the machine was busy with other programs: Linux tells it.
fn scheduled() -> (u64, u64) {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let mut nanos = told.split_whitespace().map(|nanos| nanos.parse().unwrap_or(0));
    (nanos.next().unwrap_or(0), nanos.next().unwrap_or(0))
}

impl Side for Ours {
    fn insert(&self, ids: &[u64]) -> Result<()> {
        let users = ids.iter().map(|&id| User { id, profile: Profile::sample(id) });
        Ok(self.runtime.block_on(self.users.put_many(users))?)
    }

    fn get(&self, ids: &[u64]) -> Result<usize> {
        self.runtime.block_on(async {
            let mut found = 0;
            for &id in ids {
                found += usize::from(std::hint::black_box(self.users.get(id).await?).is_some());
            }
            Ok(found)
        })
    }

    fn list(&self, _: u64, records: usize) -> Result<usize> {
        Ok(self.runtime.block_on(self.users.list().limit(records).page())?.entities.len())
    }

    fn stream(&self) -> Result<usize> {
        self.runtime.block_on(async {
            let (mut stream, mut seen) = (self.users.list().stream(), 0);
            while let Some(user) = stream.next().await {
                std::hint::black_box(user?);
                seen += 1;
            }
            Ok(seen)
        })
    }

    fn update(&self, id: u64) -> Result<()> {
        Ok(self.runtime.block_on(self.users.update(id, |user| user.profile.logins += 1)).map(drop)?)
    }

    fn update_many(&self, ids: &[u64]) -> Result<()> {
        self.runtime.block_on(async {
            let tasks = ids.iter().map(|&id| {
                let users = self.users.clone();
                tokio::spawn(async move { users.update(id, |user| user.profile.logins += 1).await.map(drop) })
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await??;
            }
            Ok(())
        })
    }

    fn delete(&self, ids: &[u64]) -> Result<()> {
        Ok(self.runtime.block_on(self.users.delete_many(ids))?)
    }
}
