use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user:", version = 0)]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(gruop = "settings")]
    theme: String,
}

fn main() {}
