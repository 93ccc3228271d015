use kv_runtime::key::Key;
use kv_runtime::record::Record;
use kv_runtime::store::{Batch, Cursor, EntryRef, GetOptions, ListQuery, Store, StoreInfo};
use kv_runtime::{Kv, KvEntity, MaybeSend, Result};

#[derive(KvEntity)]
#[kv(prefix = "counter")]
struct Counter {
    #[kv(id)]
    name: String,
    count: u64,
}

struct PlainStore;

impl Store for PlainStore {
    fn info(&self) -> &StoreInfo {
        unimplemented!()
    }
    async fn get(&self, _: &Key, _: GetOptions) -> Result<Option<Record>> {
        unimplemented!()
    }
    async fn write(&self, _: Batch) -> Result<()> {
        unimplemented!()
    }
    async fn list(
        &self,
        _: &ListQuery,
        _: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        unimplemented!()
    }
}

async fn count(kv: Kv<PlainStore>) -> Result<()> {
    let counters = kv.collection::<Counter>();
    counters.put(&Counter { name: "a".to_owned(), count: 0 }).await?;
    counters.update("a", |counter| counter.count += 1).await?;
    Ok(())
}

fn main() {}
