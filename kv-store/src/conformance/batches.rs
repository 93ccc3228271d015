//! Batched reads and writes.

use super::harness::Harness;
use super::suite::{Checked, Suite, Test, group, is_written, key, sample};
use crate::error::Error;
use crate::key::Key;
use crate::record::{Metadata, NewRecord};
use crate::store::{Store, StoreExt, Write};

pub(super) async fn run<H: Harness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        get_many_answers_in_order: "get_many gives as many answers, in the same order, absent ones as none",
        get_many_answers_twice: "a key that is asked for twice is answered twice",
        empty_batches_do_nothing: "a batch of nothing is no error",
        put_many_writes_all: "a batch writes every record, value and metadata",
        the_later_of_two_remains: "of two writes under one key in a batch the later one MUST remain",
        delete_many_removes_all: "a batch of deletes removes the records, and no other",
        the_largest_batches_pass: "batches of as many records as the limits allow MUST pass (tried up to 10,000)",
        puts_and_deletes_keep_their_order: "puts and deletes in one batch are made in order",
        a_failed_batch_tells: "a batch that fails MUST be all or nothing, or Error::Partial that says what was written",
    );
}

fn samples(count: u32) -> Vec<(Key, NewRecord)> {
    (0..count).map(|number| (key(&format!("batch:{number}:group")), sample(number))).collect()
}

fn keys(records: &[(Key, NewRecord)]) -> Vec<Key> {
    records.iter().map(|(key, _)| key.clone()).collect()
}

/// Checks that the records are there, all of them, by batched reads.
async fn all_stand<H: Harness>(t: &Test<'_, H>, records: &[(Key, NewRecord)]) -> Checked {
    for chunk in records.chunks(t.can.limits.batch_read.max(1)) {
        let found = t.store.read_many(&keys(chunk)).await?;
        check!(found.len() == chunk.len(), "{} answers to {} keys", found.len(), chunk.len());
        for (found, (key, written)) in found.iter().zip(chunk) {
            let same = found.as_ref().is_some_and(|found| is_written(found, written));
            check!(same, "`{key}` came back as {found:?}, and {written:?} was written");
        }
    }
    Ok(())
}

async fn get_many_answers_in_order<H: Harness>(t: Test<'_, H>) -> Checked {
    let records = samples(9);
    t.put_all(&records).await?;
    let asked = [
        key("batch:7:group"),
        key("batch:absent"),
        key("batch:0:group"),
        key("absent"),
        key("batch:3:group"),
    ];
    let found = t.store.read_many(&asked).await?;
    let expected = [Some(7), None, Some(0), None, Some(3)];
    check!(found.len() == asked.len(), "{} answers to {} keys", found.len(), asked.len());
    for (position, (found, expected)) in found.iter().zip(expected).enumerate() {
        let same = match (found, expected) {
            (Some(found), Some(number)) => is_written(found, &sample(number)),
            (found, expected) => found.is_none() && expected.is_none(),
        };
        check!(same, "the answer at place {position} is {found:?}; the record is number {expected:?}");
    }
    Ok(())
}

async fn get_many_answers_twice<H: Harness>(t: Test<'_, H>) -> Checked {
    let records = samples(2);
    t.put_all(&records).await?;
    let twice = [records.clone(), records].concat();
    all_stand(&t, &twice).await?;
    let absent = vec![key("absent"); 3];
    let found = t.store.read_many(&absent).await?;
    check!(found.len() == 3 && found.iter().all(Option::is_none), "an absent key, three times, is {found:?}");
    Ok(())
}

async fn empty_batches_do_nothing<H: Harness>(t: Test<'_, H>) -> Checked {
    let found = t.store.read_many(&[]).await?;
    check!(found.is_empty(), "no keys have {} answers", found.len());
    t.store.put_many(Vec::new()).await?;
    t.store.delete_many(Vec::new()).await?;
    Ok(())
}

async fn put_many_writes_all<H: Harness>(t: Test<'_, H>) -> Checked {
    let records = samples(50);
    t.put_all(&records).await?;
    for (key, written) in &records {
        t.holds(key, written).await?;
    }
    all_stand(&t, &records).await
}

async fn the_later_of_two_remains<H: Harness>(t: Test<'_, H>) -> Checked {
    let (twice, other) = (key("batch:twice"), key("batch:other"));
    let writes = [(&twice, 1), (&other, 2), (&twice, 3), (&other, 4), (&twice, 5)];
    let writes = writes.map(|(key, number)| (key.clone(), sample(number)));
    t.put_all(&writes).await?;
    t.holds(&twice, &sample(5)).await?;
    t.holds(&other, &sample(4)).await.map(drop)
}

async fn delete_many_removes_all<H: Harness>(t: Test<'_, H>) -> Checked {
    let records = samples(12);
    t.put_all(&records).await?;
    let mut deleted = keys(&records);
    let kept = deleted.split_off(8);
    // One of them twice, and one that is not there.
    deleted.extend([key("batch:0:group"), key("batch:absent")]);
    t.store.delete_many(deleted.clone()).await?;
    t.settle().await;
    for key in &deleted {
        t.is_absent(key).await?;
    }
    for (key, number) in kept.iter().zip(8..) {
        t.holds(key, &sample(number)).await?;
    }
    Ok(())
}

async fn puts_and_deletes_keep_their_order<H: Harness>(t: Test<'_, H>) -> Checked {
    let [gone, put, again] = ["gone", "put", "again"].map(|name| group("batch:mixed", name));
    t.put_all(&[(gone.clone(), sample(1)), (again.clone(), sample(2))]).await?;
    let writes = vec![
        Write::Put(put.clone(), sample(3)),
        Write::Delete(gone.clone()),
        Write::Delete(again.clone()),
        Write::Put(again.clone(), sample(4)),
    ];
    t.store.write(writes.into()).await?;
    t.settle().await;
    t.is_absent(&gone).await?;
    t.holds(&put, &sample(3)).await?;
    t.holds(&again, &sample(4)).await.map(drop)
}

async fn the_largest_batches_pass<H: Harness>(t: Test<'_, H>) -> Checked {
    let limits = t.can.limits;
    check!(limits.batch_read > 0 && limits.batch_write > 0, "a batch of one record is too large: {limits:?}");
    let by_bytes = limits.batch_write_bytes / 64;
    let most =
        limits.batch_read.max(limits.batch_write).min(by_bytes).min(t.largest_batch()).clamp(1, 10_000);
    let records = samples(u32::try_from(most).unwrap_or(1));
    t.put_all(&records).await?;
    all_stand(&t, &records).await?;
    for chunk in keys(&records).chunks(limits.batch_write) {
        t.store.delete_many(chunk.to_vec()).await?;
    }
    t.settle().await;
    for chunk in keys(&records).chunks(limits.batch_read) {
        let left = t.store.read_many(chunk).await?.iter().flatten().count();
        check!(left == 0, "{left} records are left after a batch of deletes");
    }
    Ok(())
}

async fn a_failed_batch_tells<H: Harness>(t: Test<'_, H>) -> Checked {
    // More metadata than any envelope has room for. A store may refuse it, or take it.
    let mut too_long = Metadata::default();
    let set = too_long.set_foreign("pad", "x".repeat(70_000).into());
    check!(set.is_ok(), "the suite's own member was refused: {set:?}");
    let writes = vec![
        (group("batch:1", "a"), sample(1)),
        (group("batch:1", "b"), NewRecord::new("2", too_long)),
        (group("batch:1", "c"), sample(3)),
    ];
    let outcome = t.store.put_many(writes.clone()).await;
    t.settle().await;
    let mut stands = Vec::with_capacity(writes.len());
    for (key, _) in &writes {
        stands.push(t.store.read(key).await?.is_some());
    }
    let reported = match &outcome {
        Ok(()) => vec![true; 3],
        Err(Error::Partial { written, also, .. }) => {
            (0..3).map(|position| position < *written || also.contains(&position)).collect()
        }
        Err(error) => {
            check!(t.can.atomic_batches, "the batch failed with another error than Partial: {error}");
            vec![false; 3]
        }
    };
    let torn = reported.contains(&true) && reported.contains(&false);
    check!(!(t.can.atomic_batches && torn), "an atomic batch was torn: {outcome:?}");
    check!(stands == reported, "the batch ended with {outcome:?}, and of its records there are {stands:?}");
    Ok(())
}
