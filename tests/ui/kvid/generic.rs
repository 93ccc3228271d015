use kv_runtime::KvId;

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
struct Id<T>(T);

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
enum Kind<const N: usize> {
    One,
}

fn main() {}
