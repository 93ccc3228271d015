//! The entity, and what every side does with it.

use kv_runtime::store::Store;
use kv_runtime::{Collection, KvEntity};
use serde::{Deserialize, Serialize};

use crate::support::Result;
use crate::support::profile::{Profile, Role};

/// The entity of all sides. serde's derives are for those who write the calls by hand; with them, too, the id stands in the key
/// and not in the value.
#[derive(KvEntity, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kv(prefix = "user", group = "profile")]
pub struct User {
    #[kv(id)]
    #[serde(skip)]
    pub id: u64,
    name: String,
    email: String,
    role: Role,
    bio: String,
    avatar_url: String,
    locale: String,
    interests: Vec<String>,
    last_seen: u64,
    logins: u32,
    is_verified: bool,
}

impl User {
    pub fn sample(id: u64) -> Self {
        let Profile { name, email, role, bio, avatar_url, locale, interests, last_seen, logins, is_verified } =
            Profile::sample(id);
        Self { id, name, email, role, bio, avatar_url, locale, interests, last_seen, logins, is_verified }
    }
}

/// The calls that are compared.
pub trait Users {
    async fn get(&self, id: u64) -> Result<Option<User>>;
    async fn put(&self, user: &User) -> Result<()>;
    async fn put_many(&self, users: &[User]) -> Result<()>;
    /// The first users by key.
    async fn list(&self, limit: usize) -> Result<Vec<User>>;
}

impl<S: Store> Users for Collection<User, S> {
    async fn get(&self, id: u64) -> Result<Option<User>> {
        Ok(Collection::get(self, id).await?)
    }

    async fn put(&self, user: &User) -> Result<()> {
        Ok(Collection::put(self, user).await?)
    }

    async fn put_many(&self, users: &[User]) -> Result<()> {
        Ok(Collection::put_many(self, users).await?)
    }

    async fn list(&self, limit: usize) -> Result<Vec<User>> {
        Ok(Collection::list(self).limit(limit).page().await?.entities)
    }
}
