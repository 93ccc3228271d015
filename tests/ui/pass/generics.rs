use kv_runtime::{KvEntity, KvId};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Wrapper<T, const N: usize>(T);

#[derive(KvEntity)]
#[kv(prefix = "cache", group = "value", group(name = "about", optional))]
struct Cached<I: KvId, T = String, const N: usize = 2>
where
    T: Clone,
{
    #[kv(id, ordered)]
    id: I,
    value: Wrapper<T, N>,
    #[kv(group = "about")]
    tags: Vec<T>,
    #[kv(skip)]
    hits: Option<T>,
}

fn is_entity<E: KvEntity>(_: &E) -> &'static str {
    E::SCHEMA.prefix()
}

fn main() {
    let cached: Cached<u64> = Cached { id: 1, value: Wrapper(String::new()), tags: Vec::new(), hits: None };
    assert_eq!(is_entity(&cached), "cache");
    assert!(cached.hits.is_none() && cached.tags.is_empty() && cached.value.0.is_empty());
    let value: CachedValue<u64, u8, 3> = CachedValue { id: 1, value: Wrapper(5) };
    assert_eq!(is_entity(&value), "cache");
}
