use kv_runtime::KvEntity;
use kv_runtime::migrate::Object;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 3, older = 1, write_versoin = 2, previos = User)]
#[kv(step(1 => up, dwon = up), removed(nme = "age", since = 3), remove(name = "size", since = 3))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(renamed(form = "name", since = 3))]
    user_name: String,
    #[kv(added(sine = 3, default = 0, compatible))]
    visits: u32,
    #[kv(rename(from = "job", since = 3), since = 2)]
    role: String,
}

fn up(_: &mut Object) -> Result<(), kv_runtime::BoxError> {
    Ok(())
}

fn main() {}
