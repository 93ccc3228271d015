//! Caches of plain records.

use std::time::Duration;

use kv_runtime::cache::Cache;
use kv_runtime::store::{MemoryStore, StoreExt};
use kv_runtime::{Error, Kv, KvEntity};

use super::{Outcome, put_theirs, text};

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "customer", plain)]
struct Customer {
    #[kv(id)]
    id: u64,
    name: String,
}

#[tokio::test]
async fn a_cache_serves_and_changes_them() -> Outcome {
    let kv = Kv::new(MemoryStore::new());
    let customers = kv.collection::<Customer>().cached(Cache::new().memory_ttl(Duration::from_secs(60)));
    put_theirs(kv.store(), "customer:1", r#"{"name":"Ada","theirs":1}"#).await?;
    assert_eq!(customers.get(1).await?.map(|it| it.name.clone()).as_deref(), Some("Ada"));
    customers.update(1, |it| it.name.push('!')).await?;
    assert_eq!(customers.get(1).await?.map(|it| it.name.clone()).as_deref(), Some("Ada!"));
    assert_eq!(text(kv.store(), "customer:1").await?, r#"{"name":"Ada!","theirs":1}"#);
    Ok(())
}

/// Nothing would tell a TTL of the cache from a caller's, and a caller's update would keep it.
#[tokio::test]
async fn a_cache_fills_the_store_only_with_records_that_stay() -> Outcome {
    let load = |id| move || async move { Ok::<_, Error>(Customer { id, name: "Ada".to_owned() }) };
    let kv = Kv::new(MemoryStore::new());
    let stays = kv.collection::<Customer>().cached(Cache::new());
    assert_eq!(stays.get_or_load(1, load(1)).await?.name, "Ada");
    assert_eq!(text(kv.store(), "customer:1").await?, r#"{"name":"Ada"}"#);
    let goes = kv.collection::<Customer>().cached(Cache::new().store_ttl(Duration::from_secs(60)));
    assert_eq!(goes.get_or_load(2, load(2)).await?.name, "Ada");
    assert!(kv.store().read(&kv.collection::<Customer>().key(2)).await?.is_none());
    Ok(())
}
