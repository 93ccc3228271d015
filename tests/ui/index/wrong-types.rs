use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", index = "by_city", index(name = 3, on = "city"))]
#[kv(index(name = "by_zip", on("zip", city)), index(name = "by_house", on(self::house), unique = true))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(index = "by_city")]
    city: String,
    #[kv(unique(with = "lower", generation = 0, shown = true))]
    zip: String,
    #[kv(index(name = "by_house", name = "by_number", shown, shown))]
    house: String,
}

fn main() {}
