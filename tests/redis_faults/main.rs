//! Servers that are killed, fail over, are slow or throw keys away while many tasks work on them.
//!
//! What a client can know is bounded from both sides: of what was acknowledged nothing may be missing, and nothing may be there but
//! what was acknowledged and what the client was told to be unknown.

mod chaos;
mod cluster;
mod connections;
mod eviction;
mod failover;
mod load;
#[path = "../support/proxy.rs"]
#[allow(dead_code, reason = "shared by tests that need other parts of it")]
mod proxy;
#[path = "../support/redis_server.rs"]
#[allow(dead_code, reason = "shared by tests that need other parts of it")]
mod redis_server;
mod restart;
mod sentinel;
mod slow;

type Test = Result<(), Box<dyn std::error::Error>>;
