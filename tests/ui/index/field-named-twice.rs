use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
#[kv(index(name = "by_city", on(city, country, city)))]
struct User {
    #[kv(id)]
    id: u64,
    country: String,
    city: String,
}

fn main() {}
