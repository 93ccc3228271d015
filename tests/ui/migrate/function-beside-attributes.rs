use kv_runtime::KvEntity;
use kv_runtime::migrate::Object;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 2, step(1 => up), removed(name = "age", since = 2))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "name", since = 2))]
    user_name: String,
}

fn up(_: &mut Object) -> Result<(), kv_runtime::BoxError> {
    Ok(())
}

fn main() {}
