use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "address")]
#[kv(index(name = "by_place", on(country, region, city, zip, street, house, flat), unique))]
struct Address {
    #[kv(id)]
    id: u64,
    country: String,
    region: String,
    city: String,
    zip: u32,
    street: String,
    house: u16,
    flat: u16,
}

fn main() {}
