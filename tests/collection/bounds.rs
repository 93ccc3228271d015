//! Pages end by bytes and by keys that were looked at, and long calls yield to other tasks.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kv_runtime::store::{AtomicStore, ListQuery, MemoryStore, StoreExt};
use kv_runtime::{Cursor, Error, Kv, KvEntity, ManualClock, Page};

use crate::entities::Counter;
use crate::{Outcome, on_every_store};

on_every_store!(
    a_page_ends_by_bytes,
    a_page_of_groups_ends_by_bytes,
    small_entities_before_large_ones_do_not_mislead,
    an_entity_larger_than_a_page_is_shown,
    ids_end_by_bytes_too,
    no_page_of_none_loses_the_cursor,
    a_stream_fetches_no_more_than_a_page,
    long_calls_yield,
    calls_on_one_entity_do_not_yield
);

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "blob")]
struct Blob {
    #[kv(id, ordered)]
    id: u32,
    text: String,
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "doc", group = "head")]
#[kv(group(name = "body"))]
struct Doc {
    #[kv(id, ordered)]
    id: u32,
    title: String,
    #[kv(group = "body")]
    text: String,
}

fn doc(id: u32, bytes: usize) -> Doc {
    Doc { id, title: "a".to_owned(), text: "x".repeat(bytes) }
}

/// Polls a future to its end, and tells how often it was pending.
fn polled<T>(future: impl Future<Output = T>) -> (T, usize) {
    let mut future = pin!(future);
    let mut pending = 0;
    loop {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => return (value, pending),
            Poll::Pending => pending += 1,
        }
        // A writer's thread may have to answer.
        std::thread::yield_now();
    }
}

/// Follows the cursors, and gives the number of entities of each page.
async fn pages<E: KvEntity>(
    page: impl AsyncFn(Option<Cursor>) -> Result<Page<E>, Error>,
) -> Result<(Vec<usize>, Vec<E>), Error> {
    let (mut lens, mut shown, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let found = page(cursor).await?;
        lens.push(found.entities.len());
        shown.extend(found.entities);
        cursor = found.cursor;
        if cursor.is_none() {
            return Ok((lens, shown));
        }
    }
}

async fn a_page_ends_by_bytes<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let blobs = kv.collection::<Blob>();
    let all: Vec<_> = (0..10).map(|id| Blob { id, text: "x".repeat(1 << 20) }).collect();
    blobs.put_many(&all).await?;
    let (lens, shown) = pages(async |cursor| blobs.list().cursor(cursor).page().await).await?;
    assert_eq!((lens, &shown), (vec![4, 4, 2], &all));
    let list = || blobs.list().max_bytes(2 << 20);
    let (lens, shown) = pages(async |cursor| list().cursor(cursor).page().await).await?;
    assert_eq!((lens, shown), (vec![2; 5], all));
    Ok(())
}

async fn a_page_of_groups_ends_by_bytes<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let docs = kv.collection::<Doc>();
    let all: Vec<_> = (0..10).map(|id| doc(id, 1 << 20)).collect();
    docs.put_many(&all).await?;
    let (lens, shown) = pages(async |cursor| docs.list().cursor(cursor).page().await).await?;
    assert_eq!((lens, &shown), (vec![4, 4, 2], &all));
    let list = || docs.list().max_bytes(1);
    let (lens, shown) = pages(async |cursor| list().cursor(cursor).page().await).await?;
    assert_eq!((lens, shown), (vec![1; 10], all));
    Ok(())
}

async fn small_entities_before_large_ones_do_not_mislead<S: AtomicStore>(
    kv: Kv<S>,
    _: ManualClock,
) -> Outcome {
    let docs = kv.collection::<Doc>();
    let all: Vec<_> = (0..80).map(|id| doc(id, if id < 9 { 1 } else { 100_000 })).collect();
    docs.put_many(&all).await?;
    let (lens, shown) = pages(async |cursor| docs.list().cursor(cursor).page().await).await?;
    assert_eq!(shown, all);
    // A batch is at most eight times as large as the one before.
    assert!(lens[0] <= 1 + 8 + 64, "{lens:?}");
    assert!(lens[1..].iter().all(|len| *len <= 43), "{lens:?}");
    Ok(())
}

async fn an_entity_larger_than_a_page_is_shown<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let blobs = kv.collection::<Blob>();
    let all: Vec<_> = (0..3).map(|id| Blob { id, text: "x".repeat(100) }).collect();
    blobs.put_many(&all).await?;
    let list = || blobs.list().max_bytes(0);
    let (lens, shown) = pages(async |cursor| list().cursor(cursor).page().await).await?;
    assert_eq!((lens, &shown), (vec![1; 3], &all));
    let mut stream = list().stream();
    let mut streamed = Vec::new();
    while let Some(blob) = stream.next().await {
        streamed.push(blob?);
    }
    assert_eq!(streamed, all);
    Ok(())
}

async fn ids_end_by_bytes_too<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let counters = kv.collection::<Counter>();
    let name = |number: u32| format!("{number}{}", "x".repeat(100));
    counters.put_many((0..9).map(|number| Counter { name: name(number), count: 1 })).await?;
    let page = counters.list().max_bytes(300).ids().page().await?;
    assert_eq!(page.ids, [name(0), name(1), name(2)]);
    let rest = counters.list().cursor(page.cursor).ids().page().await?;
    assert_eq!((rest.ids.len(), rest.cursor), (6, None));
    Ok(())
}

async fn no_page_of_none_loses_the_cursor<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let counters = kv.collection::<Counter>();
    counters.put(&Counter { name: "a".to_owned(), count: 1 }).await?;
    for refused in [
        counters.list().limit(0).page().await.map(drop),
        counters.list().limit(0).ids().page().await.map(drop),
    ] {
        let error = refused.expect_err("a page of none leads nowhere");
        assert!(matches!(error, Error::InvalidOptions { .. }), "{error}");
        assert!(error.to_string().starts_with("Counter `counter:"), "{error}");
    }
    assert!(counters.list().limit(0).stream().next().await.is_none());
    assert!(counters.list().limit(0).ids().stream().next().await.is_none());
    Ok(())
}

async fn a_stream_fetches_no_more_than_a_page<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let blobs = kv.collection::<Blob>();
    blobs.put_many((0..12).map(|id| Blob { id, text: "x".repeat(1 << 20) })).await?;
    let mut stream = blobs.list().stream();
    assert_eq!(stream.next().await.transpose()?.map(|blob| blob.id), Some(0));
    // What was fetched with the first one comes even if it is deleted now; the others do not.
    blobs.delete_many(0..12).await?;
    let mut rest = Vec::new();
    while let Some(blob) = stream.next().await {
        rest.push(blob?.id);
    }
    assert_eq!(rest, [1, 2, 3]);
    Ok(())
}

async fn long_calls_yield<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let counters = kv.collection::<Counter>();
    let some = 2_500_u64;
    counters.put_many((0..some).map(|count| Counter { name: count.to_string(), count })).await?;
    let (census, yields) = polled(counters.census());
    assert_eq!(census?.groups[0].total(), some);
    assert!(yields >= 2, "{yields}");
    let (seen, yields) = polled(async {
        let (mut stream, mut seen) = (counters.list().stream(), 0);
        while let Some(counter) = stream.next().await {
            counter?;
            seen += 1;
        }
        Ok::<_, Error>(seen)
    });
    assert_eq!(seen?, some);
    assert!(yields >= 2, "{yields}");
    // It takes far longer than 10 ms to make so many keys, and to read so many records.
    let (found, yields) = polled(counters.get_many(std::iter::repeat_n("7", 100_000)));
    assert!(found?.iter().all(Option::is_some));
    assert!(yields >= 2, "{yields}");
    let (report, yields) = polled(counters.migrate_all().batch(1_000).run());
    assert_eq!(report?.current, some);
    assert!(yields >= 2, "{yields}");
    // Before the batch and after it.
    let (deleted, yields) = polled(counters.delete_many((0..some).map(|count| count.to_string())));
    deleted?;
    assert!(yields >= 2, "{yields}");
    let (found, yields) = polled(counters.get_many((0..some).map(|count| count.to_string())));
    assert!(found?.iter().all(Option::is_none));
    assert!(yields >= 1, "{yields}");
    // Writing takes far longer than 10 ms in all.
    let many = (0..20_000).map(|count| Counter { name: count.to_string(), count });
    let (written, yields) = polled(counters.put_many(many));
    written?;
    assert!(yields >= 2, "{yields}");
    Ok(())
}

async fn calls_on_one_entity_do_not_yield<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let counters = kv.collection::<Counter>();
    counters.put(&Counter { name: "a".to_owned(), count: 1 }).await?;
    let (found, yields) = polled(counters.get("a"));
    assert_eq!((found?.map(|counter| counter.count), yields), (Some(1), 0));
    let (page, yields) = polled(counters.list().page());
    assert_eq!((page?.entities.len(), yields), (1, 0));
    Ok(())
}

#[tokio::test]
async fn a_page_over_expired_records_ends_and_yields() -> Outcome {
    let (kv, clock) = crate::memory();
    expire_many(&kv, &clock, 150_000).await?;
    let (page, yields) = polled(kv.collection::<Brief>().list().limit(10).page());
    let page = page?;
    assert_eq!(page.entities.len(), 0);
    assert!(page.cursor.is_some() && yields >= 5, "{yields} yields");
    let rest = kv.collection::<Brief>().list().cursor(page.cursor).page().await?;
    assert_eq!((rest.entities, rest.cursor), (vec![Brief { id: u64::MAX, text: String::new() }], None));
    Ok(())
}

#[tokio::test]
async fn no_look_of_a_list_holds_the_thread_for_long() -> Outcome {
    let store = MemoryStore::new();
    let blobs = Kv::new(store.clone()).collection::<Blob>();
    blobs.put_many((0..300).map(|id| Blob { id, text: "x\"".repeat(50_000) })).await?;
    // To decode them takes far more than 10 ms.
    let (page, yields) = polled(blobs.list().max_bytes(usize::MAX).page());
    assert_eq!(page?.entities.len(), 300);
    assert!(yields >= 2, "{yields} yields");
    let query = ListQuery::new(kv_runtime::key::Key::from_text("blob:"));
    assert!(store.page(&query).await?.len() < 300);
    Ok(())
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "brief", ttl = "1h")]
struct Brief {
    #[kv(id, ordered)]
    id: u64,
    text: String,
}

/// Many expired records, and one behind them that is not.
async fn expire_many<S: AtomicStore>(kv: &Kv<S>, clock: &ManualClock, many: u64) -> Result<(), Error> {
    let briefs = kv.collection::<Brief>();
    let brief = |id| Brief { id, text: String::new() };
    briefs.put_many((0..many).map(brief)).await?;
    clock.advance(Duration::from_secs(3_600));
    briefs.put(&brief(u64::MAX)).await
}
