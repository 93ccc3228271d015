//! The entity, and what every side does with it.

use std::fmt::Debug;

use kv_runtime::store::{AtomicStore, Store};
use kv_runtime::{Collection, KvEntity};

use crate::support::Result;
use crate::support::profile::{Profile, Role};

/// The entity. Its value is that of a [`Profile`], which those who write by hand store.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "user", group = "profile")]
pub struct User {
    #[kv(id)]
    id: u64,
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

/// The calls that are compared.
pub trait Users {
    type User: PartialEq + Debug;

    fn sample(id: u64) -> Self::User;
    async fn get(&self, id: u64) -> Result<Option<Self::User>>;
    async fn put(&self, user: &Self::User) -> Result<()>;
    async fn put_many(&self, users: &[Self::User]) -> Result<()>;
    /// The first users by key.
    async fn list(&self, limit: usize) -> Result<Vec<Self::User>>;
}

/// What is compared where a change needs compare-and-swap.
pub trait Changes: Users {
    /// Counts one login more.
    async fn change(&self, id: u64) -> Result<()>;
}

impl<S: AtomicStore> Changes for Collection<User, S> {
    async fn change(&self, id: u64) -> Result<()> {
        self.update(id, |user| user.logins += 1).await?;
        Ok(())
    }
}

impl<S: Store> Users for Collection<User, S> {
    type User = User;

    fn sample(id: u64) -> User {
        let Profile { name, email, role, bio, avatar_url, locale, interests, last_seen, logins, is_verified } =
            Profile::sample(id);
        User { id, name, email, role, bio, avatar_url, locale, interests, last_seen, logins, is_verified }
    }

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
