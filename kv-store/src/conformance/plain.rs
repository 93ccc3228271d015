//! Plain records: values that are stored alone, for other programs to read.

use super::commits::{absent, unchanged};
use super::harness::{AtomicHarness, Harness};
use super::suite::{Checked, Suite, Test, group};
use crate::key::Key;
use crate::record::{Expiry, Metadata, NewRecord, Record};
use crate::store::{Content, Entry, ListQuery, StoreExt, Write};

pub(super) async fn run<H: Harness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        a_plain_record_comes_back_plain: "a plain record MUST be its value alone: it is read as version 1 in JSON, of no version",
        a_plain_record_replaces_and_is_replaced: "a plain record replaces one with metadata, and the other way round",
        a_plain_record_expires: "a plain record expires as any other, if Capabilities::plain_expiry is set",
    );
}

pub(super) async fn run_atomic<H: AtomicHarness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        a_plain_record_is_compared: "a revision of a plain record holds until its value changes",
        a_plain_update_keeps_the_expiry: "Update MUST keep the expiry of a plain record",
    );
}

const VALUE: &[u8] = br#"{"name":"Ada"}"#;
const OTHER: &[u8] = br#"{"name":"Grace"}"#;

fn keys() -> [Key; 3] {
    ["a", "b", "c"].map(|name| group("p:1", name))
}

/// The version is one that a store must not keep.
fn plain(value: &'static [u8]) -> NewRecord {
    let mut record = NewRecord::plain(value);
    record.metadata = Metadata::new(7, crate::codec::Codec::Json);
    record
}

fn is_plain(record: &Record, value: &[u8]) -> bool {
    record.value[..] == *value && record.is_plain() && record.metadata == Metadata::default()
}

impl<H: Harness> Test<'_, H> {
    fn needs_plain(&self) -> Checked {
        self.needs(self.can.plain_records, "the store keeps no plain records, by its capabilities")
    }

    fn needs_plain_expiry(&self) -> Checked {
        self.needs_plain()?;
        self.needs(self.can.plain_expiry, "plain records cannot expire in the store, by its capabilities")
    }

    async fn holds_plain(&self, key: &Key, value: &[u8]) -> Checked<Record> {
        let record = self.standing(key).await?;
        check!(is_plain(&record, value), "`{key}` was written as a plain record, and is {record:?}");
        Ok(record)
    }
}

async fn a_plain_record_comes_back_plain<H: Harness>(t: Test<'_, H>) -> Checked {
    t.needs_plain()?;
    let [alone, batched, other] = keys();
    t.put(&alone, &plain(VALUE)).await?;
    t.put_all(&[(batched.clone(), plain(OTHER)), (other.clone(), plain(VALUE))]).await?;
    t.holds_plain(&alone, VALUE).await?;
    t.holds_plain(&batched, OTHER).await?;
    t.holds_plain(&other, VALUE).await?;
    let head = t.store.head(&alone).await?;
    check!(
        head.as_ref().is_some_and(|head| !head.metadata.names_version()),
        "the head of a plain record is {head:?}"
    );
    let query = ListQuery::new(group("p:1", "")).with_content(Content::Records);
    for (key, entry) in t.list(&query).await? {
        let Entry::Record(record) = &entry else {
            return Err(super::suite::Ended::failed(format!("`{key}` is listed as {entry:?}")));
        };
        check!(record.is_plain() && record.metadata.version == 1, "`{key}` is listed as {entry:?}");
    }
    Ok(())
}

async fn a_plain_record_replaces_and_is_replaced<H: Harness>(t: Test<'_, H>) -> Checked {
    t.needs_plain()?;
    let [key, ..] = keys();
    let versioned = NewRecord::new(OTHER, Metadata::new(3, crate::codec::Codec::Json));
    t.put(&key, &versioned).await?;
    t.put(&key, &plain(VALUE)).await?;
    t.holds_plain(&key, VALUE).await?;
    t.put(&key, &versioned).await?;
    t.holds(&key, &versioned).await?;
    t.put(&key, &plain(VALUE)).await?;
    t.delete(&key).await?;
    t.is_absent(&key).await
}

async fn a_plain_record_expires<H: Harness>(t: Test<'_, H>) -> Checked {
    t.needs_plain_expiry()?;
    let [after, at, never] = keys();
    t.put(&after, &plain(VALUE).with_expiry(Expiry::After(t.ttl()))).await?;
    t.put(&at, &plain(VALUE).with_expiry(Expiry::At(t.now().saturating_add(t.ttl())))).await?;
    t.put(&never, &plain(VALUE)).await?;
    t.pass(t.ttl() / 2).await;
    t.holds_plain(&after, VALUE).await?;
    t.pass(t.ttl() / 2).await;
    t.is_absent(&after).await?;
    t.is_absent(&at).await?;
    t.holds_plain(&never, VALUE).await.map(drop)
}

async fn a_plain_record_is_compared<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    t.needs_plain()?;
    let [key, ..] = keys();
    t.done(vec![absent(&key)], vec![Write::Put(key.clone(), plain(VALUE))]).await?;
    let first = t.revision(&key).await?;
    t.done(vec![unchanged(&key, &first)], vec![Write::Update(key.clone(), plain(OTHER))]).await?;
    t.refused(0, vec![unchanged(&key, &first)], vec![Write::Put(key.clone(), plain(VALUE))]).await?;
    t.holds_plain(&key, OTHER).await?;
    let second = t.revision(&key).await?;
    let versioned = NewRecord::new(OTHER, Metadata::new(3, crate::codec::Codec::Json));
    t.done(vec![unchanged(&key, &second)], vec![Write::Update(key.clone(), versioned.clone())]).await?;
    t.refused(0, vec![unchanged(&key, &second)], vec![Write::Delete(key.clone())]).await?;
    let third = t.holds(&key, &versioned).await?.revision;
    t.done(vec![unchanged(&key, &third)], vec![Write::Update(key.clone(), plain(VALUE))]).await?;
    t.holds_plain(&key, VALUE).await.map(drop)
}

async fn a_plain_update_keeps_the_expiry<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    t.needs_plain_expiry()?;
    let [key, touched, _] = keys();
    for key in [&key, &touched] {
        let expiring = plain(VALUE).with_expiry(Expiry::After(t.ttl()));
        t.done(vec![absent(key)], vec![Write::Put(key.clone(), expiring)]).await?;
    }
    t.done(Vec::new(), vec![Write::Update(key.clone(), plain(OTHER))]).await?;
    t.done(Vec::new(), vec![Write::Touch(touched.clone(), Expiry::Never)]).await?;
    t.holds_plain(&key, OTHER).await?;
    t.pass(t.ttl()).await;
    t.is_absent(&key).await?;
    t.holds_plain(&touched, VALUE).await.map(drop)
}
