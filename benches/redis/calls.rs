//! What both sides do: ours by a collection, theirs by the `redis` crate, `format!` and serde_json.

use kv_runtime::store::RedisStore;
use kv_runtime::{Collection, KvEntity};
use redis::aio::ConnectionLike;
use redis::{AsyncCommands, Pipeline};

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

/// The calls that are compared. A clone works on the same connection.
pub trait Calls: Clone + Send + 'static {
    type User: Clone + Send + Sync + 'static;

    fn sample(id: u64) -> Self::User;
    fn get(&self, id: u64) -> impl Future<Output = Result<Option<Self::User>, BoxError>> + Send;
    fn put(&self, user: &Self::User) -> impl Future<Output = Result<(), BoxError>> + Send;
    fn get_many(
        &self,
        ids: Vec<u64>,
    ) -> impl Future<Output = Result<Vec<Option<Self::User>>, BoxError>> + Send;
}

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Calls for Collection<User, RedisStore> {
    type User = User;

    fn sample(id: u64) -> User {
        let Profile { name, email, role, bio, avatar_url, locale, interests, last_seen, logins, is_verified } =
            Profile::sample(id);
        User { id, name, email, role, bio, avatar_url, locale, interests, last_seen, logins, is_verified }
    }

    async fn get(&self, id: u64) -> Result<Option<User>, BoxError> {
        Ok(Self::get(self, id).await?)
    }

    async fn put(&self, user: &User) -> Result<(), BoxError> {
        Ok(Self::put(self, user).await?)
    }

    async fn get_many(&self, ids: Vec<u64>) -> Result<Vec<Option<User>>, BoxError> {
        Ok(Self::get_many(self, ids).await?)
    }
}

/// The crate alone. An indexed one adds the key to a sorted set in the same pipeline.
#[derive(Clone)]
pub struct ByHand<C> {
    pub connection: C,
    pub is_indexed: bool,
}

fn key(id: u64) -> String {
    format!("user:{id}:profile")
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Calls for ByHand<C> {
    type User = (u64, Profile);

    fn sample(id: u64) -> (u64, Profile) {
        (id, Profile::sample(id))
    }

    async fn get(&self, id: u64) -> Result<Option<(u64, Profile)>, BoxError> {
        let value: Option<Vec<u8>> = self.connection.clone().get(key(id)).await?;
        Ok(value.map(|value| serde_json::from_slice(&value)).transpose()?.map(|profile| (id, profile)))
    }

    async fn put(&self, (id, profile): &(u64, Profile)) -> Result<(), BoxError> {
        let (key, value) = (key(*id), serde_json::to_vec(profile)?);
        let mut connection = self.connection.clone();
        if self.is_indexed {
            let mut pipeline = Pipeline::with_capacity(2);
            pipeline.zadd("index:user", &key, 0).ignore().set(&key, value).ignore();
            pipeline.exec_async(&mut connection).await?;
        } else {
            connection.set::<_, _, ()>(key, value).await?;
        }
        Ok(())
    }

    async fn get_many(&self, ids: Vec<u64>) -> Result<Vec<Option<(u64, Profile)>>, BoxError> {
        let keys: Vec<String> = ids.iter().map(|id| key(*id)).collect();
        let values: Vec<Option<Vec<u8>>> = self.connection.clone().mget(keys).await?;
        ids.into_iter()
            .zip(values)
            .map(|(id, value)| {
                let profile = value.map(|value| serde_json::from_slice(&value)).transpose()?;
                Ok(profile.map(|profile| (id, profile)))
            })
            .collect()
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> ByHand<C> {
    /// The first users by the sorted set, whose members are in the order of the keys.
    pub async fn list(&self, limit: usize) -> Result<Vec<Profile>, BoxError> {
        let mut connection = self.connection.clone();
        let mut next = redis::cmd("ZRANGE");
        next.arg("index:user").arg("-").arg("+").arg("BYLEX").arg("LIMIT").arg(0).arg(limit);
        let keys: Vec<String> = next.query_async(&mut connection).await?;
        let values: Vec<Vec<u8>> = connection.mget(keys).await?;
        Ok(values.iter().map(|value| serde_json::from_slice(value)).collect::<Result<_, _>>()?)
    }
}
