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
    users.by(User::EMAIL).get(7).await?;
    users.by(User::EMAIL).get(String::from("ada@example.com")).await?;
    users.by(User::AGE).equal("36").page().await?;
    users.by(User::AGE).range(18..).limit(10).page().await?;
    users.by(User::SIGNED_UP).range(1_i64..2).page().await?;
    users.by(User::BY_CITY).equal("GB").page().await?;
    users.by(User::BY_CITY).within("GB").equal(7).page().await?;
    Ok(())
}

fn main() {}
