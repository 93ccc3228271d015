//! Members of a value that the struct does not name: a write leaves them out, unless the struct has
//! a place for them.

use std::collections::BTreeMap;

use kv_runtime::KvEntity;
use kv_runtime::migrate::Object;
use serde_json::Value;

use crate::{Outcome, lay, memory, shape};

/// The struct is the shape.
#[derive(KvEntity)]
#[kv(prefix = "tea", version = 2)]
struct Tea {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "title", since = 2))]
    name: String,
}

/// The same, with a place for what it does not name.
#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "tea", version = 2)]
struct WholeTea {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "title", since = 2))]
    name: String,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// The same by a function, and written as older code reads it.
#[derive(KvEntity)]
#[kv(prefix = "tea", version = 3, write_version = 2)]
#[kv(step(1 => rename, down = unname), step(2 => wake, down = sleep))]
struct SteppedTea {
    #[kv(id)]
    id: u64,
    name: String,
    caffeine: bool,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

type Stepped = Result<(), kv_runtime::BoxError>;

fn rename(tea: &mut Object) -> Stepped {
    let title = tea.remove("title").ok_or("there is no title")?;
    tea.insert("name".to_owned(), title);
    Ok(())
}

fn unname(tea: &mut Object) -> Stepped {
    let name = tea.remove("name").ok_or("there is no name")?;
    tea.insert("title".to_owned(), name);
    Ok(())
}

fn wake(tea: &mut Object) -> Stepped {
    tea.insert("caffeine".to_owned(), true.into());
    Ok(())
}

fn sleep(tea: &mut Object) -> Stepped {
    tea.remove("caffeine");
    Ok(())
}

const V1: &str = r#"{"title":"Tea","origin":"Assam","hot":{"from":1}}"#;
const V2: &str = r#"{"name":"Tea","origin":"Assam","hot":{"from":1}}"#;

#[tokio::test]
async fn what_the_struct_does_not_name_stays() -> Outcome {
    let (kv, _) = memory();
    lay(&kv, "tea:1", 1, V1).await?;
    lay(&kv, "tea:2", 1, V1).await?;
    lay(&kv, "tea:3", 2, V2).await?;
    let teas = kv.collection::<Tea>();
    teas.get(1).await?; // a write-back
    teas.migrate_all().run().await?;
    teas.update(3, |tea| tea.name.push('!')).await?;
    for (key, name) in [("tea:1", "Tea"), ("tea:2", "Tea"), ("tea:3", "Tea!")] {
        let kept = format!(r#"{{"name":"{name}","origin":"Assam","hot":{{"from":1}}}}"#);
        assert_eq!(shape(&kv, key).await?, (2, kept));
    }
    Ok(())
}

#[tokio::test]
async fn a_flattened_map_shows_it() -> Outcome {
    let (kv, _) = memory();
    for key in ["tea:1", "tea:2", "tea:3"] {
        lay(&kv, key, 1, V1).await?;
    }
    lay(&kv, "tea:4", 2, V2).await?;
    let teas = kv.collection::<WholeTea>();
    let tea = teas.get(1).await?.ok_or("it is there")?;
    assert_eq!(tea.rest.keys().map(String::as_str).collect::<Vec<_>>(), ["hot", "origin"]);
    teas.update(2, |tea| tea.name.push('!')).await?;
    teas.migrate_all().run().await?;
    teas.update_last_write_wins(4, |tea| tea.name.push('!')).await?;
    for (key, name) in [("tea:1", "Tea"), ("tea:2", "Tea!"), ("tea:3", "Tea"), ("tea:4", "Tea!")] {
        let (version, text) = shape(&kv, key).await?;
        let kept = format!(r#"{{"name":"{name}","origin":"Assam","hot":{{"from":1}}}}"#);
        assert_eq!((version, text), (2, kept));
    }
    teas.put(&tea).await?;
    assert_eq!(teas.get(1).await?, Some(tea));
    Ok(())
}

#[tokio::test]
async fn a_flattened_map_keeps_it_through_steps_forth_and_back() -> Outcome {
    let (kv, _) = memory();
    lay(&kv, "tea:1", 1, V1).await?;
    lay(&kv, "tea:2", 2, V2).await?;
    let teas = kv.collection::<SteppedTea>();
    for id in [1, 2] {
        let tea = teas.update(id, |tea| tea.name.push('!')).await?;
        assert!(tea.caffeine);
        let (version, text) = shape(&kv, &format!("tea:{id}")).await?;
        let stored: Value = serde_json::from_str(&text)?;
        let kept = serde_json::json!({ "name": "Tea!", "origin": "Assam", "hot": { "from": 1 } });
        assert_eq!((version, stored), (2, kept));
    }
    Ok(())
}
