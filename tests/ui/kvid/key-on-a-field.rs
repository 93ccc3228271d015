use kv_runtime::KvId;

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
struct Id(#[kv(rename = "z", bogus)] u64);

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
enum Kind {
    One,
    Two(#[kv(rename = "two")] u64),
    Three {
        #[kv(id)]
        number: u64,
    },
}

fn main() {}
