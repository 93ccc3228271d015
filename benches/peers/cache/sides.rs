//! The entities, and each side's cache of them.

use std::sync::Arc;
use std::time::Duration;

use kv_runtime::cache::{Cache, Cached};
use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity};

use crate::support::profile::Profile;

/// How many are held and asked for.
pub const ENTRIES: u64 = 100_000;

/// Room for all of them, however they fall on shards.
pub const CAPACITY: usize = 2 * ENTRIES as usize;

const TTL: Duration = Duration::from_secs(3_600);

/// A profile by number.
#[derive(KvEntity, Debug)]
#[kv(prefix = "user")]
pub struct User {
    #[kv(id)]
    pub id: u64,
    /// Who is asked for after this one.
    pub next: u64,
    pub profile: Profile,
}

/// A profile by text.
#[derive(KvEntity, Debug)]
#[kv(prefix = "account")]
pub struct Account {
    #[kv(id)]
    pub name: String,
    /// Who is asked for after this one.
    pub next: String,
    pub profile: Profile,
}

pub fn user(id: u64) -> Arc<User> {
    Arc::new(User { id, next: next(id), profile: Profile::sample(id) })
}

pub fn account(id: u64) -> Arc<Account> {
    Arc::new(Account { name: name(id), next: name(next(id)), profile: Profile::sample(id) })
}

/// A text id of 21 bytes.
pub fn name(id: u64) -> String {
    format!("account-{id:013}")
}

pub fn ours<E: KvEntity>(capacity: usize) -> Cached<E, MemoryStore> {
    Kv::new(MemoryStore::new())
        .collection()
        .cached(Cache::new().memory_ttl(TTL).negative_ttl(Duration::ZERO).max_entries(capacity))
}

pub fn moka<E: KvEntity>(capacity: usize) -> moka::sync::Cache<E::Id, Arc<E>> {
    moka::sync::Cache::builder().max_capacity(capacity as u64).time_to_live(TTL).build()
}

/// From any number on every one comes once, in no order: the step has no divisor in common with their number.
fn next(id: u64) -> u64 {
    (id + 7_919) % ENTRIES
}

pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().build()
}
