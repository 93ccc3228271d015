use kv_runtime::KvId;

#[derive(KvId, Debug, Clone, PartialEq)]
struct Id(f64);

fn main() {}
