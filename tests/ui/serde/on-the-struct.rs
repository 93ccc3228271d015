use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
#[serde(transparent)]
struct Transparent {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user")]
#[serde(from = "String", try_from = "String")]
struct From {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user")]
#[serde(deny_unknown_fields, into = "String")]
struct Into {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user")]
#[serde(remote = "Other")]
struct Remote {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user")]
#[serde(crate = "serde")]
struct Crate {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user")]
#[serde(bound = "u64: Copy")]
struct Bound {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user")]
#[serde(tag = "type")]
struct Tag {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user")]
#[serde(untagged)]
struct Untagged {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
