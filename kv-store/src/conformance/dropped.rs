//! Futures that are dropped before they complete, as by a timeout or a closed connection.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use futures_util::future::poll_fn;

use super::harness::{AtomicHarness, Harness};
use super::suite::{Checked, Suite, Test, group, is_written, key, sample};
use crate::key::Key;
use crate::record::NewRecord;
use crate::store::{Store, StoreExt, Write};

pub(super) async fn run<H: Harness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        a_dropped_put_leaves_the_record_whole: "a future that is dropped MUST leave each record whole",
        a_dropped_batch_leaves_records_whole: "a batch that is dropped MUST leave each record whole, and all or none if it is atomic",
        a_dropped_read_harms_nothing: "a read that is dropped changes nothing, and later ones work",
    );
}

pub(super) async fn run_atomic<H: AtomicHarness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        a_dropped_commit_is_all_or_nothing: "a commit that is dropped MUST be made whole or not at all",
    );
}

/// The maximum number of polls before a future is dropped. Most stores complete earlier.
const MOST_POLLS: u32 = 6;

/// Polls a future this many times, and drops it.
async fn abandon(future: impl Future, polls: u32) {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Pending if left > 0 => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })
    .await;
}

/// Returns a record that shows whether it is torn: it repeats one number over many pages of any
/// engine.
fn long(number: u32) -> NewRecord {
    let metadata = sample(number).metadata;
    NewRecord::new(vec![number as u8; 40_000], metadata)
}

/// Returns which of the two writes is stored under the key.
async fn stands<H: Harness>(t: &Test<'_, H>, key: &Key, old: u32, new: u32) -> Checked<u32> {
    let record = t.standing(key).await?;
    let whole = [old, new].into_iter().find(|number| is_written(&record, &long(*number)));
    check!(whole.is_some(), "`{key}` is neither as it was nor as it was to become: {record:?}");
    Ok(whole.unwrap_or(old))
}

async fn a_dropped_put_leaves_the_record_whole<H: Harness>(t: Test<'_, H>) -> Checked {
    let key = key("t:1");
    for polls in 0..MOST_POLLS {
        t.put(&key, &long(1)).await?;
        abandon(t.store.put(key.clone(), long(2)), polls).await;
        t.settle().await;
        stands(&t, &key, 1, 2).await?;
    }
    // The store works on.
    t.put(&key, &long(3)).await?;
    stands(&t, &key, 3, 2).await.map(drop)
}

async fn a_dropped_batch_leaves_records_whole<H: Harness>(t: Test<'_, H>) -> Checked {
    let keys = [group("t:1", "a"), group("t:1", "b"), group("t:1", "c")];
    let batch = |number| keys.iter().map(|key| (key.clone(), long(number))).collect::<Vec<_>>();
    for polls in 0..MOST_POLLS {
        t.put_all(&batch(1)).await?;
        abandon(t.store.put_many(batch(2)), polls).await;
        t.settle().await;
        let mut standing = Vec::new();
        for found in t.store.read_many(&keys).await? {
            let whole = [1, 2]
                .into_iter()
                .find(|number| found.as_ref().is_some_and(|it| is_written(it, &long(*number))));
            check!(whole.is_some(), "a record is neither as it was nor as it was to become: {found:?}");
            standing.push(whole);
        }
        // A batched read of several moments may see a batch that is still on its way.
        if t.can.atomic_batches && t.can.snapshot_reads {
            check!(
                standing.iter().all(|it| Some(it) == standing.first()),
                "an atomic batch was torn: {standing:?}"
            );
        }
    }
    Ok(())
}

async fn a_dropped_read_harms_nothing<H: Harness>(t: Test<'_, H>) -> Checked {
    let key = key("t:1");
    t.put(&key, &long(1)).await?;
    for polls in 0..MOST_POLLS {
        abandon(t.store.read(&key), polls).await;
        abandon(t.store.head(&key), polls).await;
        abandon(t.store.read_many(&[key.clone(), key.clone()]), polls).await;
        abandon(t.store.page(&crate::store::ListQuery::new(key.clone())), polls).await;
        t.holds(&key, &long(1)).await?;
    }
    Ok(())
}

async fn a_dropped_commit_is_all_or_nothing<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let keys = [group("t:1", "a"), group("t:1", "b")];
    let writes = |number| keys.iter().map(|key| Write::Put(key.clone(), long(number))).collect::<Vec<_>>();
    for polls in 0..MOST_POLLS {
        t.done(Vec::new(), writes(1)).await?;
        abandon(t.store.commit(Vec::new(), writes(2).into()), polls).await;
        t.settle().await;
        let [a, b] = &keys;
        let (a_now, b_now) = (stands(&t, a, 1, 2).await?, stands(&t, b, 1, 2).await?);
        // It may have been made between the two reads; then both are new now.
        let torn = a_now != b_now && stands(&t, a, 1, 2).await? != stands(&t, b, 1, 2).await?;
        check!(!torn, "a commit was made by half");
    }
    Ok(())
}
