use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 3)]
#[serde(rename_all = "camelCase")]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "userName", since = 2))]
    user_name: String,
    #[serde(rename = "job")]
    #[kv(renamed(from = "job", since = 3))]
    role: String,
    #[kv(renamed(from = "a", since = 2), renamed(from = "a", since = 3))]
    b: String,
}

fn main() {}
