//! The hook is called for every migration, and may refuse it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::migrate::{Migration, MigrationHook, MigrationOutcome};
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::StoreExt;
use kv_runtime::{BoxError, Codec, Error};

use crate::entities::{Point, PointV1, User, UserV2};
use crate::{Outcome, lay, memory, shape};

#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl MigrationHook for Told {
    fn before(&self, migration: &Migration<'_>) -> Result<(), BoxError> {
        if migration.key.ends_with("13:profile") {
            return Err("not this one".into());
        }
        Ok(())
    }

    fn after(&self, migration: &Migration<'_>, took: Duration, outcome: MigrationOutcome) {
        assert!(took < Duration::from_secs(60));
        let Migration { entity, key, from, to, .. } = migration;
        self.0.lock().unwrap().push(format!("{entity} {key} {from}->{to} {outcome:?}"));
    }
}

#[tokio::test]
async fn it_hears_of_all_and_refuses_some() -> Outcome {
    let told = Told::default();
    let (kv, _) = memory();
    let kv = kv.with_migration_hook(told.clone());
    lay(&kv, "user:1:profile", 1, r#"{"name":"ada","visits":3}"#).await?;
    lay(&kv, "user:2:profile", 3, r#"{"user_name":"ada"}"#).await?;
    lay(&kv, "user:13:profile", 1, r#"{"name":"ada","visits":3}"#).await?;
    let users = kv.collection::<User>();
    users.get(1).await?;
    users.get(1).await?;
    assert!(users.get(2).await.is_err());
    let refused = users.get(13).await.expect_err("is refused");
    let Error::MigrationFailed { from: 1, to: 4, source, .. } = &refused else { return Err(refused.into()) };
    assert_eq!(source.to_string(), "not this one");
    assert_eq!(shape(&kv, "user:13:profile").await?.0, 1);
    assert_eq!(
        *told.0.lock().unwrap(),
        ["User user:1:profile 1->4 Migrated", "User user:2:profile 3->4 Failed"]
    );
    Ok(())
}

/// Reading a current record, or a newer one that this code can read, is no migration.
#[tokio::test]
async fn it_hears_nothing_of_what_is_read_as_it_is() -> Outcome {
    let told = Told::default();
    let (kv, _) = memory();
    let kv = kv.with_migration_hook(told.clone());
    let json = r#"{"name":"ada","visits":3,"role":"admin","more":1}"#;
    let mut newer = Metadata::new(3, Codec::Json);
    newer.min_reader = Some(2);
    kv.store().put(Key::from_text("user:1:profile"), NewRecord::new(json, newer)).await?;
    lay(&kv, "user:2:profile", 2, json).await?;
    let users = kv.collection::<UserV2>();
    for id in [1, 2] {
        assert_eq!(users.get(id).await?.map(|user| user.role).as_deref(), Some("admin"));
        users.update(id, |user| user.visits += 1).await?;
    }
    assert_eq!(users.get_many([1, 2]).await?.iter().flatten().count(), 2);
    assert_eq!(users.list().page().await?.entities.len(), 2);
    assert_eq!(told.0.lock().unwrap().len(), 0);
    Ok(())
}

/// The way through a predecessor is one migration, from the record's version to today's.
#[tokio::test]
async fn it_hears_once_of_the_way_through_a_predecessor() -> Outcome {
    let told = Told::default();
    let (kv, _) = memory();
    let kv = kv.with_migration_hook(told.clone());
    let old = kv.collection::<PointV1>();
    old.put_many([PointV1 { id: 1, x: 3, y: -4 }, PointV1 { id: 2, x: -1, y: 0 }]).await?;
    let points = kv.collection::<Point>();
    assert!(points.get(1).await?.is_some() && points.get(2).await.is_err());
    let heard = std::mem::take(&mut *told.0.lock().unwrap());
    assert_eq!(heard, ["Point point:1 1->2 Migrated", "Point point:2 1->2 Failed"]);
    Ok(())
}
