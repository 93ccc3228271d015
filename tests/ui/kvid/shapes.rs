use kv_runtime::KvId;

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
struct Named {
    id: u64,
}

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
struct Two(u64, u64);

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
struct Unit;

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
struct Empty();

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
enum Nothing {}

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
enum Data {
    Number(u64),
    Text { text: String },
    Nothing,
}

#[derive(KvId, Clone, Copy)]
union Union {
    id: u64,
}

fn main() {}
