//! Our side: entities in a redb file.

use std::path::Path;

use kv_runtime::migrate::WriteBack;
use kv_runtime::store::RedbStore;
use kv_runtime::{Collection, Kv};
use tokio::runtime::Runtime;

use crate::entities::User;
use crate::support::Result;

/// A file, open, as a collection of users at some age.
pub struct Ours<U> {
    runtime: Runtime,
    users: Collection<U, RedbStore>,
}

impl<U: User> Ours<U> {
    pub fn open(path: &Path) -> Result<Self> {
        Self::new(RedbStore::open(path)?)
    }

    pub fn new(store: RedbStore) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let kv = Kv::new(store).with_write_back(WriteBack::Never);
        Ok(Self { runtime, users: kv.collection() })
    }

    /// The same file, as a collection of users at another age.
    pub fn at_age<V: User>(self) -> Result<Ours<V>> {
        let store = self.users.store().clone();
        drop(self);
        Ours::new(store)
    }

    pub fn put(&self, ids: impl Iterator<Item = u64>) -> Result<()> {
        Ok(self.runtime.block_on(self.users.put_many(ids.map(U::sample)))?)
    }

    /// Migrates all, and says how many.
    pub fn backfill(&self) -> Result<u64> {
        let report = self.runtime.block_on(self.users.migrate_all().run())?;
        assert_eq!((report.failed, report.contended, report.too_new, report.skipped), (0, 0, 0, 0));
        Ok(report.migrated)
    }

    pub fn get_all(&self, ids: impl Iterator<Item = u64>) -> Result<()> {
        self.runtime.block_on(async {
            for id in ids {
                std::hint::black_box(self.users.get(id).await?);
            }
            Ok(())
        })
    }

    pub fn assert_holds(&self, id: u64) -> Result<()> {
        assert_eq!(self.runtime.block_on(self.users.get(id))?, Some(U::sample(id)));
        Ok(())
    }
}
