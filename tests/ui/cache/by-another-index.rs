use kv_runtime::cache::Cache;
use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
    #[kv(index)]
    city: String,
}

#[derive(KvEntity)]
#[kv(prefix = "order")]
struct Order {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    number: u64,
}

async fn read(kv: Kv<MemoryStore>) -> Result<()> {
    let users = kv.collection::<User>().cached(Cache::new());
    let _ = users.by(User::CITY);
    let _ = users.by(Order::NUMBER);
    let _ = users.by(User::EMAIL).get(7).await?;
    Ok(())
}

fn main() {}
