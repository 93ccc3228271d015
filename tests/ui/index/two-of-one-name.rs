use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
#[kv(index(name = "city", on(country, city)))]
#[kv(index(name = "by_place", on(country, city)), index(name = "by_place", on(city)))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(index, unique)]
    email: String,
    #[kv(index, index)]
    phone: String,
    country: String,
    #[kv(index)]
    city: String,
    #[kv(unique(name = "phone"))]
    mobile: String,
}

fn main() {}
