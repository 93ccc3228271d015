use kv_runtime::KvId;

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
enum Flag {
    #[kv(rename = "a:b")]
    Colon,
    #[kv(rename = "")]
    Empty,
    #[kv(rename = 3)]
    Number,
}

fn main() {}
