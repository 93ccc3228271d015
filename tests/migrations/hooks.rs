//! The hook is told of every migration, and may refuse it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kv_runtime::migrate::{Migration, MigrationHook, MigrationOutcome};
use kv_runtime::{BoxError, Error};

use crate::entities::User;
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
