use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 3, index(name = "by_language", on(region, language)))]
struct User {
    #[kv(id)]
    id: u64,
    #[serde(default = "english")]
    language: String,
    #[kv(index, added(since = 2, default = english()))]
    spoken: Option<String>,
    #[kv(added(since = 3, default = "eu".to_owned()))]
    region: String,
    #[serde(default = "english")]
    not_indexed: String,
}

#[derive(KvEntity, Default)]
#[kv(prefix = "offer")]
#[serde(default)]
struct Offer {
    #[kv(id)]
    id: u64,
    #[kv(index)]
    price: u64,
    #[kv(unique)]
    number: u64,
    #[serde(default)]
    #[kv(index)]
    rank: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "cached")]
struct Cached<T> {
    #[kv(id)]
    id: u64,
    #[serde(default = "T::random")]
    #[kv(index)]
    value: T,
}

fn english() -> String {
    "en".to_owned()
}

fn main() {}
