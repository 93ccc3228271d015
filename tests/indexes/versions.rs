//! The indexed value is the one that will be read from what is stored.

use kv_runtime::key::Key;
use kv_runtime::migrate::WriteBack;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{MemoryStore, StoreExt};
use kv_runtime::{Codec, Error, Kv, KvEntity};

type Outcome = Result<(), Error>;

/// Version 2 has renamed the indexed field and added another one.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "page", version = 2)]
struct Page {
    #[kv(id)]
    id: u64,
    #[kv(unique, renamed(since = 2, from = "url"))]
    path: String,
    #[kv(index, added(since = 2, default = 7_u8))]
    rank: u8,
}

async fn write_version_1(store: &MemoryStore, id: u64, url: &str) -> Outcome {
    let record = NewRecord::new(format!(r#"{{"url":"{url}"}}"#), Metadata::new(1, Codec::Json));
    store.put(Key::from_text(format!("page:{id}")), record).await
}

#[tokio::test]
async fn records_of_older_versions_are_indexed_by_what_they_become() -> Outcome {
    for policy in [WriteBack::Never, WriteBack::Safe] {
        let store = MemoryStore::new();
        write_version_1(&store, 1, "/a").await?;
        write_version_1(&store, 2, "/b").await?;
        let kv = Kv::new(store).with_write_back(policy);
        let pages = kv.collection::<Page>();
        assert!(pages.build_indexes().no_older_writers().run().await?.is_ready);
        assert_eq!(pages.by(Page::RANK).equal(7).count().await?, 2);
        assert_eq!(pages.by(Page::PATH).get("/a").await?.map(|page| page.id), Some(1));
        pages.update(1, |page| page.rank = 1).await?;
        let taken = pages.update(2, |page| page.path = "/a".to_owned()).await;
        assert!(matches!(taken, Err(Error::NotUnique { .. })), "{taken:?}");
        assert_eq!(pages.migrate_all().run().await?.failed, 0);
        assert_eq!(pages.by(Page::RANK).equal(7).count().await?, 1);
        let report = pages.check_indexes().await?;
        assert_eq!((report.added, report.removed), (0, 0), "{report:?}");
    }
    Ok(())
}

/// The value that is written is not the one that is read.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "tag")]
struct Tag {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    #[serde(deserialize_with = "trimmed")]
    name: String,
}

fn trimmed<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text: String = serde::Deserialize::deserialize(deserializer)?;
    Ok(text.trim().to_owned())
}

#[tokio::test]
async fn the_value_that_is_read_is_indexed_and_not_the_one_that_was_passed() -> Outcome {
    let tags = Kv::new(MemoryStore::new()).collection::<Tag>();
    // A debug build refuses a value that does not come back equal.
    let written = tags.put(&Tag { id: 1, name: " a ".to_owned() }).await;
    if cfg!(debug_assertions) {
        assert!(matches!(written, Err(Error::Encode { .. })), "{written:?}");
        return Ok(());
    }
    written?;
    assert_eq!(tags.by(Tag::NAME).get("a").await?.map(|tag| tag.id), Some(1));
    assert_eq!(tags.by(Tag::NAME).get(" a ").await?, None);
    Ok(())
}

/// An overwritten record that nobody can read leaves its entries, which lead nowhere.
#[tokio::test]
async fn put_repairs_a_record_that_cannot_be_read() -> Outcome {
    let pages = Kv::new(MemoryStore::new()).collection::<Page>();
    let page = |id, path: &str| Page { id, path: path.to_owned(), rank: 1 };
    pages.put_many([page(1, "/a"), page(2, "/b")]).await?;
    let broken = NewRecord::new("{", Metadata::new(2, Codec::Json));
    pages.store().put(Key::from_text("page:1"), broken).await?;
    // Nobody knows whether it still has the value.
    let taken = pages.put(&page(3, "/a")).await;
    assert!(matches!(taken, Err(Error::NotUnique { .. })), "{taken:?}");
    assert!(matches!(pages.by(Page::PATH).get("/a").await, Err(Error::Decode { .. })));
    assert_eq!(pages.by(Page::RANK).page().await?.failed.len(), 1);
    pages.put(&page(1, "/c")).await?;
    pages.put(&page(3, "/a")).await?;
    assert_eq!(pages.by(Page::RANK).count().await?, 3);
    let report = pages.check_indexes().await?;
    assert_eq!((report.added, report.unreadable), (0, 0), "{report:?}");
    Ok(())
}

/// An index on two fields, of which the next release has only the first.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "place", index(name = "by_city", on(city, street)))]
struct Wide {
    #[kv(id)]
    id: u64,
    city: String,
    street: String,
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "place", index(name = "by_city", on(city), generation = 2))]
struct Narrow {
    #[kv(id)]
    id: u64,
    city: String,
    street: String,
}

#[tokio::test]
async fn entries_of_an_older_definition_are_passed_over() -> Outcome {
    let kv = Kv::new(MemoryStore::new());
    let wide = |id| Wide { id, city: "York".to_owned(), street: "Low Street".to_owned() };
    kv.collection().put_many((1..=3).map(wide)).await?;
    let narrow = kv.collection::<Narrow>();
    assert!(narrow.build_indexes().no_older_writers().run().await?.is_ready);
    assert_eq!(narrow.by(Narrow::BY_CITY).equal("York").ids().page().await?.ids, [1, 2, 3]);
    assert_eq!(narrow.check_indexes().await?.removed, 3);
    Ok(())
}
