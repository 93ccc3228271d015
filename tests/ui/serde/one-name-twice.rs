use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile")]
#[kv(group(name = "settings"))]
#[serde(rename_all = "camelCase")]
struct User {
    #[kv(id)]
    id: u64,
    #[serde(rename = "displayName")]
    name: String,
    display_name: String,
    #[kv(group = "settings")]
    #[serde(rename = "displayName")]
    shown: String,
    #[serde(rename = "displayName", skip)]
    cached: String,
}

fn main() {}
