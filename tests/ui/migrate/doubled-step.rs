use kv_runtime::KvEntity;
use kv_runtime::migrate::Object;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 2)]
#[kv(step(1 => up), step(1 => up))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn up(_: &mut Object) -> Result<(), kv_runtime::BoxError> {
    Ok(())
}

fn main() {}
