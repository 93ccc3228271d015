//! Our side: postcard in a redb file.

use std::path::Path;

use kv_runtime::store::RedbStore;
use kv_runtime::{Collection, Kv, KvEntity};
use tokio::runtime::Runtime;

use crate::support::Result;
use crate::support::profile::Profile;

/// A profile by number.
#[derive(KvEntity, Clone, Debug)]
#[kv(prefix = "user", codec = "postcard")]
pub struct User {
    #[kv(id)]
    pub id: u64,
    pub profile: Profile,
}

/// A profile within a team.
#[derive(KvEntity, Clone, Debug)]
#[kv(prefix = "member", codec = "postcard")]
pub struct Member {
    #[kv(id)]
    pub team: u32,
    #[kv(id)]
    pub user: u32,
    pub profile: Profile,
}

/// The file, open.
pub struct Ours {
    runtime: Runtime,
    kv: Kv<RedbStore>,
    users: Collection<User, RedbStore>,
    members: Collection<Member, RedbStore>,
}

impl Ours {
    pub fn open(path: &Path) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let kv = Kv::new(RedbStore::open(path)?);
        Ok(Self { runtime, users: kv.collection(), members: kv.collection(), kv })
    }

    pub fn put_users(&self, users: Vec<User>) -> Result<()> {
        Ok(self.runtime.block_on(self.users.put_many(users))?)
    }

    pub fn put_members(&self, members: impl Iterator<Item = Member>) -> Result<()> {
        Ok(self.runtime.block_on(self.members.put_many(members))?)
    }

    pub fn insert(&self, user: &User) -> Result<()> {
        Ok(self.runtime.block_on(self.users.insert(user))?)
    }

    /// Changes two users together.
    pub fn update_two(&self, ids: [u64; 2]) -> Result<()> {
        Ok(self.runtime.block_on(self.kv.transact(async |tx| {
            for id in ids {
                tx.update::<User>(id, |user| user.profile.logins += 1).await?;
            }
            Ok(())
        }))?)
    }

    pub fn get_all(&self, ids: &[u64]) -> Result<usize> {
        self.runtime.block_on(async {
            let mut found = 0;
            for &id in ids {
                found += usize::from(std::hint::black_box(self.users.get(id).await?).is_some());
            }
            Ok(found)
        })
    }

    pub fn members_of(&self, team: u32) -> Result<Vec<Member>> {
        Ok(self.runtime.block_on(self.members.list().within(team).page())?.entities)
    }
}
