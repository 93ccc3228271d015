//! What can be read is returned beside the errors of what cannot, by every call on several entities.

use kv_runtime::cache::Cache;
use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{MemoryStore, RedbStore, Store, StoreExt};
use kv_runtime::{Codec, Error, Kv, KvEntity};

use super::{Outcome, put_theirs};

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "doc", plain)]
struct Doc {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "shop", group = "core", group(name = "more", optional, view = "ShopMore", derive(Debug)))]
struct Shop {
    #[kv(id)]
    id: u64,
    #[kv(group = "core")]
    name: String,
    #[kv(group = "more")]
    lines: Vec<String>,
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "person")]
struct Person {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
}

/// Which answers are entities, which are absences, and which are errors.
fn kinds<T>(answers: &[kv_runtime::Result<Option<T>>]) -> String {
    let kind = |answer: &kv_runtime::Result<Option<T>>| match answer {
        Ok(Some(_)) => '+',
        Ok(None) => '-',
        Err(_) => '!',
    };
    answers.iter().map(kind).collect()
}

async fn lay_docs(store: &impl Store) -> kv_runtime::Result<()> {
    put_theirs(store, "doc:1", r#"{"name":"a"}"#).await?;
    put_theirs(store, "doc:2", "[object Object]").await?;
    put_theirs(store, "doc:4", r#"{"name":"d"}"#).await
}

#[tokio::test]
async fn a_bad_record_hides_no_other_in_a_collection_and_in_a_cache() -> Outcome {
    let kv = Kv::new(MemoryStore::new());
    lay_docs(kv.store()).await?;
    let docs = kv.collection::<Doc>();
    let found = docs.get_each([1, 2, 3, 4]).await?;
    assert_eq!(kinds(&found), "+!-+");
    let error = found[1].as_ref().expect_err("it is no JSON");
    assert!(matches!(error, Error::Decode { .. }) && error.to_string().contains("doc:2"), "{error}");
    assert!(docs.get_many([1, 2, 3, 4]).await.is_err());
    let page = docs.list().page().await?;
    assert_eq!((page.entities.len(), page.failed.len()), (2, 1));

    let cached = docs.cached(Cache::new());
    assert_eq!(kinds(&cached.get_each([1, 2, 3, 4]).await?), "+!-+");
    // By memory what was read, and by the store what was not.
    assert_eq!(kinds(&cached.get_each([1, 2, 3, 4]).await?), "+!-+");
    assert!(cached.get_many([1, 2]).await.is_err() && cached.get_many([1, 3]).await.is_ok());
    Ok(())
}

/// Here the store itself cannot read the record, so its batch fails as a whole.
#[tokio::test]
async fn a_record_that_the_store_cannot_read_hides_no_other() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("a.redb");
    let kv = Kv::new(RedbStore::open(&path)?);
    let shops = kv.collection::<Shop>();
    shops.put_many((1..=9).map(|id| Shop { id, name: "a".to_owned(), lines: Vec::new() })).await?;
    drop((shops, kv));
    damage(&path, "shop:4:core")?;
    let kv = Kv::new(RedbStore::open(&path)?);
    let shops = kv.collection::<Shop>();
    let found = shops.get_each([3, 4, 5, 77]).await?;
    assert_eq!(kinds(&found), "+!+-");
    assert!(found[1].as_ref().is_err_and(|error| error.to_string().contains("shop:4")));
    assert!(shops.get_many([3, 4]).await.is_err());
    assert_eq!(kinds(&shops.cached(Cache::new()).get_each([3, 4, 5, 77]).await?), "+!+-");
    // The view of the other group does not need the damaged record.
    assert_eq!(kinds(&kv.collection::<ShopMore>().get_each([3, 4, 77]).await?), "++-");
    Ok(())
}

/// Writes an envelope that is cut short, with redb alone.
fn damage(path: &std::path::Path, key: &str) -> Result<(), redb::Error> {
    let transaction = redb::Database::open(path)?.begin_write()?;
    let mut table = transaction.open_table(redb::TableDefinition::<&str, &[u8]>::new("records"))?;
    table.insert(key, b"\xFFK\x01\x02".as_slice())?;
    drop(table);
    Ok(transaction.commit()?)
}

#[tokio::test]
async fn a_bad_record_hides_no_other_in_lookups_of_unique_values() -> Outcome {
    let kv = Kv::new(MemoryStore::new());
    let people = kv.collection::<Person>();
    for id in 1..=3 {
        people.insert(&Person { id, email: format!("{id}@example.com") }).await?;
    }
    let broken = NewRecord::new("{", Metadata::new(1, Codec::Json));
    kv.store().put(Key::from_text("person:2"), broken).await?;
    let emails = ["1@example.com", "2@example.com", "x@example.com", "3@example.com"];
    let found = people.by(Person::EMAIL).get_each(emails).await?;
    assert_eq!(kinds(&found), "+!-+");
    assert!(people.by(Person::EMAIL).get_many(emails).await.is_err());
    Ok(())
}
