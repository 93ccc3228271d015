//! The calls on a sorted map behind a lock: keys and JSON, no metadata, no expiry, no revision.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::by_hand::{User, id_of};
use crate::support::Result;
use crate::support::profile::Profile;
use crate::user::Users;

#[derive(Default)]
pub struct LockedMap(RwLock<BTreeMap<String, Vec<u8>>>);

impl LockedMap {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Users for LockedMap {
    type User = User;

    fn sample(id: u64) -> User {
        User { id, profile: Profile::sample(id) }
    }

    async fn get(&self, id: u64) -> Result<Option<User>> {
        let key = format!("user:{id}:profile");
        let map = self.read();
        let Some(value) = map.get(&key) else { return Ok(None) };
        Ok(Some(User { id, profile: serde_json::from_slice(value)? }))
    }

    async fn put(&self, user: &User) -> Result<()> {
        let (key, value) = (format!("user:{}:profile", user.id), serde_json::to_vec(&user.profile)?);
        self.write().insert(key, value);
        Ok(())
    }

    async fn put_many(&self, users: &[User]) -> Result<()> {
        for user in users {
            self.put(user).await?;
        }
        Ok(())
    }

    async fn list(&self, limit: usize) -> Result<Vec<User>> {
        let mut users = Vec::with_capacity(limit);
        let map = self.read();
        for (key, value) in map.range("user:".to_owned()..) {
            if users.len() == limit || !key.starts_with("user:") {
                break;
            }
            let Some(id) = id_of(key) else { continue };
            users.push(User { id, profile: serde_json::from_slice(value)? });
        }
        Ok(users)
    }
}
