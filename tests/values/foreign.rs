//! Records of other programs: who may rewrite them, and what is said of those that cannot be read.

use kv_runtime::key::Key;
use kv_runtime::migrate::WriteBack;
use kv_runtime::record::{Metadata, NewRecord, Record};
use kv_runtime::store::{
    AtomicStore, Batch, Capabilities, Commit, Condition, Cursor, EntryRef, GetOptions, ListQuery,
    MemoryStore, Sharing, Store, StoreExt, StoreInfo,
};
use kv_runtime::{Error, Kv, KvEntity, MaybeSend, Result};

use crate::{Outcome, lay, lay_version, memory, stored, text};

#[derive(KvEntity, Debug)]
#[kv(prefix = "s", version = 2)]
pub(crate) struct Seen {
    #[kv(id)]
    pub(crate) id: u64,
    pub(crate) name: String,
    #[kv(added(since = 2, default = 0))]
    pub(crate) visits: u32,
}

/// A memory store that other programs can reach.
pub(crate) struct Shared {
    store: MemoryStore,
    info: StoreInfo,
}

impl Shared {
    pub(crate) fn new() -> Self {
        let capabilities = Capabilities::new(Sharing::Shared).compare_and_swap();
        Self { store: MemoryStore::new(), info: StoreInfo::new("shared", capabilities) }
    }
}

impl Store for Shared {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.store.get(key, options).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        self.store.write(batch).await
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        self.store.commit(conditions, batch).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.store.list(query, each).await
    }
}

impl AtomicStore for Shared {}

pub(crate) const THEIRS: &str = r#"{"name":"Ada","email":"a@b.c"}"#;

#[tokio::test]
async fn a_read_leaves_what_another_program_wrote() -> Outcome {
    let kv = Kv::new(Shared::new());
    let all = kv.collection::<Seen>();
    for policy in [WriteBack::Safe, WriteBack::Compatible, WriteBack::Never] {
        let kv = kv.clone().with_write_back(policy);
        lay(&kv, "s:4", THEIRS).await?;
        let before = stored(&kv, "s:4").await?.revision;
        let seen = kv.collection::<Seen>();
        assert_eq!(seen.get(4).await?.ok_or("is there")?.visits, 0);
        assert!(seen.get_many([4]).await?[0].is_some());
        assert_eq!(seen.list().page().await?.entities.len(), 1);
        assert_eq!(stored(&kv, "s:4").await?.revision, before, "{policy:?}");
    }
    // One that says its version is ours, and `Always` asks for all.
    lay_version(&kv, "s:5", 1, THEIRS).await?;
    all.get(5).await?;
    let today = r#"{"name":"Ada","email":"a@b.c","visits":0}"#;
    assert_eq!(text(&kv, "s:5").await?, today);
    kv.clone().with_write_back(WriteBack::Always).collection::<Seen>().get(4).await?;
    assert_eq!(text(&kv, "s:4").await?, today);
    Ok(())
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "number")]
struct Number {
    #[kv(id)]
    id: u64,
    #[serde(default)]
    wei: u128,
    #[serde(default)]
    far: f64,
}

#[tokio::test]
async fn what_is_wrong_with_a_value_is_told_as_it_is() -> Outcome {
    let kv = memory();
    let numbers = kv.collection::<Number>();
    for (value, is_json, words) in [
        (r#"{"wei":1e+21}"#, true, "in `wei`: a number has a fraction or an exponent"),
        (r#"{"far":1e400}"#, true, "in `far`: a number"),
        (r#"{"wei":"x"}"#, true, "in `wei`: invalid type, expected a number"),
        ("[object Object]", false, "the text `[object Object]`"),
        (r#"{"wei":"#, false, "EOF"),
        (r#"{"wei":"x","#, false, "EOF"),
    ] {
        lay(&kv, "number:1", value).await?;
        let error = numbers.get(1).await.expect_err("is none");
        let told = format!("{error:?}");
        let Error::Decode { source, .. } = error else { return Err(told.into()) };
        assert_eq!(source.is_malformed(), !is_json, "{value}");
        assert!(told.contains(words), "{value}: {told}");
    }
    Ok(())
}

#[tokio::test]
async fn a_census_counts_what_does_not_decode() -> Outcome {
    let kv = memory();
    lay(&kv, "number:1", r#"{"wei":1}"#).await?;
    lay(&kv, "number:2", r#"{"wei":1e+21}"#).await?;
    lay(&kv, "number:3", "[object Object]").await?;
    let numbers = kv.collection::<Number>();
    assert_eq!(numbers.census().await?.undecoded, None);
    let census = numbers.census_with_values().await?;
    assert_eq!((census.undecoded, census.groups[0].total()), (Some(2), 3));
    assert!(census.to_string().contains("(not decoded)"));
    Ok(())
}

#[tokio::test]
async fn foreign_metadata_keeps_its_numbers() -> Outcome {
    let kv = memory();
    let json = r#"{"version":1,"wei":123456789012345678901234567890}"#;
    let metadata = Metadata::from_json(json.as_bytes())?;
    kv.store().put(Key::from_text("number:1"), NewRecord::new(r#"{"wei":1}"#, metadata)).await?;
    kv.collection::<Number>().update(1, |number| number.wei = 2).await?;
    // In whatever order: serde_json may keep that of its maps.
    let told = stored(&kv, "number:1").await?.metadata.to_json();
    assert!(told.contains(r#""wei":123456789012345678901234567890"#), "{told}");
    assert!(told.contains(r#""version":1"#), "{told}");
    Ok(())
}
