use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv("prefix", "version" = 0)]
struct User {
    #[kv("id" = 3)]
    id: u64,
    #[kv("renamed", "group")]
    name: String,
}

#[derive(KvEntity)]
#[kv("prefix" = "org", vresion)]
struct Org {
    #[kv(id)]
    id: u64,
}

fn main() {}
