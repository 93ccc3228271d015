use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

async fn narrower(kv: Kv<MemoryStore>, ids: Vec<i32>) -> Result<Vec<Option<User>>> {
    kv.collection::<User>().get_many(ids).await
}

async fn optional(kv: Kv<MemoryStore>, ids: &[Option<u64>]) -> Result<()> {
    kv.collection::<User>().delete_many(ids).await
}

fn main() {}
