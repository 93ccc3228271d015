//! What its writers share, and what they and those who read meanwhile are promised.

use std::fs;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kv_runtime::Error;
use kv_runtime::store::{
    Commit, Condition, Expect, ListQuery, RedbDurability, RedbStore, Store, StoreExt, Write,
};

use super::{Test, directory, key, record, value_of};

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
        poll_once(store.commit(Vec::new(), pair(number).into()));
    }
    // The last handle goes while the queue is full; the file is free at once.
    drop(store);
    let store = RedbStore::open(&path)?;
    assert_eq!(value_of(&store, "a").await?, value_of(&store, "b").await?);
    assert_eq!(value_of(&store, "never polled").await?, None);
    Ok(())
}

#[tokio::test]
async fn given_up_writes_hold_little_memory_and_delay_nobody() -> Test {
    let (_directory, path) = directory()?;
    let store = RedbStore::options().queue_bytes(4 << 20).open(&path)?;
    let large = "x".repeat(1 << 20);
    for number in 0..200 {
        assert!(!poll_once(store.put(key(format!("given up:{number}")), record(&large))));
        assert!(store.stats().queued_bytes <= 5 << 20, "{:?}", store.stats());
    }
    store.put(key("a"), record("1")).await?;
    let stats = store.stats();
    assert!(stats.calls < 100 && stats.calls + stats.skipped <= 201, "{stats:?}");
    assert_eq!(value_of(&store, "a").await?.as_deref(), Some("1"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_wait_for_room_and_an_unpolled_one_keeps_nobody_out() -> Test {
    let (_directory, path) = directory()?;
    let options = RedbStore::options().durability(RedbDurability::OnFlush).queue_bytes(1);
    let store = options.open(&path)?;
    // It may have got its room, or wait for it; it is not polled again.
    let mut unpolled: Vec<_> =
        (0..8).map(|number| Box::pin(store.put(key(format!("unpolled:{number}")), record("1")))).collect();
    for future in &mut unpolled {
        let _ = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    let tasks = (0..16).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..20 {
                store.put(key(format!("{task}:{number}")), record("{}")).await?;
            }
            Ok::<_, Error>(())
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        tokio::time::timeout(std::time::Duration::from_secs(60), task).await???;
    }
    for future in unpolled {
        future.await?;
    }
    assert_eq!(store.stats().records, 328);
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
                let by_get = store.read(&asked).await?.map(|found| found.value.to_vec());
                let by_batch = store.read_many(&[asked]).await?.remove(0).map(|found| found.value.to_vec());
                assert_eq!((&by_get, &by_batch), (&Some(number.to_string().into_bytes()), &by_get));
                assert_eq!(store.page(&listed).await?.len(), 1);
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
        let both = store.read_many(&[key("a"), key("b")]).await?;
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
                let Some(found) = store.read(&key("count")).await? else { continue };
                let count: u32 = String::from_utf8_lossy(&found.value).parse().unwrap_or_default();
                let unchanged = Condition::new(key("count"), Expect::Revision(found.revision));
                let next = Write::Update(key("count"), record(&(count + 1).to_string()));
                if store.commit(vec![unchanged], next.into()).await? == Commit::Done {
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

#[derive(kv_runtime::KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "count")]
struct Count {
    #[kv(id)]
    id: u64,
    count: u64,
}

#[tokio::test]
async fn a_bulk_write_waits_for_the_disk_once() -> Test {
    let (_directory, path) = directory()?;
    let store = RedbStore::open(&path)?;
    let counts = kv_runtime::Kv::new(store.clone()).collection::<Count>();
    counts.put_many((0..25_000).map(|id| Count { id, count: id })).await?;
    let stats = store.stats();
    // One commit, or two where the machine is so slow that the first part is not waited for.
    assert!(stats.commits <= 2 && stats.records == 25_000, "{stats:?}");
    // As a crash right after it would leave the file.
    let crashed = path.with_file_name("crashed.redb");
    fs::copy(&path, &crashed)?;
    assert_eq!(RedbStore::open(&crashed)?.space_of("count:").await?.records, 25_000);
    Ok(())
}

#[tokio::test]
async fn a_bulk_write_that_fails_counts_what_is_on_the_disk() -> Test {
    #[derive(kv_runtime::KvEntity)]
    #[kv(prefix = "note")]
    struct Note {
        #[kv(id)]
        id: String,
    }
    let (_directory, path) = directory()?;
    let store = RedbStore::open(&path)?;
    let notes = kv_runtime::Kv::new(store.clone()).collection::<Note>();
    let too_long = std::iter::once("x".repeat(2_000));
    let ids = (0..25_000).map(|id| id.to_string()).chain(too_long);
    let failed = notes.put_many(ids.map(|id| Note { id })).await;
    let Err(Error::Partial { written: 20_000, .. }) = failed else { panic!("{failed:?}") };
    assert!(store.stats().durable_commits >= 1);
    let crashed = path.with_file_name("crashed.redb");
    fs::copy(&path, &crashed)?;
    assert_eq!(RedbStore::open(&crashed)?.space_of("note:").await?.records, 20_000);
    Ok(())
}

/// Each commit would copy again most of the pages that are there.
#[tokio::test]
async fn a_bulk_write_in_random_order_copies_no_page_twice() -> Test {
    #[derive(kv_runtime::KvEntity)]
    #[kv(prefix = "note")]
    struct Note {
        #[kv(id)]
        id: u64,
        text: String,
    }
    let (_directory, path) = directory()?;
    let store = RedbStore::options().durability(RedbDurability::OnFlush).open(&path)?;
    let notes = kv_runtime::Kv::new(store.clone()).collection::<Note>();
    let ids = (0..50_000).map(|place| place * 7_919 % 50_000);
    notes.put_many(ids.map(|id| Note { id, text: "x".repeat(200) })).await?;
    store.flush().await?;
    let space = store.space().await?;
    assert_eq!(space.records, 50_000);
    assert!(space.file_bytes < 3 * space.live_bytes, "{space:?}");
    Ok(())
}

/// redb splits a full page in the middle, so ascending keys alone would leave every page half empty.
#[tokio::test]
async fn bulk_writes_in_order_fill_their_pages() -> Test {
    let (_directory, path) = directory()?;
    let store = RedbStore::options().durability(RedbDurability::OnFlush).open(&path)?;
    let batch = |from: u32| {
        (from..from + 5_000)
            .map(|id| (key(format!("a:{id:06}")), record("a value of the usual length")))
            .collect()
    };
    store.put_many(batch(0)).await?;
    store.put_many(batch(5_000)).await?;
    let space = store.space().await?;
    assert_eq!(space.records, 10_000);
    assert!(space.overhead_bytes < space.live_bytes / 2, "{space:?}");
    // Of two records with one key the later one remains.
    let twice =
        (0..200).map(|place| (key(format!("b:{:03}", place / 2)), record(&place.to_string()))).collect();
    store.put_many(twice).await?;
    for number in 0..100 {
        let value = value_of(&store, &format!("b:{number:03}")).await?;
        assert_eq!(value, Some((2 * number + 1).to_string()));
    }
    Ok(())
}

/// A cache holds nothing that it read before an abandoned write has settled.
#[tokio::test]
async fn an_abandoned_bulk_write_changes_nothing_once_it_has_settled() -> Test {
    let (_directory, path) = directory()?;
    let store = RedbStore::open(&path)?;
    let counts = kv_runtime::Kv::new(store.clone()).collection::<Count>();
    let mut writing = Box::pin(counts.put_many((0..60_000).map(|id| Count { id, count: id })));
    while store.stats().calls < 2 {
        assert!(!poll_once(writing.as_mut()), "there is more to write");
        tokio::task::yield_now().await;
    }
    drop(writing);
    let mark = store.info().mark();
    while !store.info().has_settled(mark) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let settled = store.space_of("count:").await?.records;
    assert!((20_000..60_000).contains(&settled), "{settled}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(store.space_of("count:").await?.records, settled);
    Ok(())
}
