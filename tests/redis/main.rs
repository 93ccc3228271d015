//! `RedisStore` on real servers.

#[path = "../support/certificates.rs"]
mod certificates;
mod cluster;
mod conformance;
mod connects;
mod entries;
mod index;
mod index_faults;
mod layout;
mod leases;
mod moving;
mod outcomes;
mod plain_keys;
#[path = "../support/proxy.rs"]
#[allow(dead_code, reason = "shared by tests that need other parts of it")]
mod proxy;
mod raw_keys;
mod records;
#[path = "../support/redis_server.rs"]
#[allow(dead_code, reason = "shared by tests that need other parts of it")]
mod redis_server;
mod refusals;
mod replicas;
mod restricted;
mod round_trips;
mod sentinel;
mod shard_bank;
mod shards;
mod tls;
mod transactions;

use std::error::Error as StdError;

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};

type Test<T = ()> = Result<T, Box<dyn StdError>>;

fn key(text: &str) -> Key {
    Key::from_text(text)
}

fn record(value: &str) -> NewRecord {
    NewRecord::new(value.to_owned(), Metadata::default())
}

/// An error and its causes, as a log shows them.
fn shown(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
