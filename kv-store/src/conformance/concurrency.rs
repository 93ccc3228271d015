//! Concurrent callers. They are futures of one task, so the suite needs no runtime. They interleave
//! wherever a store waits, and here between a read and the following write.

use futures_util::future::{join_all, poll_fn};
use std::task::Poll;

use super::commits::{absent, unchanged};
use super::harness::{AtomicHarness, Harness};
use super::suite::{Checked, Ended, Suite, Test, group, is_written, key, sample};
use crate::record::NewRecord;
use crate::store::{Commit, Store, StoreExt, Write};

pub(super) async fn run<H: Harness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        writers_of_one_key_leave_one_record: "of many writes at once one MUST remain, whole",
        writers_of_many_keys_lose_nothing: "writes of different keys at once MUST all be seen",
        batched_reads_are_of_one_moment: "a batched read MUST be of one moment, if the store says so",
    );
}

pub(super) async fn run_atomic<H: AtomicHarness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        one_of_many_inserts_wins: "conditions MUST be tested and writes made as one step: one insert of many is done",
        no_increment_is_lost: "no other write happens between condition and write: a counter counts exactly",
        commits_do_not_mix: "of many commits of two records at once one MUST remain, both of its records",
    );
}

const CALLERS: u32 = 32;

/// How often a caller tries before the suite gives up. Each round lets at least one caller through.
const TRIES: u32 = 4 * CALLERS;

async fn let_others_run() {
    let mut first = true;
    poll_fn(|context| {
        if std::mem::take(&mut first) {
            context.waker().wake_by_ref();
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

fn all(ended: Vec<Checked>) -> Checked {
    ended.into_iter().collect()
}

async fn writers_of_one_key_leave_one_record<H: Harness>(t: Test<'_, H>) -> Checked {
    let key = key("t:1");
    let writers = (0..CALLERS).map(|number| {
        let (t, key) = (&t, &key);
        async move {
            t.store.put(key.clone(), sample(number)).await?;
            let_others_run().await;
            t.store.read(key).await?;
            Ok(())
        }
    });
    all(join_all(writers).await)?;
    t.settle().await;
    let record = t.standing(&key).await?;
    let whole = (0..CALLERS).any(|number| is_written(&record, &sample(number)));
    check!(whole, "no caller wrote this record: {record:?}");
    Ok(())
}

async fn writers_of_many_keys_lose_nothing<H: Harness>(t: Test<'_, H>) -> Checked {
    let keys: Vec<_> = (0..4 * CALLERS).map(|number| key(&format!("t:{number}"))).collect();
    let writers = keys.iter().zip(0..).map(|(key, number)| {
        let t = &t;
        async move {
            t.store.put(key.clone(), sample(number)).await?;
            Ok(())
        }
    });
    all(join_all(writers).await)?;
    t.settle().await;
    for (key, number) in keys.iter().zip(0..) {
        t.holds(key, &sample(number)).await?;
    }
    Ok(())
}

async fn batched_reads_are_of_one_moment<H: Harness>(t: Test<'_, H>) -> Checked {
    t.needs(t.can.snapshot_reads, "batched reads are not of one moment")?;
    t.needs(t.can.atomic_batches, "batched writes are not atomic, so a torn read cannot be detected")?;
    let keys: Vec<_> = (0..5).map(|number| group("t:1", &format!("group{number}"))).collect();
    let batch = |number: u32| keys.iter().map(|key| (key.clone(), sample(number))).collect::<Vec<_>>();
    t.put_all(&batch(0)).await?;
    let callers = (1..=CALLERS).map(|number| {
        let (t, keys, batch) = (&t, &keys, &batch);
        async move {
            for round in 0..4 {
                // Out of step, so that some read while others write.
                for _ in 0..number % 4 {
                    let_others_run().await;
                }
                t.store.put_many(batch(number + round * CALLERS)).await?;
                let found = t.store.read_many(keys).await?;
                let mut values = found.iter().map(|record| record.as_ref().map(|record| &record.value));
                let first = values.next().flatten();
                let same = first.is_some() && values.all(|value| value == first);
                check!(same, "a batched read mixes writes: {found:?}");
            }
            Ok(())
        }
    });
    all(join_all(callers).await)
}

async fn one_of_many_inserts_wins<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let key = group("t:1", "group");
    let inserts = (0..CALLERS).map(|number| {
        let (t, key) = (&t, &key);
        async move {
            let before = t.store.read(key).await?;
            let_others_run().await;
            let write = Write::Put(key.clone(), sample(number));
            let commit = t.store.commit(vec![absent(key)], write.into()).await?;
            check!(before.is_none() || commit != Commit::Done, "an insert was done over a record");
            Ok((commit == Commit::Done).then_some(number))
        }
    });
    let ended: Checked<Vec<Option<u32>>> = join_all(inserts).await.into_iter().collect();
    t.settle().await;
    let done: Vec<u32> = ended?.into_iter().flatten().collect();
    let [winner] = done[..] else {
        return Err(Ended::failed(format!("of {CALLERS} inserts of one key these are done: {done:?}")));
    };
    t.holds(&key, &sample(winner)).await.map(drop)
}

async fn no_increment_is_lost<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let key = group("t:1", "counter");
    t.put(&key, &counter(0)).await?;
    all(join_all((0..CALLERS).map(|_| increment(&t))).await)?;
    t.settle().await;
    let counted = count(&t.standing(&key).await?.value)?;
    check!(counted == CALLERS, "{CALLERS} increments counted {counted}");
    Ok(())
}

/// Reads, lets the others read too, and writes if nobody else has.
async fn increment<H: AtomicHarness>(t: &Test<'_, H>) -> Checked {
    let key = group("t:1", "counter");
    for _ in 0..TRIES {
        let read = t.standing(&key).await?;
        let_others_run().await;
        let write = Write::Update(key.clone(), counter(count(&read.value)? + 1));
        match t.store.commit(vec![unchanged(&key, &read.revision)], write.into()).await? {
            Commit::Done => return Ok(()),
            Commit::Conflict(_) => t.settle().await,
        }
    }
    Err(Ended::failed(format!("a caller lost {TRIES} times: the others cannot have won as often")))
}

fn counter(count: u32) -> NewRecord {
    NewRecord::new(count.to_string(), sample(0).metadata)
}

fn count(value: &[u8]) -> Checked<u32> {
    let counted = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
    counted.ok_or_else(|| Ended::failed("the counter's value is not what was written".to_owned()))
}

async fn commits_do_not_mix<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let keys = [group("t:1", "a"), group("t:1", "b")];
    let commits = (0..CALLERS).map(|number| {
        let (t, [a, b]) = (&t, &keys);
        async move {
            let_others_run().await;
            let mut writes =
                vec![Write::Put(a.clone(), sample(number)), Write::Put(b.clone(), sample(number))];
            if number % 2 == 0 {
                writes.reverse();
            }
            let commit = t.store.commit(Vec::new(), writes.into()).await?;
            check!(commit == Commit::Done, "a commit without conditions ended with {commit:?}");
            Ok(())
        }
    });
    all(join_all(commits).await)?;
    t.settle().await;
    let [a, b] = &keys;
    let (a, b) = (t.standing(a).await?, t.standing(b).await?);
    check!(a.value == b.value && a.metadata == b.metadata, "two commits are mixed: {a:?} beside {b:?}");
    Ok(())
}
