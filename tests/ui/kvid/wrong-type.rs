use kv_runtime::KvId;

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
struct Id(Vec<u8>);

fn main() {}
