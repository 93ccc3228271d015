//! The server, and the ways to reach it.

use kv_runtime::store::RedisStore;
use kv_runtime::{Collection, Kv};
use redis::aio::{ConnectionManager, MultiplexedConnection};
use tokio::runtime::Runtime;

use crate::calls::{ByHand, User};
use crate::redis_server::RedisServer;
use crate::support::Result;

/// How many users are in the server; so many does a list show, too.
pub const USERS: usize = 1_000;
pub const MANY: usize = 100;

pub const ROUNDS: usize = 200;
/// Calls of a round by one task.
pub const SEQUENTIAL: usize = 200;

pub struct Bench<'a> {
    pub server: &'a RedisServer,
    pub runtime: &'a Runtime,
}

impl Bench<'_> {
    pub fn ours(&self, database: usize, is_indexed: bool) -> Result<Collection<User, RedisStore>> {
        Ok(Kv::new(self.store(database, is_indexed)?).collection())
    }

    pub fn store(&self, database: usize, is_indexed: bool) -> Result<RedisStore> {
        // The hand-written side, too, lives on the runtime of its caller.
        let options = RedisStore::options().list_index(is_indexed).runtime(self.runtime.handle().clone());
        Ok(self.runtime.block_on(options.connect(&self.server.url(database)))?)
    }

    /// Ours as it is by default: a thread of the library drives the connection.
    pub fn by_default(&self, database: usize) -> Result<Collection<User, RedisStore>> {
        let store = self.runtime.block_on(RedisStore::connect(&self.server.url(database)))?;
        Ok(Kv::new(store).collection())
    }

    pub fn by_hand(&self, database: usize, is_indexed: bool) -> Result<ByHand<ConnectionManager>> {
        let client = redis::Client::open(self.server.url(database))?;
        let connection = self.runtime.block_on(client.get_connection_manager())?;
        Ok(ByHand { connection, is_indexed })
    }

    pub fn bare(&self, database: usize) -> Result<ByHand<MultiplexedConnection>> {
        let client = redis::Client::open(self.server.url(database))?;
        let connection = self.runtime.block_on(client.get_multiplexed_async_connection())?;
        Ok(ByHand { connection, is_indexed: false })
    }
}

/// Ids of users in no order; both sides see the same ones.
pub const fn id_of(place: usize) -> u64 {
    (place * 7_919 % USERS) as u64
}
