use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", rename_all = "camelCase", default)]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(rename = "n")]
    name: String,
    #[kv(default)]
    nick: String,
    #[kv(skip_serializing_if = "Option::is_none")]
    more: Option<String>,
}

fn main() {}
