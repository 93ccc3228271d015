use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

async fn entities(kv: Kv<MemoryStore>) -> Result<Vec<User>> {
    Ok(kv.collection::<User>().list().await?.entities)
}

async fn ids(kv: Kv<MemoryStore>) -> Result<Vec<u64>> {
    Ok(kv.collection::<User>().list().ids().await?.ids)
}

fn main() {}
