use kv_runtime::KvEntity;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Place {
    city: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = "settings"))]
#[kv(index(name = "by_name", on(names, name), unique))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    names: Vec<String>,
    #[kv(index)]
    height: f64,
    #[kv(group = "settings", unique)]
    place: Option<Place>,
    #[kv(group = "settings", index)]
    twice: Option<Option<u8>>,
}

fn main() {}
