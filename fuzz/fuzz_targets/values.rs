//! Any stored bytes are an entity or an error, by every codec, and are left as they are.

#![no_main]

use std::collections::BTreeMap;

use futures_util::FutureExt;
use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{MemoryStore, StoreExt};
use kv_runtime::{Codec, Kv, KvEntity};
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    Text(String),
    Many { inner: Vec<Shape>, by_name: BTreeMap<String, u64> },
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "t", codec = "postcard")]
struct Entity {
    #[kv(id)]
    id: u8,
    count: u32,
    name: Option<String>,
    bytes: Vec<u8>,
    shape: Shape,
}

fuzz_target!(|bytes: &[u8]| {
    for codec in [Codec::Json, Codec::Postcard] {
        let kv = Kv::new(MemoryStore::new());
        let key = Key::from_text("t:1");
        let record = NewRecord::new(bytes.to_vec(), Metadata::new(1, codec));
        let stored = async {
            kv.store().put(key.clone(), record).await?;
            let entities = kv.collection::<Entity>();
            let read = entities.get(1).await;
            let page = entities.list().page().await?;
            assert_eq!(page.entities.len() + page.failed.len(), 1);
            assert_eq!(page.entities.len() == 1, read.is_ok());
            if let Err(error) = &read {
                assert!(error.to_string().contains("`t:1`"), "{error}");
            }
            kv.store().read(&key).await
        };
        let stored = stored.now_or_never().expect("memory never waits").expect("memory never fails");
        assert_eq!(stored.map(|record| record.value.to_vec()).as_deref(), Some(bytes));
    }
});
