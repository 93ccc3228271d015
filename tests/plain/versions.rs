//! Versions that are members of the values.

use kv_runtime::migrate::Object;
use kv_runtime::store::{MemoryStore, Store};
use kv_runtime::{BoxError, Error, Kv, KvEntity};

use super::{Outcome, put_theirs, text};

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "doc", plain, version = 3, version_in = "schemaVersion")]
#[kv(step(2 => split, down = join))]
struct Doc {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "name", since = 2))]
    title: String,
    tags: Vec<String>,
}

fn split(doc: &mut Object) -> Result<(), BoxError> {
    let tags = doc.get("tags").and_then(|tags| tags.as_str()).unwrap_or_default();
    let tags: Vec<_> = tags.split(' ').map(str::to_owned).collect();
    doc.insert("tags".to_owned(), tags.into());
    Ok(())
}

fn join(doc: &mut Object) -> Result<(), BoxError> {
    let tags = doc.get("tags").and_then(|tags| tags.as_array()).cloned().unwrap_or_default();
    let tags: Vec<_> = tags.iter().filter_map(|tag| tag.as_str()).collect();
    doc.insert("tags".to_owned(), tags.join(" ").into());
    Ok(())
}

const OLD: &str = r#"{ "schemaVersion":1, "name":"a", "tags":"x y", "theirs":1.50 }"#;

fn kv() -> Kv<MemoryStore> {
    Kv::new(MemoryStore::new())
}

async fn filled(kv: &Kv<impl Store>) -> Outcome {
    put_theirs(kv.store(), "doc:1", OLD).await?;
    put_theirs(kv.store(), "doc:2", r#"{"name":"b","tags":"z"}"#).await?;
    put_theirs(kv.store(), "doc:3", r#"{"schemaVersion":3,"title":"c","tags":["z"],"theirs":[]}"#).await?;
    put_theirs(kv.store(), "doc:4", r#"{"schemaVersion":4,"title":"d","tags":[]}"#).await?;
    put_theirs(kv.store(), "doc:5", r#"{"schemaVersion":"v5","title":"e","tags":[]}"#).await?;
    Ok(())
}

#[tokio::test]
async fn a_version_is_read_from_the_value_and_written_to_it() -> Outcome {
    let kv = kv();
    filled(&kv).await?;
    let docs = kv.collection::<Doc>();
    let doc = docs.get(1).await?.ok_or("no document")?;
    assert_eq!((doc.title.as_str(), doc.tags), ("a", vec!["x".to_owned(), "y".to_owned()]));
    assert_eq!(docs.get(2).await?.map(|it| it.title).as_deref(), Some("b"));
    assert_eq!(docs.get(3).await?.map(|it| it.title).as_deref(), Some("c"));
    assert!(matches!(docs.get(4).await, Err(Error::TooNew { found: 4, supported: 3, .. })));
    let unread = docs.get(5).await.expect_err("it has no version").to_string();
    assert!(unread.contains("`doc:5`") && unread.contains("`schemaVersion`"), "{unread}");

    docs.update(1, |it| it.title.push('!')).await?;
    assert_eq!(
        text(kv.store(), "doc:1").await?,
        r#"{"schemaVersion":3,"title":"a!","tags":["x","y"],"theirs":1.50}"#
    );
    docs.update(2, |it| it.title.push('!')).await?;
    assert_eq!(text(kv.store(), "doc:2").await?, r#"{"title":"b!","tags":["z"],"schemaVersion":3}"#);
    docs.update(3, |it| it.title.push('!')).await?;
    let third = r#"{"schemaVersion":3,"title":"c!","tags":["z"],"theirs":[]}"#;
    assert_eq!(text(kv.store(), "doc:3").await?, third);
    assert!(docs.update(4, |it| it.title.push('!')).await.is_err());
    docs.put(&Doc { id: 6, title: "f".to_owned(), tags: Vec::new() }).await?;
    assert_eq!(text(kv.store(), "doc:6").await?, r#"{"title":"f","tags":[],"schemaVersion":3}"#);
    Ok(())
}

#[tokio::test]
async fn lists_censuses_backfills_and_transactions_see_it() -> Outcome {
    let kv = kv();
    filled(&kv).await?;
    let docs = kv.collection::<Doc>();
    let page = docs.list().page().await?;
    assert_eq!((page.entities.len(), page.failed.len()), (3, 2));
    let mut stream = docs.list().stream();
    let mut streamed = [0, 0];
    while let Some(doc) = stream.next().await {
        streamed[usize::from(doc.is_err())] += 1;
    }
    assert_eq!(streamed, [3, 2]);
    let census = docs.census_with_values().await?;
    let versions: Vec<_> =
        census.groups[0].versions.iter().map(|(version, count)| (*version, *count)).collect();
    assert_eq!((versions, census.groups[0].damaged), (vec![(1, 2), (3, 1), (4, 1)], 1));
    assert_eq!(census.undecoded, Some(2));

    let title = kv
        .transact(async |tx| {
            let mut doc = tx.get::<Doc>(1).await?.expect("it is there");
            doc.title.push('!');
            tx.save(&doc)?;
            // What is held back is read back.
            tx.update::<Doc>(1, |it| it.title.push('?')).await?;
            Ok(tx.get::<Doc>(1).await?.map(|it| it.title))
        })
        .await?;
    assert_eq!(title.as_deref(), Some("a!?"));
    assert!(text(kv.store(), "doc:1").await?.starts_with(r#"{"schemaVersion":3,"title":"a!?""#));

    let report = docs.migrate_all().run().await?;
    assert_eq!((report.migrated, report.current, report.too_new, report.failed), (1, 2, 1, 1));
    assert_eq!(text(kv.store(), "doc:2").await?, r#"{"title":"b","tags":["z"],"schemaVersion":3}"#);
    let records = docs.records_of(&Doc { id: 2, title: "b".to_owned(), tags: Vec::new() })?;
    assert_eq!(&records[0].1.value[..], br#"{"title":"b","tags":[],"schemaVersion":3}"#);
    Ok(())
}

/// During a rolling deploy the old program writes, too, and no update lowers what it finds.
#[tokio::test]
async fn an_update_never_lowers_a_version() -> Outcome {
    #[derive(KvEntity)]
    #[kv(prefix = "doc", plain, version = 3, write_version = 1, version_in = "schemaVersion")]
    #[kv(step(2 => split, down = join))]
    struct Rolling {
        #[kv(id)]
        id: u64,
        #[kv(renamed(from = "name", since = 2))]
        title: String,
        tags: Vec<String>,
    }

    let kv = kv();
    filled(&kv).await?;
    let docs = kv.collection::<Rolling>();
    docs.update(1, |it| it.title.push('!')).await?;
    assert_eq!(
        text(kv.store(), "doc:1").await?,
        r#"{ "schemaVersion":1, "name":"a!", "tags":"x y", "theirs":1.50 }"#
    );
    docs.update(2, |it| it.title.push('!')).await?;
    assert_eq!(text(kv.store(), "doc:2").await?, r#"{"name":"b!","tags":"z"}"#);
    docs.update(3, |it| it.title.push('!')).await?;
    let third = r#"{"schemaVersion":3,"title":"c!","tags":["z"],"theirs":[]}"#;
    assert_eq!(text(kv.store(), "doc:3").await?, third);
    docs.insert(&Rolling { id: 6, title: "f".to_owned(), tags: Vec::new() }).await?;
    assert_eq!(text(kv.store(), "doc:6").await?, r#"{"name":"f","tags":"","schemaVersion":1}"#);
    Ok(())
}

#[tokio::test]
async fn a_version_has_the_spelling_of_the_other_program() -> Outcome {
    #[derive(KvEntity)]
    #[kv(prefix = "persist", plain, version = 2, version_in = "_persist.version")]
    #[kv(version_map(-1 => 1, missing => 1, "2024-05" => 2))]
    struct State {
        #[kv(id)]
        id: String,
        #[kv(added(since = 2, default = "en".to_owned()))]
        language: String,
    }

    let kv = kv();
    put_theirs(kv.store(), "persist:root", r#"{"_persist":{"version":-1,"rehydrated":true}}"#).await?;
    put_theirs(kv.store(), "persist:new", r#"{"language":"de","_persist":{"version":"2024-05"}}"#).await?;
    let states = kv.collection::<State>();
    assert_eq!(states.get("root").await?.map(|it| it.language).as_deref(), Some("en"));
    states.update("new", |it| "fr".clone_into(&mut it.language)).await?;
    assert_eq!(
        text(kv.store(), "persist:new").await?,
        r#"{"language":"fr","_persist":{"version":"2024-05"}}"#
    );
    states.update("root", |it| "fr".clone_into(&mut it.language)).await?;
    assert_eq!(
        text(kv.store(), "persist:root").await?,
        r#"{"_persist":{"version":"2024-05","rehydrated":true},"language":"fr"}"#
    );
    Ok(())
}
