use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = ":user")]
struct Leading {
    #[kv(id)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "user:")]
struct Trailing {
    #[kv(id)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "user::profile")]
struct Doubled {
    #[kv(id)]
    id: u64,
}

fn main() {}
