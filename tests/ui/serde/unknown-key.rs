use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
#[serde(rename_al = "camelCase", rename_all = "camelcase")]
struct User {
    #[kv(id)]
    id: u64,
    #[serde(defualt)]
    name: String,
}

fn main() {}
