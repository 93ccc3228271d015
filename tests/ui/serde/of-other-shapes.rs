use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
#[serde(rename_all_fields = "camelCase")]
struct User {
    #[kv(id)]
    id: u64,
    #[serde(getter = "User::name")]
    name: String,
}

fn main() {}
