use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 3, removed("name", since = 2), removed(age, since = 3))]
#[kv(group("settings", optional))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(renamed("job", since = 2), added(2))]
    role: String,
    #[kv(group = "settings")]
    theme: String,
}

fn main() {}
