use kv_runtime::KvId;

#[derive(KvId, Clone, PartialEq, Eq, Hash, Debug)]
#[kv(crate = "kv_rumtime")]
struct UserId(u64);

fn main() {}
