//! Programs that are killed, and programs of two versions beside each other.

mod backfill;
mod crash;
mod index_builds;
mod key_moves;
#[path = "../support/redis_server.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod redis_server;
mod rolling;
