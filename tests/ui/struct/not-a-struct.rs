use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
enum Unit {
    Admin,
    Guest,
}

#[derive(KvEntity)]
#[kv(prefix = "user")]
enum Data {
    User(u64),
}

#[derive(KvEntity)]
#[kv(prefix = "user")]
union Union {
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct Tuple(u64, String);

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct Nothing;

fn main() {}
