//! The content of the file: what a sweep removes, and how it treats damage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kv_runtime::record::Expiry;
use kv_runtime::store::{
    AtomicStore, Commit, Condition, Content, Entry, Expect, ListQuery, RedbStore, Store, Write,
};
use kv_runtime::{Clock, Error, ManualClock, Timestamp};
use redb::{Database, ReadableDatabase, TableDefinition};

use super::{Test, directory, key, record, value_of};

#[tokio::test]
async fn a_batch_is_read_at_one_moment() -> Test {
    let (_directory, path) = directory()?;
    let (start, end) = (Timestamp::from_millis(1_000), Timestamp::from_millis(2_000));
    let manual = ManualClock::new(start);
    let store = RedbStore::options().clock(Clock::from(&manual)).open(&path)?;
    let keys: Vec<_> = (0..8).map(|number| key(format!("entity:1:{number}"))).collect();
    let expiring = || record("{}").with_expiry(Expiry::At(end));
    store.put_many(keys.iter().map(|key| (key.clone(), expiring())).collect()).await?;
    // Time passes the expiry between two looks at the clock; here it does so again and again.
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let ticking = std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            manual.set(start);
            std::thread::yield_now();
            manual.set(end);
        }
    });
    let mut torn = 0;
    for _ in 0..20_000 {
        let found = store.get_many(&keys).await?.iter().flatten().count();
        torn += usize::from(found != 0 && found != keys.len());
    }
    stop.store(true, Ordering::Relaxed);
    ticking.join().map_err(|_| "the clock ticks")?;
    assert_eq!(torn, 0);
    Ok(())
}

#[tokio::test]
async fn a_sweep_removes_what_has_expired_and_nothing_else() -> Test {
    let (_directory, path) = directory()?;
    let manual = ManualClock::new(Timestamp::from_millis(1_000));
    let store = RedbStore::options().clock(Clock::from(&manual)).open(&path)?;
    let lasting = |secs| record("{}").with_expiry(Expiry::After(Duration::from_secs(secs)));
    let records = (0..25).map(|number| (key(format!("gone:{number}")), lasting(1)));
    store.put_many(records.collect()).await?;
    for text in ["overwritten", "touched", "later", "forever"] {
        store.put(key(text), lasting(1)).await?;
    }
    store.put(key("overwritten"), record("{}")).await?;
    let touch = Write::Touch(key("touched"), Expiry::After(Duration::from_secs(60)));
    assert_eq!(store.commit(Vec::new(), vec![touch]).await?, Commit::Done);
    store.put(key("later"), lasting(60)).await?;
    store.put(key("forever"), record("{}")).await?;

    assert_eq!((store.sweep(100).await?.removed, store.stats().records), (0, 33));
    manual.advance(Duration::from_secs(1));
    let mut removed = Vec::new();
    loop {
        let report = store.sweep(10).await?;
        removed.push(report.removed);
        if !report.more {
            break;
        }
    }
    assert_eq!(removed, [10, 10, 5]);
    let page = store.list(&ListQuery::new(key("")).with_content(Content::Keys)).await?;
    assert_eq!(page.keys().collect::<Vec<_>>(), ["forever", "later", "overwritten", "touched"]);
    drop(store);

    // Nothing of them is left in the file.
    let database = Database::open(&path)?;
    let records = TableDefinition::<&str, &[u8]>::new("records");
    assert_eq!(redb::ReadableTableMetadata::len(&database.begin_read()?.open_table(records)?)?, 4);
    let expiry = TableDefinition::<(u64, &str), ()>::new("expiry");
    assert_eq!(redb::ReadableTableMetadata::len(&database.begin_read()?.open_table(expiry)?)?, 2);
    Ok(())
}

#[tokio::test]
async fn a_damaged_record_is_told_and_left() -> Test {
    let (_directory, path) = directory()?;
    let records = TableDefinition::<&str, &[u8]>::new("records");
    let damaged: &[u8] = b"\xFFK\x01\xFF damaged";
    let store = RedbStore::open(&path)?;
    store.put_many(vec![(key("a:1"), record("1")), (key("a:3"), record("3"))]).await?;
    drop(store);
    let database = Database::open(&path)?;
    let transaction = database.begin_write()?;
    transaction.open_table(records)?.insert("a:2", damaged)?;
    transaction.commit()?;
    drop(database);

    let store = RedbStore::open(&path)?;
    let is_malformed =
        |error: &Error| matches!(error, Error::Malformed { .. }) && error.to_string().contains("a:2");
    assert!(store.get(&key("a:2")).await.is_err_and(|error| is_malformed(&error)));
    assert!(store.head(&key("a:2")).await.is_err_and(|error| is_malformed(&error)));
    assert!(store.get_many(&[key("a:1"), key("a:2")]).await.is_err_and(|error| is_malformed(&error)));
    let any = || vec![Condition::new(key("a:2"), Expect::Present)];
    assert!(store.commit(any(), Vec::new()).await.is_err_and(|error| is_malformed(&error)));
    for content in [Content::Keys, Content::Heads, Content::Records] {
        let mut shown = Vec::new();
        let page = store.list(&ListQuery::new(key("a:")).with_content(content)).await?;
        page.for_each(|key, entry| shown.push((key.to_owned(), matches!(entry, Entry::Failed(_)))));
        assert_eq!(shown, [("a:1".to_owned(), false), ("a:2".to_owned(), true), ("a:3".to_owned(), false)]);
    }
    drop(store);
    let database = Database::open(&path)?;
    let stored =
        database.begin_read()?.open_table(records)?.get("a:2")?.map(|stored| stored.value().to_vec());
    assert_eq!(stored.as_deref(), Some(damaged));
    drop(database);

    // The application can replace it.
    let store = RedbStore::open(&path)?;
    store.put(key("a:2"), record("2")).await?;
    assert_eq!(value_of(&store, "a:2").await?.as_deref(), Some("2"));
    Ok(())
}
