use kv_runtime::{Kv, KvEntity, store::RedbStore};

#[derive(KvEntity, Debug)]
#[kv(prefix = "user", group = "profile")]
struct User {
    #[kv(id)]
    id: u64,
    name: String, // any serde type
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> kv_runtime::Result<()> {
    let users = Kv::new(RedbStore::open("app.redb")?).collection::<User>();
    users.put(&User { id: 123, name: "Ada".to_owned() }).await?; // user:123:profile
    users.update(123, |user| user.name.push_str(" Lovelace")).await?; // compare-and-swap
    println!("{:?}", users.get(123).await?);
    Ok(())
}
