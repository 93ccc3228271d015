use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, KvId, Result};

#[derive(KvId)]
struct Id(u64);

#[derive(KvId, Clone, PartialEq, Eq)]
enum Kind {
    Member,
    Guest,
}

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    kind: Kind,
    #[kv(id)]
    id: Id,
    name: String,
}

async fn find(kv: Kv<MemoryStore>) -> Result<Option<User>> {
    kv.collection::<User>().get((Kind::Guest, Id(7))).await
}

fn main() {}
