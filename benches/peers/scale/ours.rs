//! Our side: postcard in a redb file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use kv_runtime::store::RedbStore;
use kv_runtime::{Collection, Kv, KvEntity};
use tokio::runtime::Runtime;

use crate::support::Result;
use crate::support::profile::Profile;
use crate::{Side, profile};

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
        let old = ids.iter().map(|&id| OldUser { id, profile: profile(id) });
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
        let (longest, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let beside = {
            let (longest, stop) = (Arc::clone(&longest), Arc::clone(&stop));
            async move {
                let mut last = now();
                while !stop.load(Ordering::Relaxed) {
                    tokio::task::yield_now().await;
                    let nanos = u64::try_from(last.elapsed().as_nanos()).unwrap_or(u64::MAX);
                    longest.fetch_max(nanos, Ordering::Relaxed);
                    last = now();
                }
            }
        };
        self.runtime.block_on(async {
            let beside = tokio::spawn(beside);
            let users = self.kv.collection::<OldUser>();
            users.put_many(ids.iter().map(|&id| OldUser { id, profile: profile(id) })).await?;
            let mut stream = users.list().stream();
            while let Some(user) = stream.next().await {
                user?;
            }
            self.users.census().await?;
            self.users.migrate_all().run().await?;
            users.delete_many(ids).await?;
            stop.store(true, Ordering::Relaxed);
            Ok::<_, Box<dyn std::error::Error>>(beside.await?)
        })?;
        Ok(longest.load(Ordering::Relaxed) as f64 / 1e6)
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

impl Side for Ours {
    fn insert(&self, ids: &[u64]) -> Result<()> {
        let users = ids.iter().map(|&id| User { id, profile: profile(id) });
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
