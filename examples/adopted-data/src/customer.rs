//! The struct of the first release, which runs beside the other program.

use kv_runtime::KvEntity;

/// A customer, under `customer:{id}`. The other program's records are version 1.
///
/// The struct names only what this program needs. An update keeps all other members of the JSON.
///
/// `plain`: what this program writes has no envelope, so that the other program can read it on every
/// store. `write_version = 1`: it has the other program's names.
#[derive(KvEntity, Debug)]
#[kv(prefix = "customer", plain, version = 2, write_version = 1)]
pub struct Customer {
    #[kv(id)]
    pub id: u64,
    #[kv(renamed(from = "fullName", since = 2))]
    pub name: String,
}
