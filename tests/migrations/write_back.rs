//! What was migrated on read is written back where that hurts nobody, and the read never fails for
//! it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::migrate::WriteBack;
use kv_runtime::record::{Expiry, Metadata, NewRecord, Record};
use kv_runtime::store::{
    AtomicStore, Batch, Capabilities, Commit, Condition, Cursor, EntryRef, GetOptions, Limits, ListQuery,
    MemoryStore, Sharing, Store, StoreExt, StoreInfo, Write,
};
use kv_runtime::{Codec, Error, Kv, MaybeSend, Result, Timestamp};

use crate::entities::{CautiousUser, User, UserV2};
use crate::{Outcome, START, lay, lying, memory, shape};

const OLD: &str = r#"{"name":"ada","visits":3}"#;

#[tokio::test]
async fn ttl_and_foreign_metadata_stay() -> Outcome {
    let (kv, clock) = memory();
    let mut metadata = Metadata::new(1, Codec::Json).with_created_at(Some(Timestamp::from_millis(5)));
    metadata.set_foreign("owner", "somebody".into())?;
    let record = NewRecord::new(OLD, metadata).with_expiry(Expiry::After(Duration::from_secs(60)));
    kv.store().put(Key::from_text("user:1:profile"), record).await?;
    clock.advance(Duration::from_secs(20));
    kv.collection::<User>().get(1).await?;
    let record = lying(&kv, "user:1:profile").await?;
    // The order of the members depends on serde_json's features.
    let migrated_at = START.as_millis() + 20_000;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&record.metadata.to_json())?,
        serde_json::json!({ "createdAt": 5, "migratedAt": migrated_at, "owner": "somebody", "version": 4 })
    );
    assert_eq!(record.expires_at, Some(START.saturating_add(Duration::from_secs(60))));
    assert_eq!(&*record.value, br#"{"user_name":"ada","roles":["guest"]}"#);
    assert_eq!(kv.write_back_stats().written, 1);
    // The second read finds it current.
    kv.collection::<User>().get(1).await?;
    assert_eq!(kv.write_back_stats().written, 1);
    Ok(())
}

#[tokio::test]
async fn an_update_migrates_and_keeps_the_rest() -> Outcome {
    let (kv, _) = memory();
    lay(&kv, "user:1:profile", 1, OLD).await?;
    let user = kv.collection::<User>().update(1, |user| user.roles.push("admin".to_owned())).await?;
    assert_eq!(user.roles, ["guest", "admin"]);
    assert_eq!(
        shape(&kv, "user:1:profile").await?,
        (4, r#"{"user_name":"ada","roles":["guest","admin"]}"#.to_owned())
    );
    assert_eq!(lying(&kv, "user:1:profile").await?.metadata.migrated_at, Some(START));
    // Nothing to change is still a migration.
    lay(&kv, "user:2:profile", 1, OLD).await?;
    kv.collection::<User>().update(2, |_| ()).await?;
    assert_eq!(shape(&kv, "user:2:profile").await?.0, 4);
    Ok(())
}

/// An update keeps the moment at which the record was migrated.
#[tokio::test]
async fn an_update_keeps_when_it_was_migrated() -> Outcome {
    let (kv, clock) = memory();
    lay(&kv, "user:1:profile", 1, OLD).await?;
    let users = kv.collection::<User>();
    users.get(1).await?;
    clock.advance(Duration::from_secs(20));
    users.update(1, |user| user.roles.push("admin".to_owned())).await?;
    assert_eq!(lying(&kv, "user:1:profile").await?.metadata.migrated_at, Some(START));
    users.update_last_write_wins(1, |user| user.roles.clear()).await?;
    assert_eq!(lying(&kv, "user:1:profile").await?.metadata.migrated_at, Some(START));
    // A record that was never migrated has no such moment, and neither has one that `put` replaced.
    users.insert(&User { id: 2, user_name: "bea".to_owned(), roles: Vec::new() }).await?;
    users.update(2, |user| user.roles.push("admin".to_owned())).await?;
    assert_eq!(lying(&kv, "user:2:profile").await?.metadata.migrated_at, None);
    users.put(&User { id: 1, user_name: "ada".to_owned(), roles: Vec::new() }).await?;
    assert_eq!(lying(&kv, "user:1:profile").await?.metadata.migrated_at, None);
    Ok(())
}

#[tokio::test]
async fn the_target_is_the_version_that_is_written() -> Outcome {
    let (kv, _) = memory();
    lay(&kv, "user:1:profile", 1, OLD).await?;
    let users = kv.collection::<CautiousUser>();
    assert_eq!(users.get(1).await?.map(|user| user.user_name).as_deref(), Some("ada"));
    assert_eq!(
        shape(&kv, "user:1:profile").await?,
        (2, r#"{"name":"ada","visits":3,"role":"guest"}"#.to_owned())
    );
    Ok(())
}

#[tokio::test]
async fn a_rate_leaves_the_others_to_later_reads() -> Outcome {
    let (kv, clock) = memory();
    let kv = kv.with_write_back_rate(2);
    for id in 0..5 {
        lay(&kv, &format!("user:{id}:profile"), 1, OLD).await?;
    }
    kv.collection::<User>().get_many(0..5).await?;
    assert_eq!((kv.write_back_stats().written, kv.write_back_stats().deferred), (2, 3));
    clock.advance(Duration::from_secs(1));
    kv.collection::<User>().get_many(0..5).await?;
    assert_eq!((kv.write_back_stats().written, kv.write_back_stats().deferred), (4, 4));
    Ok(())
}

#[tokio::test]
async fn a_spawner_takes_it_off_the_read() -> Outcome {
    let queued = Arc::new(Mutex::new(Vec::new()));
    let queue = Arc::clone(&queued);
    let (kv, _) = memory();
    let kv = kv.with_write_back_spawner(move |write_back| queue.lock().unwrap().push(write_back));
    lay(&kv, "user:1:profile", 1, OLD).await?;
    kv.collection::<User>().get(1).await?;
    assert_eq!(shape(&kv, "user:1:profile").await?.0, 1);
    // Somebody writes before it runs: the race is lost quietly.
    lay(&kv, "user:2:profile", 1, OLD).await?;
    kv.collection::<User>().get(2).await?;
    kv.collection::<User>().delete(2).await?;
    let write_backs = std::mem::take(&mut *queued.lock().unwrap());
    for write_back in write_backs {
        write_back.await;
    }
    assert_eq!(shape(&kv, "user:1:profile").await?.0, 4);
    assert!(!kv.collection::<User>().exists(2).await?);
    let stats = kv.write_back_stats();
    assert_eq!((stats.written, stats.lost, stats.failed), (1, 1, 0));
    Ok(())
}

#[tokio::test]
async fn a_spawner_that_panics_fails_no_read() -> Outcome {
    let (kv, _) = memory();
    let kv = kv.with_write_back_spawner(|_| panic!("there is no runtime"));
    lay(&kv, "user:1:profile", 1, OLD).await?;
    assert!(kv.collection::<User>().get(1).await?.is_some());
    assert_eq!(shape(&kv, "user:1:profile").await?.0, 1);
    assert_eq!((kv.write_back_stats().written, kv.write_back_stats().failed), (0, 1));
    Ok(())
}

/// A memory store that says it is another kind, and may refuse to write.
struct Posing {
    store: MemoryStore,
    info: StoreInfo,
    refuses: bool,
}

impl Posing {
    fn new(capabilities: Capabilities) -> Self {
        Self { store: MemoryStore::new(), info: StoreInfo::new("posing", capabilities), refuses: false }
    }
}

impl Store for Posing {
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
        if self.refuses {
            let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(Error::store(self.info.at(batch.first().map(Write::key)), "write", false, full));
        }
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

impl AtomicStore for Posing {}

#[tokio::test]
async fn the_default_follows_what_can_hurt() -> Outcome {
    let exclusive = Capabilities::new(Sharing::Exclusive).compare_and_swap();
    let shared = Capabilities::new(Sharing::Shared).compare_and_swap();
    let eventual = Capabilities::new(Sharing::Eventual);
    // Code of version 1 reads version 2, as a member was added; it does not read version 4.
    for (capabilities, policy, additive, breaking) in [
        (exclusive, WriteBack::Safe, 2, 4),
        (shared, WriteBack::Safe, 2, 1),
        (eventual, WriteBack::Safe, 1, 1),
        (shared, WriteBack::Always, 2, 4),
        (shared, WriteBack::Never, 1, 1),
        (eventual, WriteBack::Always, 1, 1),
        (eventual, WriteBack::MayResurrect, 2, 4),
    ] {
        let kv = Kv::new(Posing::new(capabilities.limits(Limits::new()))).with_write_back(policy);
        lay(&kv, "user:1:profile", 1, OLD).await?;
        lay(&kv, "user:2:profile", 1, OLD).await?;
        kv.collection::<UserV2>().get(1).await?;
        kv.collection::<User>().get(2).await?;
        let versions = (shape(&kv, "user:1:profile").await?.0, shape(&kv, "user:2:profile").await?.0);
        assert_eq!(versions, (additive, breaking), "{policy:?} on {capabilities:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_failed_write_back_is_counted_and_the_read_succeeds() -> Outcome {
    let capabilities = Capabilities::new(Sharing::Exclusive).compare_and_swap();
    let kv = Kv::new(Posing { refuses: true, ..Posing::new(capabilities) });
    lay(&kv, "user:1:profile", 1, OLD).await?;
    assert!(kv.collection::<User>().get(1).await?.is_some());
    assert_eq!((kv.write_back_stats().failed, shape(&kv, "user:1:profile").await?.0), (1, 1));
    // A value that outgrows the store's limit in its new shape is left as it is, too.
    let kv = Kv::new(Posing::new(capabilities.limits(Limits::new().value(30))));
    lay(&kv, "user:1:profile", 1, OLD).await?;
    assert!(kv.collection::<User>().get(1).await?.is_some());
    assert_eq!((kv.write_back_stats().failed, shape(&kv, "user:1:profile").await?.0), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_record_that_grows_too_long_is_reported_by_a_backfill_and_stays() -> Outcome {
    let capabilities = Capabilities::new(Sharing::Exclusive).compare_and_swap();
    let kv = Kv::new(Posing::new(capabilities.limits(Limits::new().value(38))));
    let long = OLD.replace("ada", "ada lovelace");
    lay(&kv, "user:1:profile", 1, OLD).await?;
    lay(&kv, "user:2:profile", 1, &long).await?;
    let report = kv.collection::<User>().migrate_all().run().await?;
    assert_eq!((report.migrated, report.failed), (1, 1));
    assert_eq!(report.failures[0].key, "user:2:profile");
    assert!(matches!(report.failures[0].error, Error::ValueTooLong { max: 38, .. }), "{report}");
    assert!(report.to_string().contains("the store takes 38"), "{report}");
    assert_eq!(shape(&kv, "user:2:profile").await?, (1, long));
    Ok(())
}
