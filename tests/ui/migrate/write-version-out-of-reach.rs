use kv_runtime::KvEntity;
use kv_runtime::migrate::Object;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 4, write_version = 2)]
#[kv(step(1 => up), removed(name = "age", since = 3), step(3 => up))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "name", since = 3))]
    user_name: String,
}

fn up(_: &mut Object) -> Result<(), kv_runtime::BoxError> {
    Ok(())
}

fn main() {}
