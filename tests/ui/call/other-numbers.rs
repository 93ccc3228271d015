use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

async fn narrower(kv: Kv<MemoryStore>, id: i32) -> Result<Option<User>> {
    kv.collection::<User>().get(id).await
}

async fn optional(kv: Kv<MemoryStore>, id: Option<u64>) -> Result<bool> {
    kv.collection::<User>().exists(id).await
}

async fn borrowed(kv: Kv<MemoryStore>, id: &u64) -> Result<()> {
    kv.collection::<User>().delete(id).await
}

async fn updated(kv: Kv<MemoryStore>, id: i32) -> Result<User> {
    kv.collection::<User>().update(id, |user| user.name.clear()).await
}

async fn prolonged(kv: Kv<MemoryStore>, id: i32) -> Result<bool> {
    kv.collection::<User>().touch(id).await
}

fn main() {}
