//! Our side: postcard in a redb file.

use std::path::Path;

use kv_runtime::index::StoredIn;
use kv_runtime::store::{MemoryStore, RedbStore};
use kv_runtime::{Collection, Kv, KvEntity};
use tokio::runtime::Runtime;

use crate::support::Result;
use crate::support::profile::Profile;

/// A profile with a unique email, in a team.
#[derive(KvEntity, Clone, Debug)]
#[kv(prefix = "user", codec = "postcard")]
pub struct User {
    #[kv(id)]
    pub id: u64,
    #[kv(unique)]
    pub email: String,
    #[kv(index)]
    pub team: u32,
    pub profile: Profile,
}

/// The same without indexes.
#[derive(KvEntity, Clone, Debug)]
#[kv(prefix = "plain", codec = "postcard")]
pub struct Plain {
    #[kv(id)]
    pub id: u64,
    pub email: String,
    pub team: u32,
    pub profile: Profile,
}

/// Entities in memory.
pub fn in_memory<E: KvEntity + StoredIn<MemoryStore>>(users: Vec<E>) -> Result<Kv<MemoryStore>> {
    let kv = Kv::new(MemoryStore::new());
    tokio::runtime::Builder::new_current_thread().build()?.block_on(kv.collection::<E>().put_many(users))?;
    Ok(kv)
}

/// A file, open, with one kind of profiles.
pub struct Ours<E> {
    runtime: Runtime,
    users: Collection<E, RedbStore>,
}

impl<E: KvEntity<Id = u64> + StoredIn<RedbStore>> Ours<E> {
    pub fn open(path: &Path) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        Ok(Self { runtime, users: Kv::new(RedbStore::open(path)?).collection() })
    }

    pub fn put(&self, users: Vec<E>) -> Result<()> {
        Ok(self.runtime.block_on(self.users.put_many(users))?)
    }

    /// The bytes that keys, values and trees take in the file.
    pub fn used_bytes(&self) -> Result<f64> {
        let space = self.runtime.block_on(self.users.store().space())?;
        Ok((space.live_bytes + space.overhead_bytes) as f64)
    }

    /// Changes each of these.
    pub fn update(&self, ids: &[u64], change: fn(&mut E)) -> Result<()> {
        self.runtime.block_on(async {
            for &id in ids {
                self.users.update(id, change).await?;
            }
            Ok(())
        })
    }
}

impl Ours<User> {
    /// How many of these emails somebody has.
    pub fn get_all(&self, emails: &[String]) -> Result<usize> {
        self.runtime.block_on(async {
            let mut found = 0;
            for email in emails {
                let user = self.users.by(User::EMAIL).get(email).await?;
                found += usize::from(std::hint::black_box(user).is_some());
            }
            Ok(found)
        })
    }

    /// The first users of a team.
    pub fn of_team(&self, team: u32, limit: usize) -> Result<usize> {
        let page = self.users.by(User::TEAM).equal(team).limit(limit).page();
        Ok(std::hint::black_box(self.runtime.block_on(page)?).entities.len())
    }
}
