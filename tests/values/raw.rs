//! Keys and records for an application's own commits.

use kv_runtime::KvEntity;
use kv_runtime::record::Record;
use kv_runtime::store::{Commit, Condition, Expect, Store, StoreExt, Write};

use crate::{Outcome, lay_version, memory};

#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "member", group = "profile", version = 2)]
#[kv(group(name = "settings", optional))]
struct Member {
    #[kv(id)]
    org: String,
    #[kv(id, ordered)]
    number: u32,
    #[kv(renamed(from = "title", since = 2))]
    name: String,
    #[kv(group = "settings")]
    #[serde(default)]
    dark: bool,
}

#[tokio::test]
async fn an_entity_becomes_records_and_back() -> Outcome {
    let kv = memory();
    let members = kv.collection::<Member>();
    let ada = Member { org: "a:b".to_owned(), number: 7, name: "Ada".to_owned(), dark: true };
    let keys = members.keys(("a:b", 7));
    assert_eq!(keys[0], members.key(("a:b", 7)));
    assert_eq!(keys.iter().map(|key| key.group()).collect::<Vec<_>>(), [Some("profile"), Some("settings")]);
    let records = members.records_of(&ada)?;
    assert!(records.iter().map(|(key, _)| key).eq(&keys));
    assert_eq!(records[0].1.metadata.version, 2);
    let absent = keys.iter().map(|key| Condition::new(key.clone(), Expect::Absent)).collect();
    let writes = records.into_iter().map(|(key, record)| Write::Put(key, record)).collect();
    assert_eq!(kv.store().commit(absent, writes).await?, Commit::Done);
    assert_eq!(members.get(("a:b", 7)).await?.as_ref(), Some(&ada));
    let found: Vec<Option<Record>> = kv.store().read_many(&keys).await?;
    assert_eq!(members.entity_of(("a:b", 7), &found)?, Some(ada));
    assert_eq!(members.entity_of(("a:b", 7), &[])?, None);
    Ok(())
}

#[tokio::test]
async fn an_older_record_is_migrated_in_memory() -> Outcome {
    let kv = memory();
    let members = kv.collection::<Member>();
    let key = members.key(("a", 1));
    lay_version(&kv, key.as_str(), 1, r#"{"title":"Ada"}"#).await?;
    let found = kv.store().read(&key).await?;
    let ada = members.entity_of(("a", 1), &[found, None])?.ok_or("is there")?;
    assert_eq!((ada.name.as_str(), ada.dark), ("Ada", false));
    assert_eq!(crate::text(&kv, key.as_str()).await?, r#"{"title":"Ada"}"#);
    Ok(())
}
