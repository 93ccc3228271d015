use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", index(name = "by_name", on(first, last)))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
    first: String,
    last: String,
}

impl User {
    const EMAIL: &'static str = "email";
    const BY_NAME: u8 = 1;
}

fn main() {}
