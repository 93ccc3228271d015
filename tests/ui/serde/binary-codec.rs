use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", codec = "postcard", group = "a", group(name = "b", codec = "json"))]
struct User {
    #[kv(id)]
    id: u64,
    #[serde(flatten)]
    inner: Inner,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nick: Option<String>,
    #[serde(skip_serializing, default)]
    written: u8,
    #[serde(skip_deserializing)]
    read: u8,
    #[serde(skip_serializing, skip_deserializing)]
    neither: u8,
    #[kv(group = "b")]
    #[serde(flatten)]
    other: Inner,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Inner {
    x: u8,
}

fn main() {}
