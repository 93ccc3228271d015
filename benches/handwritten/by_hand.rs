//! The calls written by hand, as an engineer would write them for the same stored data: readable keys,
//! JSON, a version and the time of creation.

use kv_runtime::Codec;
use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{
    AtomicStore, Commit, Condition, EntryRef, Expect, ListQuery, Store, StoreExt, Write,
};

use crate::support::Result;
use crate::support::profile::Profile;
use crate::user::{Changes, Users};

pub struct ByHand<S>(pub S);

/// A user as one who writes by hand has it: the id is in the key alone.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    pub id: u64,
    pub profile: Profile,
}

impl<S: Store> Users for ByHand<S> {
    type User = User;

    fn sample(id: u64) -> User {
        User { id, profile: Profile::sample(id) }
    }

    async fn get(&self, id: u64) -> Result<Option<User>> {
        let Some(record) = self.0.read(&key(id)).await? else { return Ok(None) };
        Ok(Some(User { id, profile: serde_json::from_slice(&record.value)? }))
    }

    async fn put(&self, user: &User) -> Result<()> {
        let record = self.new_record(user)?;
        Ok(self.0.put(key(user.id), record).await?)
    }

    async fn put_many(&self, users: &[User]) -> Result<()> {
        let mut records = Vec::with_capacity(users.len());
        for user in users {
            records.push((key(user.id), self.new_record(user)?));
        }
        Ok(self.0.put_many(records).await?)
    }

    async fn list(&self, limit: usize) -> Result<Vec<User>> {
        let query = ListQuery::new(Key::from_text("user:")).with_suffix(":profile").with_limit(limit);
        let mut users = Vec::with_capacity(limit);
        let mut failed = Ok(());
        let each = |key: &str, entry: EntryRef<'_>| match read(key, entry) {
            Ok(user) => users.extend(user),
            Err(error) => failed = Err(error.to_string()),
        };
        self.0.list(&query, each).await?;
        failed?;
        Ok(users)
    }
}

impl<S: AtomicStore> Changes for ByHand<S> {
    async fn change(&self, id: u64) -> Result<()> {
        let key = key(id);
        let record = self.0.read(&key).await?.ok_or("it is there")?;
        let mut profile: Profile = serde_json::from_slice(&record.value)?;
        profile.logins += 1;
        let new = NewRecord::new(serde_json::to_vec(&profile)?, record.metadata);
        let unchanged = vec![Condition::new(key.clone(), Expect::Revision(record.revision))];
        match self.0.commit(unchanged, Write::Update(key, new).into()).await? {
            Commit::Done => Ok(()),
            Commit::Conflict(_) => Err("nobody else writes".into()),
        }
    }
}

impl<S: Store> ByHand<S> {
    fn new_record(&self, user: &User) -> Result<NewRecord> {
        let metadata = Metadata::new(1, Codec::Json).with_created_at(Some(self.0.clock().now()));
        Ok(NewRecord::new(serde_json::to_vec(&user.profile)?, metadata))
    }
}

fn key(id: u64) -> Key {
    Key::from_text(format!("user:{id}:profile"))
}

/// The user that an entry of a list holds; nothing if the key is somebody else's.
fn read(key: &str, entry: EntryRef<'_>) -> Result<Option<User>> {
    let Some(id) = id_of(key) else { return Ok(None) };
    match entry {
        EntryRef::Record(record) => Ok(Some(User { id, profile: serde_json::from_slice(record.value)? })),
        EntryRef::Failed(error) => Err(error.into()),
        _ => Ok(None),
    }
}

pub fn id_of(key: &str) -> Option<u64> {
    key.strip_prefix("user:")?.strip_suffix(":profile")?.parse().ok()
}
