use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    a: u8,
    #[kv(id)]
    b: u8,
    #[kv(id)]
    c: u8,
    #[kv(id)]
    d: u8,
    #[kv(id)]
    e: u8,
    #[kv(id)]
    f: u8,
    #[kv(id)]
    g: u8,
}

fn main() {}
