use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", plain, version_in = "a..b")]
struct User {
    #[kv(id)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "org", plain, version_in = "v", version_map("a" => 1, "a" => 1, -1 => 2))]
struct Org {
    #[kv(id)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "team", plain, version_in = "v", version_map(absent => 1))]
struct Team {
    #[kv(id)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "club", plain, version = 2, write_version = 1, version_in = "v", version_map(1 => 2))]
#[kv(step(1 => keep, down = keep))]
struct Club {
    #[kv(id)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "pair", plain, version_in = "v", version_map = 3)]
struct Pair {
    #[kv(id)]
    id: u64,
}

fn keep(_: &mut kv_runtime::migrate::Object) -> Result<(), kv_runtime::BoxError> {
    Ok(())
}

fn main() {}
