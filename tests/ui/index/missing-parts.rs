use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", index, index(), index(on(city)), index(name = "by_city"), index(name = "by_zip", on()))]
struct User {
    #[kv(id)]
    id: u64,
    city: String,
    #[kv(index())]
    zip: String,
}

fn main() {}
