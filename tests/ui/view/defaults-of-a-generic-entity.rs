use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = "settings"))]
#[serde(default)]
struct User<T> {
    #[kv(id)]
    id: u64,
    name: T,
    #[kv(group = "settings")]
    theme: String,
}

fn main() {}
