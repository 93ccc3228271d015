//! Steps keep what they do not change, whatever carries a record from one version to another.

use kv_runtime::migrate::Object;
use kv_runtime::{Error, KvEntity};

use crate::{Outcome, lay_version, memory, stored, text};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const WIDE: &str = r#""wei":123456789012345678901234567890,"price":19.990000000000000000001,"far":1e400"#;

fn nothing(_: &mut Object) -> Result<(), Failure> {
    Ok(())
}

fn restructure(object: &mut Object) -> Result<(), Failure> {
    let id = object.remove("big").ok_or("there is no number")?;
    object.insert("inner".to_owned(), serde_json::json!({ "id": id }));
    Ok(())
}

fn flatten(object: &mut Object) -> Result<(), Failure> {
    let inner = object.remove("inner").ok_or("there is nothing inside")?;
    object.insert("big".to_owned(), inner["id"].clone());
    Ok(())
}

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Inner {
    id: u128,
}

#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "coin", version = 5, removed(name = "old", since = 2, default = 1))]
#[kv(step(2 => nothing, down = nothing), step(4 => restructure, down = flatten))]
struct Coin {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "title", since = 2))]
    name: String,
    #[kv(added(since = 4, default = u128::MAX))]
    most: u128,
    inner: Inner,
}

const BIG: u128 = 340_282_366_920_938_463_463_374_607_431_768_211_454;

fn old() -> String {
    format!(r#"{{"title":"a","old":2,"big":{BIG},{WIDE}}}"#)
}

#[tokio::test]
async fn wide_numbers_go_through_steps() -> Outcome {
    let kv = memory();
    lay_version(&kv, "coin:1", 1, &old()).await?;
    let coins = kv.collection::<Coin>();
    let coin = coins.get(1).await?.ok_or("is there")?;
    assert_eq!((coin.most, coin.inner.id), (u128::MAX, BIG));
    // The read has written it back.
    let today = format!(r#"{{"name":"a",{WIDE},"most":{},"inner":{{"id":{BIG}}}}}"#, u128::MAX);
    assert_eq!(text(&kv, "coin:1").await?, today);
    assert_eq!(stored(&kv, "coin:1").await?.metadata.version, 5);
    Ok(())
}

#[tokio::test]
async fn an_update_and_a_backfill_carry_them() -> Outcome {
    let kv = memory().with_write_back(kv_runtime::migrate::WriteBack::Never);
    let coins = kv.collection::<Coin>();
    lay_version(&kv, "coin:1", 1, &old()).await?;
    coins.update(1, |coin| coin.name.push('b')).await?;
    let expected =
        |name: &str| format!(r#"{{"name":"{name}",{WIDE},"most":{},"inner":{{"id":{BIG}}}}}"#, u128::MAX);
    assert_eq!(text(&kv, "coin:1").await?, expected("ab"));
    lay_version(&kv, "coin:1", 1, &old()).await?;
    coins.migrate_all().run().await?;
    assert_eq!(text(&kv, "coin:1").await?, expected("a"));
    Ok(())
}

#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "coin", version = 5, write_version = 1, removed(name = "old", since = 2, default = 1))]
#[kv(step(2 => nothing, down = nothing), step(4 => restructure, down = flatten))]
struct CautiousCoin {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "title", since = 2))]
    name: String,
    #[kv(added(since = 4, default = u128::MAX))]
    most: u128,
    inner: Inner,
}

#[tokio::test]
async fn an_older_version_is_written_with_them() -> Outcome {
    let kv = memory();
    let coins = kv.collection::<CautiousCoin>();
    let coin = CautiousCoin { id: 2, name: "b".to_owned(), most: 5, inner: Inner { id: BIG } };
    coins.put(&coin).await?;
    assert_eq!(text(&kv, "coin:2").await?, format!(r#"{{"title":"b","big":{BIG},"old":1}}"#));
    assert_eq!(coins.get(2).await?, Some(CautiousCoin { most: u128::MAX, ..coin }));
    lay_version(&kv, "coin:1", 1, &old()).await?;
    coins.update(1, |coin| coin.name.push('b')).await?;
    // What the step back makes up (`old`) does not replace what is there.
    assert_eq!(text(&kv, "coin:1").await?, old().replace(r#""title":"a""#, r#""title":"ab""#));
    assert_eq!(stored(&kv, "coin:1").await?.metadata.version, 1);
    Ok(())
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "note")]
struct NoteV1 {
    #[kv(id)]
    id: u64,
    title: String,
    words: u64,
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "note", version = 3, previous = NoteV1)]
struct Note {
    #[kv(id)]
    id: u64,
    title: String,
    length: u64,
    #[kv(added(since = 3, default = Vec::new()))]
    tags: Vec<String>,
}

impl From<NoteV1> for Note {
    fn from(old: NoteV1) -> Self {
        Self { id: old.id, title: old.title, length: old.words, tags: vec!["old".to_owned()] }
    }
}

#[tokio::test]
async fn a_predecessor_carries_what_it_does_not_name() -> Outcome {
    let kv = memory();
    lay_version(&kv, "note:1", 1, &format!(r#"{{"title":"a","words":3,{WIDE},"length":"mine"}}"#)).await?;
    let notes = kv.collection::<Note>();
    assert_eq!(notes.get(1).await?.ok_or("is there")?.length, 3);
    assert_eq!(text(&kv, "note:1").await?, format!(r#"{{"title":"a",{WIDE},"length":3,"tags":["old"]}}"#));
    lay_version(&kv, "note:1", 2, &format!(r#"{{"title":"a","length":3,{WIDE}}}"#)).await?;
    notes.update(1, |note| note.length = 4).await?;
    assert_eq!(text(&kv, "note:1").await?, format!(r#"{{"title":"a","length":4,{WIDE},"tags":[]}}"#));
    Ok(())
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "endless", version = 2)]
struct Endless {
    #[kv(id)]
    id: u64,
    #[kv(added(since = 2, default = Some(1.0 / zero())))]
    far: Option<f64>,
}

fn zero() -> f64 {
    0.0
}

#[tokio::test]
async fn a_default_that_json_cannot_say_is_an_error() -> Outcome {
    let kv = memory();
    lay_version(&kv, "endless:1", 1, "{}").await?;
    let error = kv.collection::<Endless>().get(1).await.expect_err("has no JSON");
    assert!(matches!(error, Error::MigrationFailed { .. }), "{error}");
    let told = format!("{error:?}");
    assert!(
        told.contains("the `default` of `added` for the member `far`") && told.contains("infinite"),
        "{told}"
    );
    assert_eq!(text(&kv, "endless:1").await?, "{}");
    Ok(())
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "twice", version = 3, step(1 => nothing))]
struct Twice {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "title", since = 3))]
    #[serde(default)]
    name: String,
}

#[tokio::test]
async fn a_repeated_member_is_refused_by_steps_as_well() -> Outcome {
    let kv = memory();
    let twice = kv.collection::<Twice>();
    for (version, value) in [
        (1, r#"{"title":"a","title":"b"}"#),
        (2, r#"{"title":"a","title":"b"}"#),
        (3, r#"{"name":"a","name":"b"}"#),
    ] {
        lay_version(&kv, "twice:1", version, value).await?;
        assert!(twice.get(1).await.is_err(), "version {version}");
    }
    // A repeated member that no struct names is ignored, as in a current record.
    lay_version(&kv, "twice:1", 2, r#"{"title":"a","x":1,"x":2}"#).await?;
    assert_eq!(twice.get(1).await?.ok_or("is there")?.name, "a");
    assert_eq!(text(&kv, "twice:1").await?, r#"{"name":"a","x":1,"x":2}"#);
    Ok(())
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
enum Guess {
    Wide { wei: u128 },
}

#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "doubt", version = 2, write_version = 1)]
struct Doubt {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "guess", since = 2))]
    thought: Option<Guess>,
}

#[tokio::test]
async fn an_older_version_is_refused_if_it_could_not_be_read() -> Outcome {
    let kv = memory();
    let doubts = kv.collection::<Doubt>();
    let refused = doubts.put(&Doubt { id: 1, thought: Some(Guess::Wide { wei: 5 }) }).await;
    let Err(error @ Error::Encode { .. }) = refused else { return Err(format!("{refused:?}").into()) };
    assert!(format!("{error:?}").contains("in `thought`"), "{error:?}");
    assert!(!doubts.exists(1).await?, "nothing is stored");
    doubts.put(&Doubt { id: 1, thought: None }).await?;
    let update = doubts.update(1, |doubt| doubt.thought = Some(Guess::Wide { wei: 5 })).await;
    assert!(matches!(update, Err(Error::Encode { .. })), "{update:?}");
    assert_eq!(doubts.get(1).await?, Some(Doubt { id: 1, thought: None }));
    Ok(())
}
