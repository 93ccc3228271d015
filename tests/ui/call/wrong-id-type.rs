use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

async fn read(kv: Kv<MemoryStore>) -> Result<Option<User>> {
    kv.collection::<User>().get("123").await
}

fn main() {}
