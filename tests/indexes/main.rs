//! Secondary and unique indexes: every write keeps them right, and every lookup is exact.

mod user;

mod bulk;
mod census;
mod cluster;
mod damage;
mod groups;
mod limits;
mod lookups;
mod meets;
mod member;
mod model;
#[path = "../redis/moving.rs"]
mod moving;
#[path = "../support/proxy.rs"]
#[allow(dead_code, reason = "shared by tests that need other parts of it")]
mod proxy;
mod races;
mod redis;
#[path = "../support/redis_server.rs"]
#[allow(dead_code, reason = "shared by tests that need other parts of it")]
mod redis_server;
mod shard_model;
mod shards;
mod state;
mod stores;
mod tenants;
mod unique;
mod versions;
