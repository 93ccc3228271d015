use kv_runtime::key::Key;
use kv_runtime::record::{NewRecord, Record};
use kv_runtime::store::{Capabilities, ListPage, ListQuery, Store};
use kv_runtime::{Clock, Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "counter")]
struct Counter {
    #[kv(id)]
    name: String,
    count: u64,
}

struct PlainStore;

impl Store for PlainStore {
    fn name(&self) -> &'static str {
        "plain"
    }
    fn clock(&self) -> &Clock {
        unimplemented!()
    }
    fn capabilities(&self) -> Capabilities {
        unimplemented!()
    }
    async fn get(&self, _: &Key) -> Result<Option<Record>> {
        unimplemented!()
    }
    async fn put(&self, _: Key, _: NewRecord) -> Result<()> {
        unimplemented!()
    }
    async fn delete(&self, _: Key) -> Result<()> {
        unimplemented!()
    }
    async fn list(&self, _: &ListQuery) -> Result<ListPage> {
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
