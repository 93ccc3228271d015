//! Batches are as large as the store's limits allow, to the record and the byte, and hold whole
//! entities.

use kv_runtime::Kv;
use kv_runtime::layer::Operation;
use kv_runtime::store::Limits;

use crate::Outcome;
use crate::entities::{Counter, User};
use crate::recorded::Recorded;

fn counters(number: u64) -> impl Iterator<Item = Counter> {
    (0..number).map(|count| Counter { name: format!("{count:02}"), count })
}

/// Key and value of one counter.
const BYTES: usize = "counter:00".len() + r#"{"count":0}"#.len();

/// Sizes of batches of one kind of call: what is put, read and deleted, of so many counters.
async fn sizes(limits: Limits, number: u64) -> Result<[Vec<usize>; 3], Box<dyn std::error::Error>> {
    let kv = Kv::new(Recorded::atomic(limits));
    let all = kv.collection::<Counter>();
    let names = || counters(number).map(|counter| counter.name);
    all.put_many(counters(number)).await?;
    let put = kv.store().sizes_of(Operation::PutMany);
    let found = all.get_many(names()).await?;
    assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), counters(number).collect::<Vec<_>>());
    let read = kv.store().sizes_of(Operation::GetMany);
    all.delete_many(names()).await?;
    let deleted = kv.store().sizes_of(Operation::DeleteMany);
    assert_eq!(all.list().ids().page().await?.ids.len(), 0);
    Ok([put, read, deleted])
}

#[tokio::test]
async fn a_batch_has_as_many_records_as_the_store_takes() -> Outcome {
    let limits = Limits::new().batches(3, 4);
    assert_eq!(sizes(limits, 3).await?, [vec![3], vec![3], vec![3]]);
    assert_eq!(sizes(limits, 4).await?, [vec![4], vec![3, 1], vec![4]]);
    assert_eq!(sizes(limits, 5).await?, [vec![4, 1], vec![3, 2], vec![4, 1]]);
    assert_eq!(sizes(limits, 9).await?, [vec![4, 4, 1], vec![3, 3, 3], vec![4, 4, 1]]);
    Ok(())
}

#[tokio::test]
async fn a_batch_has_as_many_bytes_as_the_store_takes() -> Outcome {
    let put = async |bytes| Ok::<_, Box<dyn std::error::Error>>(sizes(bytes, 4).await?[0].clone());
    let limits = |bytes| Limits::new().batch_write_bytes(bytes);
    assert_eq!(put(limits(2 * BYTES)).await?, [2, 2]);
    assert_eq!(put(limits(3 * BYTES - 1)).await?, [2, 2]);
    assert_eq!(put(limits(3 * BYTES)).await?, [3, 1]);
    assert_eq!(put(limits(4 * BYTES)).await?, [4]);
    // An entity that is larger than the limit is a batch by itself.
    assert_eq!(put(limits(1)).await?, [1; 4]);
    Ok(())
}

/// A user has three groups.
#[tokio::test]
async fn a_batch_has_whole_entities() -> Outcome {
    for (read, write, reads, writes) in [
        (1, 1, [3, 3, 3, 3].as_slice(), [3, 3, 3, 3].as_slice()),
        (5, 6, &[3, 3, 3, 3], &[6, 6]),
        (6, 8, &[6, 6], &[6, 6]),
        (11, 11, &[9, 3], &[9, 3]),
        (12, 12, &[12], &[12]),
    ] {
        let kv = Kv::new(Recorded::atomic(Limits::new().batches(read, write)));
        let users = kv.collection::<User>();
        users.put_many((0..4).map(User::new)).await?;
        assert_eq!(kv.store().sizes_of(Operation::PutMany), writes);
        let found = users.get_many(0..4).await?;
        assert_eq!(
            found.into_iter().flatten().collect::<Vec<_>>(),
            (0..4).map(User::new).collect::<Vec<_>>()
        );
        assert_eq!(kv.store().sizes_of(Operation::GetMany), reads);
        // A page of a list reads each group once, in batches that are no larger.
        assert_eq!(users.list().page().await?.entities.len(), 4);
        let listed = kv.store().sizes_of(Operation::GetMany);
        assert!(listed.iter().all(|size| size % 3 == 0 && *size <= reads[0]), "{listed:?}");
        assert_eq!(listed.iter().sum::<usize>(), 12);
        users.delete_many(0..4).await?;
        assert_eq!(kv.store().sizes_of(Operation::DeleteMany), writes);
        assert!(users.list().ids().page().await?.ids.is_empty());
    }
    Ok(())
}

/// Where batches are not atomic, anchors are written last and deleted first, so that no part of an
/// entity shows without the rest.
#[tokio::test]
async fn anchors_are_written_last_and_deleted_first() -> Outcome {
    let kv = Kv::new(Recorded::one_by_one(Limits::new().batches(100, 6)));
    let users = kv.collection::<User>();
    let keys = |ids: [u64; 2], groups: &[&str]| -> Vec<String> {
        ids.iter().flat_map(|id| groups.iter().map(move |group| format!("user:{id}:{group}"))).collect()
    };
    users.put_many((0..4).map(User::new)).await?;
    let expected = [
        keys([0, 1], &["settings", "limits"]),
        keys([0, 1], &["profile"]),
        keys([2, 3], &["settings", "limits"]),
        keys([2, 3], &["profile"]),
    ];
    assert_eq!(kv.store().keys_of(Operation::PutMany), expected);
    users.delete_many(0..4).await?;
    let expected = [
        keys([0, 1], &["profile"]),
        keys([0, 1], &["limits", "settings"]),
        keys([2, 3], &["profile"]),
        keys([2, 3], &["limits", "settings"]),
    ];
    assert_eq!(kv.store().keys_of(Operation::DeleteMany), expected);
    users.put(&User::new(1)).await?;
    let expected =
        [vec!["user:1:settings".to_owned(), "user:1:limits".to_owned()], vec!["user:1:profile".to_owned()]];
    assert_eq!(kv.store().keys_of(Operation::PutMany), expected);
    users.delete(1).await?;
    let expected =
        [vec!["user:1:profile".to_owned()], vec!["user:1:limits".to_owned(), "user:1:settings".to_owned()]];
    assert_eq!(kv.store().keys_of(Operation::DeleteMany), expected);
    Ok(())
}

#[tokio::test]
async fn nothing_is_sent_for_nothing() -> Outcome {
    let kv = Kv::new(Recorded::atomic(Limits::new()));
    let users = kv.collection::<User>();
    users.put_many([] as [User; 0]).await?;
    users.delete_many([] as [u64; 0]).await?;
    assert_eq!(users.get_many([] as [u64; 0]).await?, []);
    for operation in [Operation::PutMany, Operation::DeleteMany, Operation::GetMany] {
        assert!(kv.store().keys_of(operation).is_empty());
    }
    Ok(())
}
