//! A backfill's commits are as large as the store's limits allow, to the record and the byte.

use kv_runtime::key::Key;
use kv_runtime::layer::Operation;
use kv_runtime::store::{Limits, StoreExt};
use kv_runtime::{Kv, KvEntity};

use crate::entities::UserV2;
use crate::recorded::Recorded;
use crate::{Outcome, lay};

const OLD: &str = r#"{"name":"ada","visits":3}"#;
/// A key and the value that it gets.
const BYTES: usize = "user:1:profile".len() + r#"{"name":"ada","visits":3,"role":"guest"}"#.len();

/// How many records each commit has, of a backfill of this many users.
async fn commits(store: Recorded, users: u64) -> Result<Vec<usize>, Box<dyn std::error::Error>> {
    let kv = Kv::new(store);
    for id in 0..users {
        lay(&kv, &format!("user:{id}:profile"), 1, OLD).await?;
    }
    let report = kv.collection::<UserV2>().migrate_all().run().await?;
    assert_eq!(report.migrated, users);
    Ok(kv.store().sizes_of(Operation::Commit))
}

#[tokio::test]
async fn a_commit_has_as_many_records_as_the_store_takes() -> Outcome {
    let limits = Limits::new().batches(100, 4);
    assert_eq!(commits(Recorded::atomic(limits), 3).await?, [3]);
    assert_eq!(commits(Recorded::atomic(limits), 4).await?, [4]);
    assert_eq!(commits(Recorded::atomic(limits), 5).await?, [4, 1]);
    assert_eq!(commits(Recorded::atomic(limits), 9).await?, [4, 4, 1]);
    Ok(())
}

#[tokio::test]
async fn a_commit_has_as_many_bytes_as_the_store_takes() -> Outcome {
    let limits = |bytes| Limits::new().batch_write_bytes(bytes);
    assert_eq!(commits(Recorded::atomic(limits(2 * BYTES)), 4).await?, [2, 2]);
    assert_eq!(commits(Recorded::atomic(limits(3 * BYTES - 1)), 4).await?, [2, 2]);
    assert_eq!(commits(Recorded::atomic(limits(3 * BYTES)), 4).await?, [3, 1]);
    // An entity that is larger than the limit is a commit by itself.
    assert_eq!(commits(Recorded::atomic(limits(1)), 3).await?, [1, 1, 1]);
    Ok(())
}

/// Each record is a condition and a write.
#[tokio::test]
async fn a_commit_has_as_many_conditions_and_writes_as_the_store_takes() -> Outcome {
    let limits = |parts, bytes| Limits::new().commits(parts, bytes);
    assert_eq!(commits(Recorded::atomic(limits(4, 9 * BYTES)), 5).await?, [2, 2, 1]);
    assert_eq!(commits(Recorded::atomic(limits(5, 9 * BYTES)), 4).await?, [2, 2]);
    assert_eq!(commits(Recorded::atomic(limits(6, 9 * BYTES)), 4).await?, [3, 1]);
    assert_eq!(commits(Recorded::atomic(limits(1, 9 * BYTES)), 3).await?, [1; 3]);
    assert_eq!(commits(Recorded::atomic(limits(100, 3 * BYTES - 1)), 4).await?, [2, 2]);
    Ok(())
}

#[tokio::test]
async fn without_atomic_batches_each_entity_is_a_commit() -> Outcome {
    assert_eq!(commits(Recorded::one_by_one(Limits::new()), 5).await?, [1; 5]);
    Ok(())
}

/// Two groups that both have changed.
#[derive(KvEntity, Debug)]
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

#[tokio::test]
async fn the_groups_of_an_entity_are_in_one_commit() -> Outcome {
    for (limits, expected) in [
        (Limits::new().batches(100, 5), [4, 4].as_slice()),
        (Limits::new().batches(100, 6), &[6, 2]),
        (Limits::new().batches(100, 1), &[2, 2, 2, 2]),
        // Read in batches of as many whole entities.
        (Limits::new().batches(3, 100), &[8]),
    ] {
        for store in [Recorded::atomic(limits), Recorded::one_by_one(limits)] {
            let is_atomic = store.capabilities().atomic_batches;
            let kv = Kv::new(store);
            for id in 0..4 {
                lay(&kv, &format!("pair:{id}:left"), 1, r#"{"l":1}"#).await?;
                lay(&kv, &format!("pair:{id}:right"), 1, r#"{"r":1}"#).await?;
            }
            assert_eq!(kv.collection::<Pair>().migrate_all().run().await?.migrated, 8);
            let commits = kv.store().sizes_of(Operation::Commit);
            assert_eq!(commits, if is_atomic { expected } else { &[2; 4] });
        }
    }
    Ok(())
}

/// A page is not larger than was asked for, and current entities are part of it.
#[tokio::test]
async fn a_batch_is_one_page() -> Outcome {
    let kv = Kv::new(Recorded::atomic(Limits::new()));
    for id in 0..7 {
        lay(&kv, &format!("user:{id}:profile"), if id == 1 { 2 } else { 1 }, OLD_AND_NEW).await?;
    }
    let report = kv.collection::<UserV2>().migrate_all().batch(3).run().await?;
    assert_eq!((report.migrated, report.current), (6, 1));
    let keys = |ids: &[u64]| ids.iter().map(|id| format!("user:{id}:profile")).collect::<Vec<_>>();
    assert_eq!(kv.store().keys_of(Operation::Commit), [keys(&[0, 2]), keys(&[3, 4, 5]), keys(&[6])]);
    assert!(kv.store().read(&Key::from_text("user:6:profile")).await?.is_some());
    Ok(())
}

/// What both versions read.
const OLD_AND_NEW: &str = r#"{"name":"ada","visits":3,"role":"guest"}"#;
