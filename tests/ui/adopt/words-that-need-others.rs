use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version_in = "v", version_map(missing => 1))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "org", plain, version_map(missing => 1))]
struct Org {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "team", version_in = "v", group(name = "all", plain))]
struct Team {
    #[kv(id)]
    id: u64,
    #[kv(group = "all")]
    name: String,
}

fn main() {}
