use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", index(name = "indexes", on(a, b)))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(index)]
    schema: u8,
    #[kv(unique(name = "expires_by_field"))]
    a: u8,
    b: u8,
}

fn main() {}
