//! Servers that are killed, fail over, are slow or throw keys away while many tasks work on them.
//!
//! Each test checks both bounds: every acknowledged write must be there, and every write that is
//! there must have been acknowledged or reported as unknown.

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
mod slow;

type Test = Result<(), Box<dyn std::error::Error>>;
