//! Misses: an id that is not there is loaded and held; by one caller, and by 64 at once.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kv_runtime::cache::Cache;
use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, Record, Revision};
use kv_runtime::store::{
    Batch, Capabilities, Cursor, EntryRef, GetOptions, ListQuery, MemoryStore, Sharing, Store, StoreInfo,
};
use kv_runtime::{Kv, KvEntity, MaybeSend, Result as KvResult};

use crate::sides::{ENTRIES, moka as moka_cache, runtime};
use crate::support::{Result, Sides, by_turns, nanos_each};

/// How many misses a round has.
const MISSES: u64 = 10_000;

/// How many callers ask at once.
const CALLERS: u64 = 64;

#[derive(KvEntity, Debug)]
#[kv(prefix = "number")]
struct Number {
    #[kv(id)]
    id: u64,
    value: u64,
}

/// A store that has the same record under each key, and gives it at once.
struct InstantStore {
    info: StoreInfo,
    record: Record,
}

impl InstantStore {
    fn new() -> Self {
        let value = Bytes::from_static(br#"{"value":7}"#);
        let record = Record::new(value, Metadata::default(), Revision::from_token(1));
        Self { info: StoreInfo::new("instant", Capabilities::new(Sharing::Exclusive)), record }
    }
}

impl Store for InstantStore {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, _: &Key, _: GetOptions) -> KvResult<Option<Record>> {
        Ok(Some(self.record.clone()))
    }

    async fn write(&self, _: Batch) -> KvResult<()> {
        Ok(())
    }

    async fn list(
        &self,
        _: &ListQuery,
        _: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> KvResult<Option<Cursor>> {
        Ok(None)
    }
}

/// Ours reads the record from a store and decodes it; moka is given what it holds.
pub fn fill() -> Result<Sides> {
    let runtime = runtime()?;
    let cache = Cache::new().memory_ttl(Duration::from_secs(3_600)).max_entries(ENTRIES as usize);
    let cached = Kv::new(InstantStore::new()).collection::<Number>().cached(cache.without_filling());
    let moka = moka_cache::<Number>(ENTRIES as usize);
    let (mut our_ids, mut their_ids) = (0.., 0..);
    by_turns(
        60,
        || {
            nanos_each(MISSES as usize, || {
                runtime.block_on(async {
                    for id in our_ids.by_ref().take(MISSES as usize) {
                        assert!(cached.get(id).await?.is_some());
                    }
                    Ok(())
                })
            })
        },
        || {
            nanos_each(MISSES as usize, || {
                for id in their_ids.by_ref().take(MISSES as usize) {
                    moka.try_get_with(id, || Ok::<_, std::io::Error>(Arc::new(Number { id, value: 7 })))?;
                }
                Ok(())
            })
        },
    )
}

/// 64 tasks that ask for a cold key, over one load.
pub fn stampede() -> Result<Sides> {
    let runtime = runtime()?;
    let cached = Kv::new(MemoryStore::new()).collection::<Number>().cached(Cache::new());
    let mut ids = 0..;
    let load = |id| async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok::<_, std::io::Error>(Number { id, value: 7 })
    };
    by_turns(
        200,
        || {
            let id = ids.next().unwrap_or_default();
            nanos_each(1, || {
                runtime.block_on(async {
                    let mut callers = tokio::task::JoinSet::new();
                    for _ in 0..CALLERS {
                        let cached = cached.clone();
                        callers.spawn(async move { cached.get_or_load(id, move || load(id)).await });
                    }
                    while let Some(caller) = callers.join_next().await {
                        assert_eq!(caller??.value, 7);
                    }
                    Ok(())
                })
            })
        },
        || nanos_each(1, || Ok(runtime.block_on(load(0))?)),
    )
}
