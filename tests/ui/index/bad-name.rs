use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", index(name = "by:city", on(city)), index(name = "", on(city)))]
#[kv(index(name = "ByCity", on(city)), index(name = "2nd", on(city)), index(name = by_city, on(city)))]
struct User {
    #[kv(id)]
    id: u64,
    city: String,
    #[kv(index)]
    größe: u32,
    #[kv(unique)]
    _number: u32,
    #[allow(non_snake_case)]
    #[kv(index)]
    zipCode: u32,
}

fn main() {}
