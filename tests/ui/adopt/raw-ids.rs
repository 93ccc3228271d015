use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = "settings"))]
struct User {
    #[kv(id, raw)]
    org: String,
    #[kv(id, raw, ordered)]
    id: String,
    #[kv(raw)]
    name: String,
    #[kv(group = "settings")]
    theme: String,
}

#[derive(KvEntity)]
#[kv(prefix = "org", shared_prefix = ":1:org")]
struct Org {
    #[kv(id)]
    id: String,
}

#[derive(KvEntity)]
#[kv(shared_prefix = "a!b")]
struct Team {
    #[kv(id)]
    id: String,
}

#[derive(KvEntity)]
#[kv(shared_prefix = "{tag}:")]
struct Club {
    #[kv(id)]
    id: String,
}

fn main() {}
