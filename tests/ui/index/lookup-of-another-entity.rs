use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Timestamp};

#[derive(KvEntity)]
#[kv(prefix = "user", index(name = "by_city", on(country, city)))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
    country: String,
    city: Option<String>,
    #[kv(index)]
    signed_up: Timestamp,
    #[kv(index)]
    age: u8,
}

#[derive(KvEntity)]
#[kv(prefix = "order")]
struct Order {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    number: u64,
}

async fn lookups(kv: &Kv<MemoryStore>) -> kv_runtime::Result<()> {
    kv.collection::<User>().by(Order::NUMBER).get(7).await?;
    Ok(())
}

fn main() {}
