use kv_runtime::KvId;

#[derive(KvId)]
struct Id(u64);

fn main() {}
