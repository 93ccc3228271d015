//! The content of the file: what a sweep removes, and how it treats damage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use kv_runtime::record::Expiry;
use kv_runtime::store::{
    Commit, Condition, Content, Entry, Expect, ListQuery, RedbStore, Store, StoreExt, Write,
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
        let found = store.read_many(&keys).await?.iter().flatten().count();
        torn += usize::from(found != 0 && found != keys.len());
    }
    stop.store(true, Ordering::Relaxed);
    ticking.join().map_err(|_| "the clock ticks")?;
    assert_eq!(torn, 0);
    Ok(())
}

/// A long batch yields to other tasks, and shows no write that was made meanwhile.
#[tokio::test]
async fn a_long_batch_of_reads_yields_and_is_of_one_moment() -> Test {
    let (_directory, path) = directory()?;
    let store = RedbStore::open(&path)?;
    store.put(key("first"), record(&"x".repeat(4_000))).await?;
    store.put(key("last"), record("before")).await?;
    let keys: Vec<_> = std::iter::repeat_n(key("first"), 50_000).chain([key("last")]).collect();
    let mut reading = Box::pin(store.read_many(&keys));
    assert!(reading.as_mut().now_or_never().is_none(), "it takes far more than 10 ms");
    store.put(key("last"), record("after")).await?;
    let found = reading.await?;
    let last = found.last().and_then(Option::as_ref).ok_or("it is there")?;
    assert_eq!((found.len(), &*last.value), (50_001, &b"before"[..]));
    Ok(())
}

/// A long value is not copied, and yet stays what it was when it was read.
#[tokio::test]
async fn a_long_value_outlives_what_comes_after_it() -> Test {
    let (_directory, path) = directory()?;
    let store = RedbStore::open(&path)?;
    let long = |letter: &str| letter.repeat(1 << 20);
    store.put(key("a"), record(&long("x"))).await?;
    let held = store.read(&key("a")).await?.ok_or("it is there")?;
    assert_eq!(held.metadata, record("").metadata);
    for letter in ["y", "z"] {
        store.put(key("a"), record(&long(letter))).await?;
        store.put(key("b"), record(&long(letter))).await?;
    }
    assert_eq!(value_of(&store, "a").await?, Some(long("z")));
    let refused = store.compact().await.expect_err("its pages are in use");
    assert!(refused.is_retryable(), "{refused}");
    store.delete(key("a")).await?;
    drop(store);
    let store = RedbStore::open(&path)?;
    store.put(key("c"), record(&long("y"))).await?;
    assert!(*held.value == *long("x").as_bytes(), "it has changed");
    drop(held);
    store.compact().await?;
    assert_eq!(value_of(&store, "b").await?, Some(long("z")));
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
    assert_eq!(store.commit(Vec::new(), touch.into()).await?, Commit::Done);
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
    let page = store.page(&ListQuery::new(key("")).with_content(Content::Keys)).await?;
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
async fn a_damaged_record_is_an_error_and_stays() -> Test {
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
    assert!(store.read(&key("a:2")).await.is_err_and(|error| is_malformed(&error)));
    assert!(store.head(&key("a:2")).await.is_err_and(|error| is_malformed(&error)));
    assert!(store.read_many(&[key("a:1"), key("a:2")]).await.is_err_and(|error| is_malformed(&error)));
    let any = || vec![Condition::new(key("a:2"), Expect::Present)];
    assert!(store.commit(any(), Vec::new().into()).await.is_err_and(|error| is_malformed(&error)));
    for content in [Content::Keys, Content::Heads, Content::Records] {
        let mut shown = Vec::new();
        let page = store.page(&ListQuery::new(key("a:")).with_content(content)).await?;
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
