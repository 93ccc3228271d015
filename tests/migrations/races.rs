//! Other writers change records between a backfill's read and its commit. None of their changes is
//! lost, and each record is counted once, on stores with and without atomic batches.

use std::time::Duration;

use kv_runtime::KvEntity;
use kv_runtime::index::StoredIn;
use kv_runtime::key::Key;
use kv_runtime::layer::{Fault, FaultStore, Gate, ObservedStore, Operation};
use kv_runtime::migrate::MigrationReport;
use kv_runtime::record::{Expiry, Metadata, NewRecord};
use kv_runtime::store::{Capabilities, MemoryStore, Sharing, Store, StoreExt, Write};
use kv_runtime::{Clock, Codec, Kv, ManualClock, Timestamp};

use crate::entities::UserV2;
use crate::{Outcome, START, lay, shape};

const OLD: &str = r#"{"name":"ada","visits":3}"#;
const MIGRATED: &str = r#"{"name":"ada","visits":3,"role":"guest"}"#;
/// The record that others write, between two that nobody does.
const MET: &str = "user:2:profile";
const HOUR: Duration = Duration::from_secs(3_600);

type Watched = ObservedStore<FaultStore<MemoryStore>>;

/// How a store commits what a backfill has prepared.
#[derive(Clone, Copy)]
enum Batches {
    Atomic,
    OneByOne,
}

/// A store of three users, as old code wrote them.
async fn three_old(batches: Batches) -> Result<Kv<Watched>, Box<dyn std::error::Error>> {
    let kv = store(batches);
    for id in 1..=3 {
        lay_old(&kv, &format!("user:{id}:profile"), OLD).await?;
    }
    Ok(kv)
}

fn store(batches: Batches) -> Kv<Watched> {
    let clock = ManualClock::new(START);
    let store = FaultStore::new(MemoryStore::with_clock(Clock::from(&clock)));
    let store = match batches {
        Batches::Atomic => store,
        Batches::OneByOne => {
            store.pretending(Capabilities::new(Sharing::Exclusive).compare_and_swap().ordered())
        }
    };
    Kv::new(ObservedStore::new(store))
}

/// The store without its gates, as other programs use it.
fn others(kv: &Kv<Watched>) -> &MemoryStore {
    kv.store().inner().inner()
}

async fn lay_old(kv: &Kv<Watched>, key: &str, json: &str) -> kv_runtime::Result<()> {
    let record = NewRecord::new(json.to_owned(), Metadata::new(1, Codec::Json));
    others(kv).put(Key::from_text(key), record.with_expiry(Expiry::After(HOUR / 60))).await
}

async fn expiry(kv: &Kv<Watched>, key: &str) -> kv_runtime::Result<Option<Timestamp>> {
    Ok(others(kv).head(&Key::from_text(key)).await?.and_then(|head| head.expires_at))
}

/// Runs a backfill that is stopped before its first commit, until `others` have written.
async fn met<E: KvEntity + StoredIn<Watched>>(
    kv: &Kv<Watched>,
    others: impl Future<Output = kv_runtime::Result<()>>,
) -> Result<MigrationReport, Box<dyn std::error::Error>> {
    let gate = Gate::new();
    kv.store().inner().faults().add(Fault::hold(&gate).on(&[Operation::Commit]));
    let script = async {
        gate.arrived().await;
        let written = others.await;
        gate.open();
        written
    };
    let (report, written) = tokio::join!(kv.collection::<E>().migrate_all().run(), script);
    written?;
    Ok(report?)
}

/// Migrated, current, too new, contended, failed.
fn counts(report: &MigrationReport) -> [u64; 5] {
    let MigrationReport { migrated, current, too_new, contended, failed, .. } = *report;
    [migrated, current, too_new, contended, failed]
}

/// The neighbours of the record that others write.
async fn neighbours_are_migrated(kv: &Kv<Watched>) -> Outcome {
    for key in ["user:1:profile", "user:3:profile"] {
        assert_eq!(shape(kv, key).await?, (2, MIGRATED.to_owned()));
        assert_eq!(expiry(kv, key).await?, Some(START.saturating_add(HOUR / 60)));
    }
    Ok(())
}

async fn a_touch_is_kept(batches: Batches) -> Outcome {
    let kv = three_old(batches).await?;
    let touch = async {
        let touch = Write::Touch(Key::from_text(MET), Expiry::After(HOUR));
        others(&kv).commit(Vec::new(), touch.into()).await.map(|_| ())
    };
    let report = met::<UserV2>(&kv, touch).await?;
    assert_eq!(counts(&report), [3, 0, 0, 0, 0]);
    assert_eq!(shape(&kv, MET).await?, (2, MIGRATED.to_owned()));
    assert_eq!(expiry(&kv, MET).await?, Some(START.saturating_add(HOUR)));
    neighbours_are_migrated(&kv).await
}

async fn what_became_unreadable_is_reported(batches: Batches) -> Outcome {
    let kv = three_old(batches).await?;
    let report = met::<UserV2>(&kv, lay_old(&kv, MET, r#"{"name":7}"#)).await?;
    assert_eq!(counts(&report), [2, 0, 0, 0, 1]);
    assert_eq!(report.failures[0].key, MET);
    assert_eq!(shape(&kv, MET).await?, (1, r#"{"name":7}"#.to_owned()));
    neighbours_are_migrated(&kv).await
}

async fn what_only_newer_code_reads_is_too_new(batches: Batches) -> Outcome {
    let kv = three_old(batches).await?;
    let newer = NewRecord::new("{}", Metadata::new(9, Codec::Json));
    let report = met::<UserV2>(&kv, others(&kv).put(Key::from_text(MET), newer)).await?;
    assert_eq!(counts(&report), [2, 0, 1, 0, 0]);
    assert_eq!(shape(&kv, MET).await?, (9, "{}".to_owned()));
    neighbours_are_migrated(&kv).await
}

async fn what_was_deleted_stays_so(batches: Batches) -> Outcome {
    let kv = three_old(batches).await?;
    let report = met::<UserV2>(&kv, others(&kv).delete(Key::from_text(MET))).await?;
    assert_eq!(counts(&report), [2, 0, 0, 0, 0]);
    assert_eq!(others(&kv).read(&Key::from_text(MET)).await?.map(|record| record.value), None);
    neighbours_are_migrated(&kv).await
}

async fn what_old_code_wrote_again_is_migrated_as_it_is_now(batches: Batches) -> Outcome {
    let kv = three_old(batches).await?;
    let report = met::<UserV2>(&kv, lay_old(&kv, MET, r#"{"name":"bea","visits":4}"#)).await?;
    assert_eq!(counts(&report), [3, 0, 0, 0, 0]);
    assert_eq!(shape(&kv, MET).await?, (2, r#"{"name":"bea","visits":4,"role":"guest"}"#.to_owned()));
    neighbours_are_migrated(&kv).await?;
    // The others of its batch are committed again without it, and it is committed by itself.
    let stats = kv.store().stats();
    let commits = stats.of(Operation::Commit);
    let expected = match batches {
        Batches::Atomic => (2, 2),
        Batches::OneByOne => (3, 1),
    };
    assert_eq!((commits.done, commits.conflicts), expected);
    Ok(())
}

async fn what_new_code_brought_up_is_current(batches: Batches) -> Outcome {
    let kv = three_old(batches).await?;
    let json = r#"{"name":"bea","visits":4,"role":"admin"}"#;
    let brought_up = NewRecord::new(json, Metadata::new(2, Codec::Json));
    let report = met::<UserV2>(&kv, others(&kv).put(Key::from_text(MET), brought_up)).await?;
    assert_eq!(counts(&report), [2, 1, 0, 0, 0]);
    assert_eq!(shape(&kv, MET).await?, (2, json.to_owned()));
    neighbours_are_migrated(&kv).await
}

/// A record that old code writes before each commit is left to the next run.
async fn what_is_written_all_the_time_is_contended(batches: Batches) -> Outcome {
    let kv = three_old(batches).await?;
    let gate = Gate::new();
    kv.store().inner().faults().add(Fault::hold(&gate).on(&[Operation::Commit]).within(MET));
    let writes = async {
        loop {
            gate.arrived().await;
            lay_old(&kv, MET, OLD).await?;
            gate.let_one_pass();
        }
    };
    let users = kv.collection::<UserV2>();
    let report = tokio::select! {
        report = users.migrate_all().run() => report?,
        failed = writes => return failed,
    };
    assert_eq!(counts(&report), [2, 0, 0, 1, 0]);
    assert_eq!(shape(&kv, MET).await?, (1, OLD.to_owned()));
    neighbours_are_migrated(&kv).await
}

/// Two groups that both have changed.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[expect(clippy::duplicated_attributes, reason = "two groups may be alike")]
#[kv(prefix = "pair", group(name = "left", version = 2))]
#[kv(group(name = "right", version = 2))]
struct Pair {
    #[kv(id)]
    id: u64,
    #[kv(group = "left", renamed(from = "l", since = 2))]
    left: u64,
    #[kv(group = "right", renamed(from = "r", since = 2))]
    right: u64,
}

/// Each group of an entity is counted once, however often the entity is looked at.
async fn each_group_is_counted_once(batches: Batches) -> Outcome {
    let pairs = async || {
        let kv = store(batches);
        for id in 1..=3 {
            lay(&kv, &format!("pair:{id}:left"), 1, r#"{"l":1}"#).await?;
            lay(&kv, &format!("pair:{id}:right"), 1, r#"{"r":1}"#).await?;
        }
        Ok::<_, kv_runtime::Error>(kv)
    };
    let put = |kv: &Kv<Watched>, key: &str, version, json: &str| {
        let record = NewRecord::new(json.to_owned(), Metadata::new(version, Codec::Json));
        let (store, key) = (others(kv).clone(), Key::from_text(key));
        async move { store.put(key, record).await }
    };
    // Of the second of three entities one group is brought up meanwhile.
    let kv = pairs().await?;
    let report = met::<Pair>(&kv, put(&kv, "pair:2:right", 2, r#"{"right":7}"#)).await?;
    assert_eq!(counts(&report), [5, 1, 0, 0, 0]);
    assert_eq!(kv.collection().get(2).await?, Some(Pair { id: 2, left: 1, right: 7 }));
    // One is current from the start, and the other is written again by old code.
    let kv = pairs().await?;
    put(&kv, "pair:2:left", 2, r#"{"left":5}"#).await?;
    let report = met::<Pair>(&kv, put(&kv, "pair:2:right", 1, r#"{"r":7}"#)).await?;
    assert_eq!(counts(&report), [5, 1, 0, 0, 0]);
    assert_eq!(kv.collection().get(2).await?, Some(Pair { id: 2, left: 5, right: 7 }));
    for id in [1, 3] {
        assert_eq!(kv.collection().get(id).await?, Some(Pair { id, left: 1, right: 1 }));
    }
    // A group that is gone makes the entity unreadable, and the rest of it stays as it is.
    let kv = pairs().await?;
    let gone = others(&kv).delete(Key::from_text("pair:2:right"));
    let report = met::<Pair>(&kv, gone).await?;
    assert_eq!(counts(&report), [4, 0, 0, 0, 1]);
    assert_eq!(shape(&kv, "pair:2:left").await?, (1, r#"{"l":1}"#.to_owned()));
    Ok(())
}

/// Nothing reads a record whose version is none.
#[tokio::test]
async fn what_lost_its_version_is_reported() -> Outcome {
    #[derive(KvEntity)]
    #[kv(prefix = "doc", plain, version = 2, version_in = "v")]
    struct Doc {
        #[kv(id)]
        id: u64,
        #[kv(renamed(from = "name", since = 2))]
        title: String,
    }

    let kv = store(Batches::Atomic);
    let lay = |id: u64, json: &'static str| {
        others(&kv).put(Key::from_text(format!("doc:{id}")), NewRecord::plain(json))
    };
    for id in 1..=3 {
        lay(id, r#"{"name":"a","v":1}"#).await?;
    }
    let report = met::<Doc>(&kv, lay(2, r#"{"name":"a","v":"?"}"#)).await?;
    assert_eq!(counts(&report), [2, 0, 0, 0, 1]);
    assert_eq!(report.failures[0].key, "doc:2");
    assert_eq!(
        kv.collection::<Doc>().get(3).await?.map(|doc| (doc.id, doc.title)),
        Some((3, "a".to_owned()))
    );
    Ok(())
}

macro_rules! with_both_kinds_of_batches {
    ($($race:ident),+ $(,)?) => {
        mod committed_at_once {
            $(#[tokio::test]
            async fn $race() -> crate::Outcome {
                super::$race(super::Batches::Atomic).await
            })+
        }

        mod committed_one_by_one {
            $(#[tokio::test]
            async fn $race() -> crate::Outcome {
                super::$race(super::Batches::OneByOne).await
            })+
        }
    };
}

with_both_kinds_of_batches!(
    a_touch_is_kept,
    what_became_unreadable_is_reported,
    what_only_newer_code_reads_is_too_new,
    what_was_deleted_stays_so,
    what_old_code_wrote_again_is_migrated_as_it_is_now,
    what_new_code_brought_up_is_current,
    what_is_written_all_the_time_is_contended,
    each_group_is_counted_once,
);
