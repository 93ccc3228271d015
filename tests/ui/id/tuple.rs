use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "member")]
struct Member {
    #[kv(id)]
    id: (String, u64),
    role: String,
}

fn main() {}
