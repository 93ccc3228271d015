//! What keeps indexes right has no more conditions and writes in one commit than the store takes.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::record::Record;
use kv_runtime::store::{
    AtomicStore, Batch, Commit, Condition, Cursor, EntryPage, EntryQuery, EntryRef, GetOptions, IndexStore,
    Limits, ListQuery, MemoryStore, Store, StoreExt, StoreInfo,
};
use kv_runtime::{Clock, Error, Kv, ManualClock, MaybeSend, Result, Timestamp};

use crate::user::User;

const MOST: usize = 40;

/// A store in memory that refuses commits of more conditions and writes than it says.
#[derive(Clone)]
struct Strict {
    inner: MemoryStore,
    info: StoreInfo,
}

impl Strict {
    fn new(inner: MemoryStore) -> Self {
        let capabilities = inner.capabilities().limits(Limits::new().commits(MOST, 64 << 20));
        Self { info: inner.info().clone().with_capabilities(capabilities), inner }
    }
}

impl Store for Strict {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.inner.get(key, options).await
    }

    async fn get_many(&self, keys: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
        self.inner.get_many(keys, options).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        self.inner.write(batch).await
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        let found = conditions.len() + batch.len();
        if found > MOST {
            let at = self.info.at(conditions.first().map(|condition| &condition.key));
            return Err(Error::TransactionTooLarge { at, found, max: MOST, unit: "conditions and writes" });
        }
        self.inner.commit(conditions, batch).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.inner.list(query, each).await
    }
}

impl AtomicStore for Strict {}

impl IndexStore for Strict {
    async fn entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        self.inner.entries(query).await
    }
}

#[tokio::test]
async fn no_commit_is_larger_than_the_store_takes() -> Result<()> {
    let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
    let store = Strict::new(MemoryStore::with_clock(Clock::from(&clock)));
    let users = Kv::new(store.clone()).collection::<User>();
    let user = |id: u64| User::of(id, "GB", Some("London"));
    users.put_many((0..100).map(user)).await?;
    users.with_ttl(Duration::from_secs(1)).put_many((100..200).map(user)).await?;
    clock.advance(Duration::from_secs(1));
    // Of each that has expired: an email, a place and a moment.
    assert_eq!(users.sweep_indexes().await?.removed, 300);
    assert_eq!(users.drop_index("email").await?, 100);
    assert_eq!(users.drop_index("by_city").await?, 100);
    assert_eq!(users.check_indexes().await?.added, 200);
    assert!(users.build_indexes().no_older_writers().run().await?.is_ready);
    assert_eq!(users.by(User::BY_CITY).count().await?, 100);
    users.delete_many(0..50).await?;
    assert_eq!(users.by(User::BY_CITY).count().await?, 50);
    Ok(())
}
