use kv_runtime::KvId;

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
#[kv(rename_all = "camelcase")]
enum Flag {
    #[kv(renam = "a")]
    A,
    #[kv(rename_all = "lowercase")]
    B,
}

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
#[kv(rename = "x", colour)]
enum Other {
    A,
}

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
#[kv(rename_all = "lowercase")]
struct Id(u64);

fn main() {}
