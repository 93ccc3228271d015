use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", view = "Profile", derive(Debug))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
