//! `put_many` of more entities than one commit takes: one write of several parts, whose later ones
//! see the earlier ones.

use std::sync::{Arc, Mutex};

use kv_runtime::key::Key;
use kv_runtime::record::Record;
use kv_runtime::store::{
    AtomicStore, Batch, Commit, Condition, Cursor, EntryPage, EntryQuery, EntryRef, GetOptions, IndexStore,
    ListQuery, MemoryStore, RedbStore, Store, StoreInfo,
};
use kv_runtime::{Collection, Error, Kv, MaybeSend, Result};

use crate::user::User;

type Outcome = std::result::Result<(), Box<dyn std::error::Error>>;

/// More than two commits take.
const USERS: u64 = 1_300;

fn user(id: u64) -> User {
    User::of(id, "GB", Some(&format!("city {}", id % 7)))
}

async fn assert_whole(users: &Collection<User, RedbStore>, expected: u64) -> Outcome {
    assert_eq!(users.by(User::BY_CITY).count().await?, expected);
    let report = users.check_indexes().await?;
    assert_eq!((report.added, report.removed, report.violations), (0, 0, 0), "{report:?}");
    Ok(())
}

/// A store in memory that notes which of its commits were parts.
#[derive(Clone)]
struct Noting {
    inner: MemoryStore,
    parts: Arc<Mutex<Vec<bool>>>,
}

impl Store for Noting {
    fn info(&self) -> &StoreInfo {
        self.inner.info()
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
        self.parts.lock().expect("nobody panics with it").push(batch.is_part());
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

impl AtomicStore for Noting {}

impl IndexStore for Noting {
    async fn entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        self.inner.entries(query).await
    }
}

#[tokio::test]
async fn all_batches_but_the_last_are_parts_of_one_write() -> Outcome {
    let store = Noting { inner: MemoryStore::new(), parts: Arc::default() };
    let users = Kv::new(store.clone()).collection::<User>();
    // The indexes become ready by a commit of their own.
    users.put(&user(USERS)).await?;
    let noted = || std::mem::take(&mut *store.parts.lock().expect("nobody panics with it"));
    noted();
    users.put_many((0..USERS).map(user)).await?;
    assert_eq!(noted(), [true, true, false]);
    users.delete_many(0..USERS).await?;
    assert_eq!(noted(), [true, true, false]);
    users.put_many([user(1)]).await?;
    assert_eq!(noted(), [false]);
    Ok(())
}

#[tokio::test]
async fn a_batch_sees_the_batches_before_it() -> Outcome {
    let directory = tempfile::tempdir()?;
    let users = Kv::new(RedbStore::open(directory.path().join("bulk.redb"))?).collection::<User>();
    users.put_many((0..USERS).map(user)).await?;
    // Each user comes twice, in batches far apart, and takes the email that another one has given up.
    let moved = |id: u64| User { email: format!("new {id}"), ..user(id) };
    let taken = |id: u64| User { email: format!("{}@example.com", (id + 1) % USERS), ..user(id) };
    users.put_many((0..USERS).map(moved).chain((0..USERS).map(taken))).await?;
    for id in [0, 1, USERS / 2, USERS - 1] {
        let found = users.by(User::EMAIL).get(&format!("{}@example.com", (id + 1) % USERS)).await?;
        assert_eq!(found, Some(taken(id)));
        assert_eq!(users.by(User::EMAIL).get(&format!("new {id}")).await?, None);
    }
    assert_whole(&users, USERS).await
}

#[tokio::test]
async fn a_failure_counts_what_is_on_the_disk() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("bulk.redb");
    let users = Kv::new(RedbStore::open(&path)?).collection::<User>();
    let with_a_thief = |id| if id == USERS - 1 { User::new(id, "3@example.com") } else { user(id) };
    let failed = users.put_many((0..USERS).map(with_a_thief)).await;
    let Err(Error::Partial { written, source, unknown, .. }) = failed else { panic!("{failed:?}") };
    assert!(matches!(*source, Error::NotUnique { ref holder, .. } if holder == "user:3"), "{source:?}");
    assert!(written > 0 && unknown.is_empty(), "{written} {unknown:?}");
    drop(users);
    let users = Kv::new(RedbStore::open(&path)?).collection::<User>();
    assert_whole(&users, written as u64).await
}
