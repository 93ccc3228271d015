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

async fn lookups(kv: &Kv<MemoryStore>) -> kv_runtime::Result<()> {
    let users = kv.collection::<User>();
    users.by(User::EMAIL).page().await?;
    users.by(User::SIGNED_UP).get(Timestamp::from_millis(1)).await?;
    users.by(User::SIGNED_UP).within(Timestamp::from_millis(1)).page().await?;
    users.by(User::AGE).starts_with(3).page().await?;
    users.by("email").get("ada@example.com").await?;
    Ok(())
}

fn main() {}
