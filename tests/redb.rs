//! What is special to the store in a file: which files it opens, what outlives it, and what its writers share.

use std::error::Error as StdError;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Command, Stdio};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::record::{Expiry, Metadata, NewRecord};
use kv_runtime::store::{
    AtomicStore, Commit, Condition, Content, Entry, Expect, ListQuery, RedbDurability, RedbStore, Store,
    Write,
};
use kv_runtime::{Clock, Error, ManualClock, Timestamp};
use redb::{Database, MultimapTableDefinition, ReadableDatabase, TableDefinition, TableHandle};
use tempfile::TempDir;

type Test = Result<(), Box<dyn StdError>>;

fn directory() -> Result<(TempDir, PathBuf), std::io::Error> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.redb");
    Ok((directory, path))
}

fn key(text: impl Into<String>) -> Key {
    Key::from_text(text)
}

fn record(value: &str) -> NewRecord {
    NewRecord::new(value.to_owned(), Metadata::default())
}

async fn value_of(store: &RedbStore, text: &str) -> Result<Option<String>, Box<dyn StdError>> {
    let found = store.get(&key(text)).await?;
    Ok(found.map(|found| String::from_utf8(found.value.to_vec())).transpose()?)
}

/// Opening must fail with `ForeignFile`, and leave every byte as it is.
fn assert_foreign(path: &Path, words: &str) -> Test {
    let before = fs::read(path)?;
    let refused = RedbStore::open(path);
    assert!(matches!(refused, Err(Error::ForeignFile { .. })), "{refused:?}");
    let shown = refused.map(drop).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(shown.contains(words) && shown.contains("app.redb"), "{shown}");
    assert!(fs::read(path)? == before, "the file was changed");
    Ok(())
}

#[test]
fn a_file_that_is_not_redb_is_refused() -> Test {
    let (_directory, path) = directory()?;
    for bytes in [&b"a"[..], b"hello, world\n", &[0; 100_000], &[b'x'; 4096]] {
        fs::write(&path, bytes)?;
        assert_foreign(&path, "not a redb file")?;
    }
    Ok(())
}

#[test]
fn the_database_of_another_program_is_refused() -> Test {
    let (_directory, path) = directory()?;
    let database = Database::create(&path)?;
    let transaction = database.begin_write()?;
    transaction.open_table(TableDefinition::<u64, &str>::new("records"))?.insert(1, "theirs")?;
    transaction.commit()?;
    // As a crash leaves it: redb repairs it before it can be told what it holds.
    let crashed = path.with_file_name("crashed.app.redb");
    fs::copy(&path, &crashed)?;
    drop(database);
    assert_foreign(&path, "another program")?;

    assert!(matches!(RedbStore::open(&crashed), Err(Error::ForeignFile { .. })));
    let database = Database::open(&crashed)?;
    let tables: Vec<_> = database.begin_read()?.list_tables()?.map(|table| table.name().to_owned()).collect();
    assert_eq!(tables, ["records"]);
    Ok(())
}

#[test]
fn a_database_that_only_looks_like_ours_is_refused() -> Test {
    let (_directory, path) = directory()?;
    let write = |fill: &dyn Fn(&redb::WriteTransaction) -> Result<(), redb::Error>| -> Test {
        if path.exists() {
            fs::remove_file(&path)?;
        }
        let database = Database::create(&path)?;
        let transaction = database.begin_write()?;
        fill(&transaction)?;
        Ok(transaction.commit()?)
    };
    write(&|transaction| {
        transaction.open_multimap_table(MultimapTableDefinition::<u64, u64>::new("index"))?;
        Ok(())
    })?;
    assert_foreign(&path, "another program")?;
    write(&|transaction| {
        transaction.open_table(TableDefinition::<&str, &str>::new("kv_runtime"))?.insert("format", "1")?;
        Ok(())
    })?;
    assert_foreign(&path, "another program")?;
    write(&|transaction| {
        transaction.open_table(TableDefinition::<&str, u64>::new("kv_runtime"))?.insert("else", 1)?;
        Ok(())
    })?;
    assert_foreign(&path, "another program")?;
    write(&|transaction| {
        transaction.open_table(TableDefinition::<&str, u64>::new("kv_runtime"))?.insert("format", 1)?;
        transaction.open_table(TableDefinition::<&str, &str>::new("records"))?;
        Ok(())
    })?;
    assert_foreign(&path, "not those of format 1")
}

#[test]
fn a_newer_format_is_refused() -> Test {
    let (_directory, path) = directory()?;
    drop(RedbStore::open(&path)?);
    let database = Database::open(&path)?;
    let transaction = database.begin_write()?;
    transaction.open_table(TableDefinition::<&str, u64>::new("kv_runtime"))?.insert("format", 2)?;
    transaction.commit()?;
    drop(database);
    assert_foreign(&path, "it has format 2, and this program reads format 1")
}

#[test]
fn a_file_of_redb_2_is_refused() -> Test {
    let (_directory, path) = directory()?;
    drop(RedbStore::open(&path)?);
    let mut bytes = fs::read(&path)?;
    // The format's number begins each of the two commit slots.
    for slot in [64, 192] {
        assert_eq!(bytes[slot], 3);
        bytes[slot] = 2;
    }
    fs::write(&path, bytes)?;
    assert_foreign(&path, "redb's own file format 2")
}

#[test]
fn an_error_of_the_file_system_names_the_file() -> Test {
    let (directory, _) = directory()?;
    let refused = RedbStore::open(directory.path().join("missing").join("app.redb"));
    let Err(error @ Error::Store { .. }) = refused else { panic!("{refused:?}") };
    let cause = error.source().map(|cause| cause.to_string()).unwrap_or_default();
    assert!(cause.contains("missing") && cause.contains("app.redb"), "{cause}");
    Ok(())
}

#[tokio::test]
async fn an_empty_file_and_one_without_tables_are_new_ones() -> Test {
    let (_directory, path) = directory()?;
    fs::write(&path, b"")?;
    RedbStore::open(&path)?.put(key("a"), record("1")).await?;
    let bare = path.with_file_name("bare.redb");
    drop(Database::create(&bare)?);
    RedbStore::open(&bare)?.put(key("a"), record("1")).await?;
    assert_eq!(value_of(&RedbStore::open(&bare)?, "a").await?.as_deref(), Some("1"));
    Ok(())
}

#[tokio::test]
async fn one_handle_of_a_file_at_a_time() -> Test {
    let (_directory, path) = directory()?;
    let store = RedbStore::open(&path)?;
    store.put(key("a"), record("1")).await?;
    assert!(matches!(RedbStore::open(&path), Err(Error::AlreadyOpen { .. })));
    // A refused second open takes nothing from the first.
    store.put(key("a"), record("2")).await?;
    let clone = store.clone();
    drop(store);
    assert!(matches!(RedbStore::open(&path), Err(Error::AlreadyOpen { .. })));
    drop(clone);
    let store = RedbStore::open(&path)?;
    assert_eq!(value_of(&store, "a").await?.as_deref(), Some("2"));
    Ok(())
}

/// Where the test below tells its child process the file.
const CHILD_OPENS: &str = "KV_TEST_CHILD_OPENS";

#[test]
fn a_second_process_is_refused() -> Test {
    let (_directory, path) = directory()?;
    let store = RedbStore::open(&path)?;
    let opens_in_child = || -> Result<String, Box<dyn StdError>> {
        let output = Command::new(std::env::current_exe()?)
            .args(["--exact", "child_process", "--ignored", "--nocapture"])
            .env(CHILD_OPENS, &path)
            .stderr(Stdio::inherit())
            .output()?;
        Ok(String::from_utf8(output.stdout)?)
    };
    let refused = opens_in_child()?;
    assert!(refused.contains("child: AlreadyOpen"), "{refused}");
    drop(store);
    let opened = opens_in_child()?;
    assert!(opened.contains("child: opened"), "{opened}");
    Ok(())
}

#[test]
#[ignore = "the child process of another test, which alone gives it a file"]
fn child_process() {
    let Some(path) = std::env::var_os(CHILD_OPENS) else { return };
    match RedbStore::open(path) {
        Ok(_) => println!("child: opened"),
        Err(Error::AlreadyOpen { .. }) => println!("child: AlreadyOpen"),
        Err(error) => println!("child: {error}"),
    }
}

/// Polls a future once, and drops it.
fn poll_once(future: impl Future) -> bool {
    let polled = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    matches!(polled, Poll::Ready(_))
}

#[tokio::test]
async fn a_dropped_future_has_written_all_or_nothing() -> Test {
    let (_directory, path) = directory()?;
    let store = RedbStore::open(&path)?;
    drop(store.put(key("never polled"), record("1")));
    let pair = |number: u32| {
        let text = number.to_string();
        vec![Write::Put(key("a"), record(&text)), Write::Put(key("b"), record(&text))]
    };
    for number in 0..50 {
        poll_once(store.commit(Vec::new(), pair(number)));
    }
    poll_once(store.put_many(vec![(key("c"), record("1")), (key("d"), record("1"))]));
    // The last handle goes while the queue is full; the file is free at once, and the queue was not lost.
    drop(store);
    let store = RedbStore::open(&path)?;
    for (text, value) in [("a", "49"), ("b", "49"), ("c", "1"), ("d", "1")] {
        assert_eq!(value_of(&store, text).await?.as_deref(), Some(value));
    }
    assert_eq!(value_of(&store, "never polled").await?, None);
    Ok(())
}

#[tokio::test]
async fn what_is_flushed_or_closed_in_order_is_kept_without_fsyncs() -> Test {
    let (_directory, path) = directory()?;
    let open = || RedbStore::options().durability(RedbDurability::OnFlush).open(&path);
    let store = open()?;
    store.put(key("a"), record("1")).await?;
    assert_eq!(value_of(&store, "a").await?.as_deref(), Some("1"));
    store.flush().await?;
    // As a crash right after the flush would leave it.
    let crashed = path.with_file_name("crashed.redb");
    fs::copy(&path, &crashed)?;
    assert_eq!(value_of(&RedbStore::open(&crashed)?, "a").await?.as_deref(), Some("1"));
    store.put(key("b"), record("2")).await?;
    drop(store);
    assert_eq!(value_of(&open()?, "b").await?.as_deref(), Some("2"));
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_reads_after_a_write_sees_it() -> Test {
    let (_directory, path) = directory()?;
    let store = RedbStore::options().durability(RedbDurability::OnFlush).open(&path)?;
    let mut tasks = Vec::new();
    for task in 0..8 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mine = key(format!("task:{task}"));
            for number in 0..100_u32 {
                store.put(mine.clone(), record(&number.to_string())).await?;
                let (asked, listed) = (mine.clone(), ListQuery::new(mine.clone()));
                let by_get = store.get(&asked).await?.map(|found| found.value.to_vec());
                let by_batch = store.get_many(&[asked]).await?.remove(0).map(|found| found.value.to_vec());
                assert_eq!((&by_get, &by_batch), (&Some(number.to_string().into_bytes()), &by_get));
                assert_eq!(store.list(&listed).await?.len(), 1);
            }
            Ok::<_, Error>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_batch_of_reads_is_of_one_moment() -> Test {
    let (_directory, path) = directory()?;
    let store = RedbStore::options().durability(RedbDurability::OnFlush).open(&path)?;
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 0..300_u32 {
                let both = ["a", "b"].map(|text| (key(text), record(&number.to_string())));
                store.put_many(both.into()).await?;
            }
            Ok::<_, Error>(())
        }
    });
    let mut reads = 0;
    while reads == 0 || !writer.is_finished() {
        let both = store.get_many(&[key("a"), key("b")]).await?;
        let values: Vec<_> =
            both.iter().map(|found| found.as_ref().map(|found| found.value.to_vec())).collect();
        assert_eq!(values[0], values[1]);
        reads += 1;
        tokio::task::yield_now().await;
    }
    Ok(writer.await??)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_share_commits() -> Test {
    let (_directory, path) = directory()?;
    let store = RedbStore::open(&path)?;
    let tasks = (0..64).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..10 {
                store.put(key(format!("{task}:{number}")), record("{}")).await?;
            }
            Ok::<_, Error>(())
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    let stats = store.stats();
    assert_eq!((stats.calls, stats.records), (640, 640));
    assert!(stats.commits <= 640 / 4, "{stats:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_update_is_lost() -> Test {
    let (_directory, path) = directory()?;
    let store = RedbStore::options().durability(RedbDurability::OnFlush).open(&path)?;
    store.put(key("count"), record("0")).await?;
    let tasks = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut left = 25;
            while left > 0 {
                let Some(found) = store.get(&key("count")).await? else { continue };
                let count: u32 = String::from_utf8_lossy(&found.value).parse().unwrap_or_default();
                let unchanged = Condition::new(key("count"), Expect::Revision(found.revision));
                let next = Write::Update(key("count"), record(&(count + 1).to_string()));
                if store.commit(vec![unchanged], vec![next]).await? == Commit::Done {
                    left -= 1;
                }
            }
            Ok::<_, Error>(())
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    assert_eq!(value_of(&store, "count").await?.as_deref(), Some("200"));
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

    // Whoever knows better replaces it.
    let store = RedbStore::open(&path)?;
    store.put(key("a:2"), record("2")).await?;
    assert_eq!(value_of(&store, "a:2").await?.as_deref(), Some("2"));
    Ok(())
}
