//! The calls on redb itself: a table of keys and JSON, no metadata, no expiry, no revision.

use std::path::Path;

use redb::{Database, ReadableDatabase, TableDefinition};

use crate::by_hand::{User, id_of};
use crate::support::Result;
use crate::support::profile::Profile;
use crate::user::Users;

const USERS: TableDefinition<&str, &[u8]> = TableDefinition::new("users");

pub struct RawRedb(Database);

impl RawRedb {
    pub fn create(path: &Path) -> Result<Self> {
        Ok(Self(Database::create(path)?))
    }
}

impl Users for RawRedb {
    type User = User;

    fn sample(id: u64) -> User {
        User { id, profile: Profile::sample(id) }
    }

    async fn get(&self, id: u64) -> Result<Option<User>> {
        let table = self.0.begin_read()?.open_table(USERS)?;
        let Some(value) = table.get(format!("user:{id}:profile").as_str())? else { return Ok(None) };
        Ok(Some(User { id, profile: serde_json::from_slice(value.value())? }))
    }

    async fn put(&self, user: &User) -> Result<()> {
        self.put_many(std::slice::from_ref(user)).await
    }

    async fn put_many(&self, users: &[User]) -> Result<()> {
        let transaction = self.0.begin_write()?;
        {
            let mut table = transaction.open_table(USERS)?;
            for user in users {
                let key = format!("user:{}:profile", user.id);
                table.insert(key.as_str(), serde_json::to_vec(&user.profile)?.as_slice())?;
            }
        }
        Ok(transaction.commit()?)
    }

    async fn list(&self, limit: usize) -> Result<Vec<User>> {
        let table = self.0.begin_read()?.open_table(USERS)?;
        let mut users = Vec::with_capacity(limit);
        for found in table.range("user:"..)? {
            let (key, value) = found?;
            if users.len() == limit || !key.value().starts_with("user:") {
                break;
            }
            let Some(id) = id_of(key.value()) else { continue };
            users.push(User { id, profile: serde_json::from_slice(value.value())? });
        }
        Ok(users)
    }
}
