//! Programs whose records are files: unstorage, conf and redux-persist.

use kv_runtime::adopt::DoublyEncoded;
use kv_runtime::{Kv, KvEntity};

use super::files::FileStore;
use super::{Outcome, program};

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "user", plain)]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

#[tokio::test]
#[ignore = "needs scripts/install-programs; scripts/test runs it"]
async fn unstorage_reads_its_files_that_were_changed() -> Outcome {
    let directory = tempfile::tempdir()?;
    let place = directory.path().to_str().ok_or("the path is text")?;
    program("unstorage.mjs", place, &["set", "user:17", r#"{"name":"Ada","n":[1.5,null]}"#]);
    let users = Kv::new(FileStore::new(directory.path())).collection::<User>();
    users.update(17, |user| user.name.push('!')).await?;
    users.insert(&User { id: 18, name: "Bob".to_owned() }).await?;
    assert_eq!(users.list().page().await?.entities.len(), 2);
    assert_eq!(program("unstorage.mjs", place, &["get", "user:17"]), r#"{"name":"Ada!","n":[1.5,null]}"#);
    assert_eq!(program("unstorage.mjs", place, &["get", "user:18"]), r#"{"name":"Bob"}"#);
    Ok(())
}

/// The settings of an application that conf keeps. conf writes the version of the application.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(shared_prefix = "", plain, version = 2, version_in = "__internal__.migrations.version")]
#[kv(version_map("1.0.0" => 1, "2.0.0" => 2))]
struct Settings {
    #[kv(id, raw)]
    file: String,
    #[kv(renamed(from = "theme", since = 2))]
    colours: String,
}

#[tokio::test]
#[ignore = "needs scripts/install-programs; scripts/test runs it"]
async fn conf_reads_settings_that_were_migrated() -> Outcome {
    let directory = tempfile::tempdir()?;
    let place = directory.path().to_str().ok_or("the path is text")?;
    program("conf.mjs", place, &["1.0.0", "set", r#"{"theme":"dark","size":{"w":3}}"#]);
    let settings = Kv::new(FileStore::new(directory.path())).collection::<Settings>();
    let changed = settings.update("config.json", |it| it.colours.push('!')).await?;
    assert_eq!(changed.colours, "dark!");
    let read = program("conf.mjs", place, &["2.0.0", "get"]);
    assert_eq!(read, r#"{"colours":"dark!","size":{"w":3}}"#);
    let stored = std::fs::read_to_string(directory.path().join("config.json"))?;
    assert!(stored.contains(r#""version": "2.0.0""#), "{stored}");
    Ok(())
}

/// The state of a redux application, whose members redux-persist writes as JSON within JSON.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "persist", adapter = DoublyEncoded, version_in = "_persist.version", version_map(-1 => 1))]
struct State {
    #[kv(id)]
    key: String,
    counter: Counter,
}

#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq)]
struct Counter {
    n: i64,
}

#[tokio::test]
#[ignore = "needs scripts/install-programs; scripts/test runs it"]
async fn redux_persist_goes_on_with_a_state_that_was_changed() -> Outcome {
    let directory = tempfile::tempdir()?;
    let place = directory.path().to_str().ok_or("the path is text")?;
    let first = program("redux_persist.mjs", place, &["2"]);
    assert_eq!(first, r#"{"counter":{"n":2},"names":["ada"]}"#);
    let states = Kv::new(FileStore::new(directory.path())).collection::<State>();
    states.update("root", |state| state.counter.n += 10).await?;
    let next = program("redux_persist.mjs", place, &["3"]);
    assert_eq!(next, r#"{"counter":{"n":15},"names":["ada"]}"#);
    assert_eq!(states.get("root").await?.map(|state| state.counter.n), Some(15));
    Ok(())
}
