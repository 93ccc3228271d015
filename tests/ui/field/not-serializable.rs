use kv_runtime::KvEntity;

struct Role;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    role: Role,
}

fn main() {}
