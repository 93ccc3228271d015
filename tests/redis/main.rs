//! `RedisStore` on real servers.

mod conformance;
#[path = "../support/redis_server.rs"]
mod redis_server;

use std::error::Error as StdError;

type Test = Result<(), Box<dyn StdError>>;
