//! The struct of the first release, which runs while the other program still does.

use kv_runtime::KvEntity;

/// A customer, under `customer:{id}`. The other program's records are version 1.
///
/// The struct names only what this program needs. An update keeps all other members of the JSON.
///
/// With `write_version = 1` this program writes the other program's names, so that the other
/// program can read its records.
#[derive(KvEntity, Debug)]
#[kv(prefix = "customer", version = 2, write_version = 1)]
pub struct Customer {
    #[kv(id)]
    pub id: u64,
    #[kv(renamed(from = "fullName", since = 2))]
    pub name: String,
}
