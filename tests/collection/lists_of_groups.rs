//! A list of entities of several groups shows each as it is at one moment, and goes on past one
//! that cannot be read.

use std::sync::{Arc, Mutex};

use kv_runtime::key::Key;
use kv_runtime::layer::{Fault, FaultStore, Operation};
use kv_runtime::record::{NewRecord, Record};
use kv_runtime::store::{
    Batch, Cursor, EntryRef, GetOptions, ListQuery, MemoryStore, Store, StoreExt, StoreInfo,
};
use kv_runtime::{Error, Kv, MaybeSend, Result};

use crate::Outcome;
use crate::entities::User;

/// What another writer does: keys, and a record or nothing of each.
type Writes = Vec<(Key, Option<NewRecord>)>;

/// A memory store beside which others write, and in which one record is damaged.
#[derive(Clone, Default)]
struct Meddled {
    store: MemoryStore,
    /// What is written as soon as a page was read.
    after_list: Arc<Mutex<Writes>>,
    damaged: Option<Key>,
}

impl Store for Meddled {
    fn info(&self) -> &StoreInfo {
        self.store.info()
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        if self.damaged.as_ref().is_some_and(|damaged| damaged.as_str() == key.as_str()) {
            return Err(Error::Malformed { at: self.info().at(Some(key)), what: "it is cut short".into() });
        }
        self.store.get(key, options).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        self.store.write(batch).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        let cursor = self.store.list(query, each).await?;
        let writes = std::mem::take(&mut *self.after_list.lock().unwrap());
        for (key, record) in writes {
            match record {
                Some(record) => self.store.put(key, record).await?,
                None => self.store.delete(key).await?,
            }
        }
        Ok(cursor)
    }
}

async fn users(store: Meddled) -> Result<kv_runtime::Collection<User, Meddled>> {
    let users = Kv::new(store).collection::<User>();
    users.put_many((0..5).map(User::new)).await?;
    Ok(users)
}

/// The records of a user's groups, as another one writes them.
async fn records_of(user: &User) -> Result<Writes> {
    let store = MemoryStore::new();
    Kv::new(store.clone()).collection::<User>().put(user).await?;
    let mut records = Vec::new();
    for group in ["profile", "limits", "settings"] {
        let key = Key::from_text(format!("user:{}:{group}", user.id));
        let record = store.read(&key).await?.map(|record| NewRecord::new(record.value, record.metadata));
        records.push((key, record));
    }
    Ok(records)
}

#[tokio::test]
async fn no_entity_is_of_two_moments() -> Outcome {
    let store = Meddled::default();
    let users = users(store.clone()).await?;
    let changed = User { name: "another".to_owned(), quota: 99, ..User::new(2) };
    let gone = records_of(&User::new(3)).await?.into_iter().map(|(key, _)| (key, None));
    let writes = records_of(&changed).await?.into_iter().chain(gone).collect();
    *store.after_list.lock().unwrap() = writes;
    let page = users.list().page().await?;
    assert!(page.failed.is_empty(), "{:?}", page.failed);
    assert_eq!(page.entities, [User::new(0), User::new(1), changed, User::new(4)]);
    Ok(())
}

#[tokio::test]
async fn a_damaged_group_ends_nothing() -> Outcome {
    for group in ["profile", "limits", "settings"] {
        let key = Key::from_text(format!("user:2:{group}"));
        let users = users(Meddled { damaged: Some(key.clone()), ..Meddled::default() }).await?;
        let page = users.list().page().await?;
        assert_eq!(page.entities, [0, 1, 3, 4].map(User::new));
        let [Error::Malformed { at, .. }] = page.failed.as_slice() else { panic!("{:?}", page.failed) };
        assert_eq!((at.entity, at.key.as_deref()), (Some("User"), Some(key.as_str())));

        let mut stream = users.list().stream();
        let (mut good, mut bad) = (0, 0);
        while let Some(item) = stream.next().await {
            *(if item.is_ok() { &mut good } else { &mut bad }) += 1;
        }
        assert_eq!((good, bad), (4, 1));
    }
    Ok(())
}

/// Only a record that cannot be read makes a batch smaller.
#[tokio::test]
async fn a_store_that_fails_is_asked_once() -> Outcome {
    let users = Kv::new(FaultStore::new(MemoryStore::new())).collection::<User>();
    users.put_many((0..5).map(User::new)).await?;
    let faults = users.store().faults();
    faults.add(Fault::fail().on(&[Operation::Get, Operation::GetMany]));
    assert!(matches!(users.list().page().await, Err(Error::Store { .. })));
    assert_eq!(faults.struck(), 1);
    Ok(())
}
