use kv_runtime::KvEntity;
use kv_runtime::migrate::Object;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 3, oldest = 2)]
#[kv(step(3 => up), step(1 => up), step(0 => up))]
#[kv(removed(name = "age", since = 1), removed(name = "size", since = 0))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "name", since = 4))]
    user_name: String,
    #[kv(added(since = 2))]
    role: String,
}

fn up(_: &mut Object) -> Result<(), kv_runtime::BoxError> {
    Ok(())
}

fn main() {}
