use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = "settings"))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(unique(with = lower))]
    email: String,
    #[kv(group = "settings", index(with = str::len))]
    country: String,
    #[kv(index(with = no_such_function))]
    city: String,
}

fn lower(email: &String) -> String {
    email.to_lowercase()
}

fn main() {}
