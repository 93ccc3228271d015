//! The struct of a later release, after the other program is gone.

use kv_runtime::KvEntity;

/// The same records, without `plain` and `write_version`: from now on they are written as version 2,
/// with metadata.
#[derive(KvEntity, Debug)]
#[kv(prefix = "customer", version = 2)]
pub struct Customer {
    #[kv(id)]
    pub id: u64,
    #[kv(renamed(from = "fullName", since = 2))]
    pub name: String,
}
