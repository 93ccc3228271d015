use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity};

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

async fn rename(kv: Kv<MemoryStore>, name: String) -> Result<User, &'static str> {
    let users = kv.collection::<User>();
    users
        .try_update(7, |user| {
            if name.is_empty() {
                return Err("a user has a name");
            }
            user.name.clone_from(&name);
            Ok(())
        })
        .await
}

fn main() {}
