//! Records of other programs: plain values, and bytes that cannot be read at all.

use super::commits::{absent, put, unchanged};
use super::harness::{AtomicHarness, Foreign, Harness};
use super::suite::{Checked, Ended, Suite, Test, group, sample};
use crate::error::Error;
use crate::key::Key;
use crate::record::{Expiry, Metadata, NewRecord, Record};
use crate::store::{Content, Entry, ListQuery, Store, StoreExt, Write};

pub(super) async fn run<H: Harness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        a_plain_value_is_version_1: "a value without envelope or metadata is version 1 in JSON",
        a_damaged_record_is_an_error: "a record that cannot be read gives Error::Malformed with the key, and stays as it is",
        a_damaged_record_ends_no_list: "a record that cannot be read MUST NOT end the list: its entry holds the error",
        a_damaged_record_can_be_replaced: "put and delete replace any stored bytes",
    );
}

pub(super) async fn run_atomic<H: AtomicHarness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        a_plain_value_has_a_revision: "the revision of a plain value holds until it changes",
        a_plain_value_can_be_touched: "Touch sets the expiry of a plain value, and leaves the value",
        a_damaged_record_is_never_absent: "a record that cannot be read is not absent to a condition",
    );
}

const PLAIN: &[u8] = br#"{"name":"Ada"}"#;

fn keys() -> [Key; 3] {
    ["a", "b", "c"].map(|name| group("f:1", name))
}

fn is_plain(record: &Record) -> bool {
    record.value[..] == *PLAIN && record.metadata == Metadata::default() && record.expires_at.is_none()
}

async fn a_plain_value_is_version_1<H: Harness>(t: Test<'_, H>) -> Checked {
    let [plain, other, empty] = keys();
    let t =
        t.holding(&[(plain.clone(), Foreign::Plain(PLAIN)), (empty.clone(), Foreign::Plain(b""))]).await?;
    t.put(&other, &sample(1)).await?;
    let record = t.standing(&plain).await?;
    check!(is_plain(&record), "a plain value came back as {record:?}");
    let record = t.standing(&empty).await?;
    check!(
        record.value.is_empty() && record.metadata == Metadata::default(),
        "an empty plain value is {record:?}"
    );
    let head = t.store.head(&plain).await?;
    let same =
        head.as_ref().is_some_and(|head| head.metadata == Metadata::default() && head.expires_at.is_none());
    check!(same, "the head of a plain value is {head:?}");
    let listed = t.list_keys(&ListQuery::new(group("f:1", ""))).await?.len();
    check!(listed == 3, "of 3 records, two of them plain values, {listed} are listed");
    t.put(&plain, &sample(2)).await?;
    t.holds(&plain, &sample(2)).await.map(drop)
}

/// Checks that reads of the key report damage, with the key.
async fn is_damaged<H: Harness>(t: &Test<'_, H>, key: &Key) -> Checked {
    let reads = [
        t.store.read(key).await.map(drop),
        t.store.head(key).await.map(drop),
        t.store.read_many(std::slice::from_ref(key)).await.map(drop),
    ];
    for read in reads {
        match read {
            Err(Error::Malformed { at, .. }) => {
                let named = at.key.as_deref();
                check!(named == Some(key.as_str()), "the error about `{key}` names {named:?}");
            }
            Err(error) => return Err(error.into()),
            Ok(()) => {
                return Err(Ended::failed(format!(
                    "the damaged record under `{key}` is read without an error"
                )));
            }
        }
    }
    Ok(())
}

async fn a_damaged_record_is_an_error<H: Harness>(t: Test<'_, H>) -> Checked {
    let [damaged, other, _] = keys();
    let t = t.holding(&[(damaged.clone(), Foreign::Damaged)]).await?;
    t.put(&other, &sample(1)).await?;
    is_damaged(&t, &damaged).await?;
    t.holds(&other, &sample(1)).await?;
    // Reading it has left it as it is.
    is_damaged(&t, &damaged).await
}

async fn a_damaged_record_ends_no_list<H: Harness>(t: Test<'_, H>) -> Checked {
    let [first, damaged, last] = keys();
    let t = t.holding(&[(damaged.clone(), Foreign::Damaged)]).await?;
    t.put_all(&[(first, sample(1)), (last, sample(3))]).await?;
    for content in [Content::Keys, Content::Heads, Content::Records] {
        for limit in [1, 1_000] {
            let query = ListQuery::new(group("f:1", "")).with_content(content).with_limit(limit);
            let mut entries = t.list(&query).await?;
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            let shown: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
            check!(shown == ["f:1:a", "f:1:b", "f:1:c"], "a list of {content:?} by {limit} shows {shown:?}");
            for (key, entry) in &entries {
                let failed = matches!(entry, Entry::Failed(_));
                // A list of keys need not look at records.
                let as_it_should = content == Content::Keys || failed == (key == damaged.as_str());
                check!(as_it_should, "`{key}` is listed as {entry:?}, and `{damaged}` is damaged");
            }
        }
    }
    Ok(())
}

async fn a_damaged_record_can_be_replaced<H: Harness>(t: Test<'_, H>) -> Checked {
    let [replaced, deleted, batch] = keys();
    let t = t.holding(&[&replaced, &deleted, &batch].map(|key| (key.clone(), Foreign::Damaged))).await?;
    t.put(&replaced, &sample(1)).await?;
    t.holds(&replaced, &sample(1)).await?;
    t.delete(&deleted).await?;
    t.is_absent(&deleted).await?;
    t.put_all(&[(batch.clone(), sample(2))]).await?;
    t.holds(&batch, &sample(2)).await.map(drop)
}

async fn a_plain_value_has_a_revision<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [plain, other, _] = keys();
    let t =
        t.holding(&[(plain.clone(), Foreign::Plain(PLAIN)), (other.clone(), Foreign::Plain(b"1"))]).await?;
    let revision = t.revision(&plain).await?;
    t.refused(0, vec![absent(&plain)], vec![put(&plain, 1)]).await?;
    t.refused(0, vec![unchanged(&other, &revision)], vec![put(&plain, 1)]).await?;
    t.done(vec![unchanged(&plain, &revision)], vec![put(&plain, 2)]).await?;
    t.refused(0, vec![unchanged(&plain, &revision)], vec![put(&plain, 3)]).await?;
    // The same bytes with this library's metadata are another state.
    t.put(&plain, &NewRecord::new(PLAIN, Metadata::default())).await?;
    t.refused(0, vec![unchanged(&plain, &revision)], vec![put(&plain, 3)]).await
}

async fn a_plain_value_can_be_touched<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [plain, _, _] = keys();
    let t = t.holding(&[(plain.clone(), Foreign::Plain(PLAIN))]).await?;
    t.done(Vec::new(), vec![Write::Touch(plain.clone(), Expiry::Never)]).await?;
    let record = t.standing(&plain).await?;
    check!(is_plain(&record), "after a touch a plain value is {record:?}");
    t.done(Vec::new(), vec![Write::Touch(plain.clone(), Expiry::After(t.ttl()))]).await?;
    let record = t.standing(&plain).await?;
    check!(
        record.value[..] == *PLAIN && record.metadata == Metadata::default(),
        "after a touch it is {record:?}"
    );
    t.pass(t.ttl()).await;
    t.is_absent(&plain).await
}

async fn a_damaged_record_is_never_absent<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [damaged, _, _] = keys();
    let t = t.holding(&[(damaged.clone(), Foreign::Damaged)]).await?;
    // A conflict or an error: both leave it to somebody who knows what it is.
    let commit = t.store.commit(vec![absent(&damaged)], vec![put(&damaged, 1)].into()).await;
    check!(!matches!(commit, Ok(crate::store::Commit::Done)), "an insert was done over a damaged record");
    is_damaged(&t, &damaged).await
}
