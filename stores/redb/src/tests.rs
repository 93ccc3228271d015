//! What can only be seen from inside: the index, the pages of a list, the end of the writer.

use std::collections::BTreeSet;
use std::time::Duration;

use kv_store::key::Key;
use kv_store::record::{Expiry, Metadata, NewRecord, envelope};
use kv_store::store::{Commit, Condition, Content, Entry, Expect, ListQuery, Store, StoreExt, Write};
use kv_store::{Clock, Error, ManualClock, Result, Timestamp};
use redb::{ReadableDatabase, ReadableTable};
use tempfile::TempDir;

use super::layout::{EXPIRY, RECORDS};
use super::list::SCANNED_BY_PAGE;
use super::work::Work;
use super::*;

fn key(text: &str) -> Key {
    Key::from_text(text)
}

fn record(value: &str) -> NewRecord {
    NewRecord::new(value.to_owned(), Metadata::default())
}

fn lasting(secs: u64) -> NewRecord {
    record("{}").with_expiry(Expiry::After(Duration::from_secs(secs)))
}

/// A store in a new directory, and the clock that the test sets.
fn store() -> (RedbStore, ManualClock, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let manual = ManualClock::new(Timestamp::from_millis(1_000));
    let options = RedbStore::options().clock(Clock::from(&manual)).durability(RedbDurability::OnFlush);
    (options.open(directory.path().join("test.redb")).expect("a new file"), manual, directory)
}

/// Puts bytes into the file as another program could.
async fn put_raw(store: &RedbStore, key: &str, stored: &[u8]) {
    let raw = Work::Raw(Key::from_text(key), stored.to_vec());
    assert_eq!(store.made(raw).await.expect("a write"), Commit::Done);
}

/// What the index holds, and what it must hold: every record that expires, once.
fn index(store: &RedbStore) -> [BTreeSet<(u64, String)>; 2] {
    let transaction = store.0.reader.database().expect("is open").begin_read().expect("a transaction");
    let records = transaction.open_table(RECORDS).expect("the table");
    let expiry = transaction.open_table(EXPIRY).expect("the table");
    let is = expiry.iter().expect("a range").map(|entry| {
        let entry = entry.expect("an entry").0;
        let (at, key) = entry.value();
        (at, key.to_owned())
    });
    let must = records.iter().expect("a range").filter_map(|entry| {
        let (key, stored) = entry.expect("an entry");
        let at = envelope::read(stored.value()).ok()?.expires_at?;
        Some((at.as_millis(), key.value().to_owned()))
    });
    [is.collect(), must.collect()]
}

fn assert_in_step(store: &RedbStore, expiring: usize) {
    let [is, must] = index(store);
    assert_eq!(is, must);
    assert_eq!(is.len(), expiring);
}

#[tokio::test]
async fn the_index_of_expiry_stays_in_step() -> Result<()> {
    let (store, manual, _directory) = store();
    for secs in [5, 5, 7, 3] {
        store.put(key("a"), lasting(secs)).await?;
        assert_in_step(&store, 1);
    }
    store.put(key("a"), record("{}")).await?;
    assert_in_step(&store, 0);
    for (expiry, expiring) in [
        (Expiry::After(Duration::from_secs(9)), 1),
        (Expiry::Never, 0),
        (Expiry::At(Timestamp::MAX), 1),
        (Expiry::At(Timestamp::MAX), 1),
    ] {
        assert_eq!(store.commit(Vec::new(), Write::Touch(key("a"), expiry).into()).await?, Commit::Done);
        assert_in_step(&store, expiring);
    }
    assert_eq!(store.commit(Vec::new(), Write::Update(key("a"), lasting(1)).into()).await?, Commit::Done);
    assert_eq!(store.head(&key("a")).await?.and_then(|head| head.expires_at), Some(Timestamp::MAX));
    assert_in_step(&store, 1);
    store.put_many(vec![(key("b"), lasting(1)), (key("b"), lasting(2)), (key("c"), lasting(1))]).await?;
    assert_in_step(&store, 3);
    store.delete(key("a")).await?;
    store.put(key("c"), lasting(0)).await?;
    assert_in_step(&store, 1);
    manual.advance(Duration::from_secs(3));
    assert_eq!(store.commit(Vec::new(), Write::Update(key("b"), lasting(4)).into()).await?, Commit::Done);
    assert_in_step(&store, 1);
    assert_eq!(
        store.head(&key("b")).await?.and_then(|head| head.expires_at),
        Some(Timestamp::from_millis(8_000))
    );
    Ok(())
}

#[tokio::test]
async fn a_sweep_spares_what_the_index_is_wrong_about() -> Result<()> {
    let (store, manual, _directory) = store();
    store.put_many(vec![(key("gone"), lasting(1)), (key("stays"), lasting(1))]).await?;
    put_raw(&store, "stays", b"{\"plain\":true}").await;
    manual.advance(Duration::from_secs(2));
    assert_eq!(store.sweep(10).await?, SweepReport { removed: 1, more: false });
    assert!(store.read(&key("stays")).await?.is_some());
    assert_in_step(&store, 0);
    Ok(())
}

#[tokio::test]
async fn a_plain_record_is_its_bytes_and_does_not_expire() -> Result<()> {
    let (store, _manual, _directory) = store();
    store.put(key("a"), NewRecord::plain("{}")).await?;
    {
        let snapshot = store.0.reader.snapshot().expect("a snapshot");
        let records = snapshot.open_table(RECORDS).expect("the table");
        let stored = records.get("a").expect("a read").expect("is there");
        assert_eq!(stored.value(), b"{}");
    }
    let ttl = Expiry::After(Duration::from_secs(9));
    let expiring = || NewRecord::plain("1").with_expiry(ttl);
    let alone = store.put(key("a"), expiring()).await;
    let batch = store.put_many(vec![(key("b"), record("1")), (key("a"), expiring())]).await;
    for refused in [alone, batch] {
        let cause = refused.as_ref().err().map(ToString::to_string).unwrap_or_default();
        assert!(cause.contains("`a` in redb") && cause.contains("plain record"), "{refused:?}");
    }
    // Nor does it lose the expiry of the record that it replaces.
    store.put(key("c"), lasting(9)).await?;
    let update = Write::Update(key("c"), NewRecord::plain("1"));
    let both = vec![Write::Put(key("b"), record("1")), update];
    assert!(matches!(store.commit(Vec::new(), both.into()).await, Err(Error::Unsupported { .. })));
    assert!(store.read(&key("b")).await?.is_none() && !store.read(&key("c")).await?.expect("it").is_plain());
    assert_in_step(&store, 1);
    Ok(())
}

#[tokio::test]
async fn a_plain_value_is_a_record_of_version_1() -> Result<()> {
    let (store, _manual, _directory) = store();
    put_raw(&store, "user:7:profile", b"{\"name\":\"Ada\"}").await;
    let plain = store.read(&key("user:7:profile")).await?.expect("a record");
    assert_eq!((&plain.value[..], plain.metadata.version), (&b"{\"name\":\"Ada\"}"[..], 1));
    assert_eq!(plain.revision.plain().map(|value| &value[..]), Some(&plain.value[..]));

    let touch = vec![Write::Touch(key("user:7:profile"), Expiry::At(Timestamp::from_millis(5_000)))];
    let unchanged = vec![Condition::new(key("user:7:profile"), Expect::Revision(plain.revision.clone()))];
    assert_eq!(store.commit(unchanged.clone(), touch.into()).await?, Commit::Done);
    let touched = store.read(&key("user:7:profile")).await?.expect("a record");
    assert_eq!((&touched.value, touched.expires_at), (&plain.value, Some(Timestamp::from_millis(5_000))));
    assert!(touched.revision.token().is_some());
    assert_eq!(
        store.commit(unchanged, Write::Delete(key("user:7:profile")).into()).await?,
        Commit::Conflict(0)
    );
    assert_in_step(&store, 1);
    Ok(())
}

#[tokio::test]
async fn a_page_ends_after_many_keys_that_do_not_match() -> Result<()> {
    let (store, _manual, _directory) = store();
    let records = (0..SCANNED_BY_PAGE + 5).map(|number| (key(&format!("a:{number:06}:other")), record("{}")));
    store.put_many(records.collect()).await?;
    store.put(key("a:999999:this"), record("{}")).await?;
    let query = ListQuery::new(key("a:")).with_suffix(":this").with_limit(usize::MAX);
    let page = store.page(&query).await?;
    assert!(page.is_empty() && page.cursor.is_some());
    let page = store.page(&query.with_cursor(page.cursor)).await?;
    assert_eq!((page.keys().collect::<Vec<_>>(), &page.cursor), (vec!["a:999999:this"], &None));
    Ok(())
}

#[tokio::test]
async fn a_page_ends_after_some_megabytes_and_nothing_is_lost() -> Result<()> {
    let (store, _manual, _directory) = store();
    let value = "x".repeat(ListQuery::MAX_BYTES / 4);
    for number in 0..9 {
        store.put(key(&format!("a:{number}")), record(&value)).await?;
    }
    let mut query = ListQuery::new(key("a:"));
    let mut pages = Vec::new();
    loop {
        let page = store.page(&query).await?;
        pages.push(page.len());
        let cursor = page.cursor.clone();
        page.for_each(|_, entry| {
            assert!(matches!(entry, Entry::Record(found) if found.value.len() == value.len()))
        });
        if cursor.is_none() {
            break;
        }
        query = query.with_cursor(cursor);
    }
    assert_eq!(pages, [4, 4, 1]);
    assert_eq!(store.page(&query.with_cursor(None).with_content(Content::Heads)).await?.len(), 9);
    Ok(())
}

#[tokio::test]
async fn a_panic_of_the_writer_is_an_error_and_reads_go_on() -> Result<()> {
    let (store, _manual, _directory) = store();
    store.put(key("a"), record("{}")).await?;
    let panicked = store.made(Work::Panic).await;
    let refused = store.put(key("b"), record("{}")).await;
    for refused in [panicked, refused.map(|()| Commit::Done)] {
        let Err(error @ Error::Store { retryable: false, .. }) = refused else { panic!("{refused:?}") };
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(cause.contains("test.redb: the file is damaged, and nothing is written"), "{cause}");
    }
    assert!(store.read(&key("a")).await?.is_some());
    assert!(store.read(&key("b")).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn debug_shows_no_key_and_no_value() -> Result<()> {
    let (store, _manual, _directory) = store();
    store.put(key("session:token"), record("secret")).await?;
    let shown = format!("{store:?}");
    assert!(shown.starts_with("RedbStore { path: ") && !shown.contains("token") && !shown.contains("secret"));
    Ok(())
}
