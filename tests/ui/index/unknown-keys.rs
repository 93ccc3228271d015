use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", unique(name = "by_city", on(city)), index("by_zip", on(zip)))]
#[kv(index(nam = "by_street", on(street), uniqe), index(name = "a", on(city), with = lower))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(index(unique))]
    city: String,
    #[kv(index(on(street), nme = "by_street2"))]
    street: String,
    #[kv(uniqe)]
    zip: String,
    #[kv(unique("by_house", show))]
    house: String,
}

fn main() {}
