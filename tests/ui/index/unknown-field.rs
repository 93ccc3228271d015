use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
#[kv(index(name = "by_city", on(contry, city, colour)))]
struct User {
    #[kv(id)]
    id: u64,
    country: String,
    city: String,
    #[kv(skip)]
    colours: u8,
}

fn main() {}
