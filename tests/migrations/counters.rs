//! The numbers of census, backfill and write-back: each counts one thing, and the tables show all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use kv_runtime::key::Key;
use kv_runtime::layer::{Fault, FaultStore, Operation};
use kv_runtime::record::Record;
use kv_runtime::store::{
    Batch, Cursor, EntryRef, GetOptions, Limits, ListQuery, MemoryStore, Store, StoreInfo,
};
use kv_runtime::{Clock, Error, Kv, Location, ManualClock, MaybeSend, Result};

use crate::entities::{Device, User, UserV2};
use crate::recorded::Recorded;
use crate::{Outcome, START, lay, memory, shape};

const OLD: &str = r#"{"name":"ada","visits":3}"#;

/// A store in memory, in which keys that end so are damaged.
struct Damaged(MemoryStore, &'static str);

impl Store for Damaged {
    fn info(&self) -> &StoreInfo {
        self.0.info()
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.0.get(key, options).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        self.0.write(batch).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        mut each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        // Pages of two, so that what is counted goes on from page to page.
        let query = query.clone().with_limit(2);
        let each = |key: &str, entry: EntryRef<'_>| {
            let at = || Location::of("damaged", &Key::from_text(key));
            let damaged = || EntryRef::Failed(Error::Malformed { at: at(), what: "it is cut short".into() });
            each(key, if key.ends_with(self.1) { damaged() } else { entry });
        };
        self.0.list(&query, each).await
    }
}

#[tokio::test]
async fn a_census_counts_each_key_once() -> Outcome {
    let kv = Kv::new(Damaged(MemoryStore::new(), "3:config"));
    for (key, version) in [
        ("device:1:state", 1),
        ("device:1:config", 1),
        ("device:2:state", 1),
        ("device:2:config", 2),
        ("device:3:state", 1),
        ("device:3:config", 2),
        ("device:4:state", 7),
        ("device:5:config", 1),
        // None of the entity's keys.
        ("device:06:state", 1),
        ("device:6:other", 1),
        ("device:6", 1),
        // Of another entity.
        ("devices:1:state", 1),
    ] {
        lay(&kv, key, version, "{}").await?;
    }
    let census = kv.collection::<Device>().census().await?;
    let [state, config] = census.groups.as_slice() else { return Err("two groups".into()) };
    assert_eq!((state.name, state.current, state.damaged, state.total()), (Some("state"), 1, 0, 4));
    assert_eq!(state.versions, BTreeMap::from([(1, 3), (7, 1)]));
    assert_eq!((config.name, config.current, config.damaged, config.total()), (Some("config"), 2, 1, 4));
    assert_eq!(config.versions, BTreeMap::from([(1, 2), (2, 1)]));
    // What is newer, and what is damaged, is not behind.
    assert_eq!((census.skipped, census.behind()), (3, 2));
    let table = "\
group             version    records
state                   1          3  current
state                   7          1
config                  1          2
config                  2          1  current
config            damaged          1
(other keys)                       3";
    assert_eq!(census.to_string(), table);
    assert_eq!(config.to_string(), table.lines().skip(3).take(3).collect::<Vec<_>>().join("\n"));
    Ok(())
}

#[tokio::test]
async fn a_census_of_nothing_is_a_table_without_groups() -> Outcome {
    let (kv, _) = memory();
    let census = kv.collection::<Device>().census().await?;
    assert_eq!((census.behind(), census.skipped, census.groups.len()), (0, 0, 2));
    let table = "group             version    records\n(other keys)                       0";
    assert_eq!(census.to_string(), table);
    Ok(())
}

/// Two old records, one current, one too new, one that fails, and a key that is not the entity's.
async fn one_of_each<S: Store>(kv: &Kv<S>) -> Result<()> {
    lay(kv, "user:1:profile", 1, OLD).await?;
    lay(kv, "user:2:profile", 4, r#"{"user_name":"ada","roles":[]}"#).await?;
    lay(kv, "user:3:profile", 9, "{}").await?;
    lay(kv, "user:4:profile", 3, r#"{"user_name":"ada"}"#).await?;
    lay(kv, "user:5:profile", 1, OLD).await?;
    lay(kv, "user:06:profile", 1, OLD).await
}

#[tokio::test]
async fn a_report_and_its_progress_count_alike() -> Outcome {
    let (kv, _) = memory();
    one_of_each(&kv).await?;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watch = Arc::clone(&seen);
    let run = kv.collection::<User>().migrate_all().batch(2).progress(move |it| {
        watch.lock().unwrap().push((it.seen, it.migrated, it.failed, it.cursor.is_some()));
    });
    let report = run.run().await?;
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    // Keys by their order: 06, 1, 2, 3, 4, 5.
    assert_eq!(seen, [(1, 1, 0, true), (3, 1, 0, true), (5, 2, 1, false)]);
    assert_eq!((report.migrated, report.current, report.too_new), (2, 1, 1));
    assert_eq!((report.contended, report.failed, report.skipped), (0, 1, 1));
    let table = "\
run: migrated records were written
migrated              2
current               1
too new               1
contended             0
failed                1
other keys            1
  user:4:profile: User `user:4:profile` in memory: ";
    let shown = report.to_string();
    assert!(shown.starts_with(table), "{shown}");
    assert!(shown.ends_with(": the step from version 3 to 4 failed: there is no role\n"), "{shown}");
    assert_eq!((shown.lines().count(), report.dry_run), (8, false));
    Ok(())
}

#[tokio::test]
async fn a_dry_run_counts_the_same_and_writes_nothing() -> Outcome {
    let kv = Kv::new(Recorded::atomic(Limits::new()));
    one_of_each(&kv).await?;
    let report = kv.collection::<User>().migrate_all().batch(2).dry_run().run().await?;
    assert_eq!((report.migrated, report.current, report.too_new), (2, 1, 1));
    assert_eq!((report.contended, report.failed, report.skipped), (0, 1, 1));
    assert_eq!(report.failures[0].key, "user:4:profile");
    assert!(report.dry_run && report.to_string().starts_with("dry run: nothing was written\n"));
    assert_eq!(shape(&kv, "user:1:profile").await?, (1, OLD.to_owned()));
    for operation in [Operation::Commit, Operation::PutMany] {
        let again = kv.collection::<User>().migrate_all().dry_run().run().await?;
        assert_eq!((again.migrated, kv.store().keys_of(operation).len()), (2, 0));
    }
    Ok(())
}

/// All failures are counted, and the first thousand are kept, whichever batch they are of.
#[tokio::test]
async fn a_report_keeps_a_thousand_failures() -> Outcome {
    for (batch, failing) in [(4_000, 1_001), (300, 1_001), (300, 1_000)] {
        let (kv, _) = memory();
        for id in 0..failing {
            lay(&kv, &format!("user:{id}:profile"), 3, r#"{"user_name":"ada"}"#).await?;
        }
        let report = kv.collection::<User>().migrate_all().batch(batch).run().await?;
        assert_eq!((report.failed, report.failures.len()), (failing, 1_000));
        assert_eq!(report.failures[0].key, "user:0:profile");
        let mut keys: Vec<_> = report.failures.iter().map(|failed| &failed.key).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 1_000);
    }
    Ok(())
}

#[tokio::test]
async fn each_end_of_a_write_back_is_counted() -> Outcome {
    let clock = ManualClock::new(START);
    let store = FaultStore::new(MemoryStore::with_clock(Clock::from(&clock)));
    let kv = Kv::new(store).with_write_back_rate(1);
    let users = kv.collection::<UserV2>();
    let counts = || {
        let stats = kv.write_back_stats();
        (stats.written, stats.lost, stats.failed, stats.deferred)
    };
    for id in 1..=4 {
        lay(&kv, &format!("user:{id}:profile"), 1, OLD).await?;
    }
    assert_eq!(counts(), (0, 0, 0, 0));
    users.get(1).await?;
    assert_eq!(counts(), (1, 0, 0, 0));
    // One a second.
    users.get(2).await?;
    assert_eq!(counts(), (1, 0, 0, 1));
    clock.advance(std::time::Duration::from_secs(1));
    kv.store().faults().add(Fault::fail_for_good().on(&[Operation::Commit]).times(1));
    assert!(users.get(2).await?.is_some());
    assert_eq!(counts(), (1, 0, 1, 1));
    // What is current is not written back, and a list writes nothing.
    clock.advance(std::time::Duration::from_secs(1));
    users.get(1).await?;
    users.list().page().await?;
    assert_eq!(counts(), (1, 0, 1, 1));
    Ok(())
}
