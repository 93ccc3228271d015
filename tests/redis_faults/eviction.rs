//! A server that throws keys away: the list index goes like any other key, and is never taken for
//! the truth then.

use std::collections::BTreeSet;

use kv_runtime::store::RedisStore;
use kv_runtime::{Collection, Kv, KvEntity};

use super::Test;
use super::redis_server::RedisServer;

#[derive(KvEntity, Debug)]
#[kv(prefix = "page")]
struct Page {
    #[kv(id)]
    id: u64,
    text: String,
}

async fn indexed(server: &RedisServer) -> Result<Collection<Page, RedisStore>, kv_runtime::Error> {
    let store = RedisStore::options().list_index(true).connect(&server.url(0)).await?;
    Ok(Kv::new(store).collection())
}

fn page(id: u64) -> Page {
    Page { id, text: "x".repeat(500) }
}

async fn listed(pages: &Collection<Page, RedisStore>) -> Result<BTreeSet<u64>, kv_runtime::Error> {
    let mut listed = BTreeSet::new();
    let mut ids = pages.list().ids().stream();
    while let Some(id) = ids.next().await {
        assert!(listed.insert(id?), "each is shown once");
    }
    Ok(listed)
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn what_is_left_is_listed() -> Test {
    // Room for some thousands of the pages; any of them go, and shards of the index among them.
    let server = RedisServer::start_with(&["--maxmemory", "6mb", "--maxmemory-policy", "allkeys-random"]);
    let pages = indexed(&server).await?;
    for round in 0..4 {
        let first = round * 4_000;
        pages.put_many((first..first + 4_000).map(page)).await?;
        let listed = listed(&pages).await?;
        // A rebuild takes memory, too, so it throws further keys away; none comes back.
        let left = server.cli(&["--raw", "KEYS", "page:*"]);
        let left: BTreeSet<u64> =
            left.lines().filter_map(|key| key.strip_prefix("page:")?.parse().ok()).collect();
        assert!(!left.is_empty());
        let unlisted: Vec<_> = left.difference(&listed).collect();
        assert!(
            unlisted.is_empty(),
            "of {} keys {} are not listed: {unlisted:?}",
            left.len(),
            unlisted.len()
        );
    }
    let evicted = server.cli(&["INFO", "stats"]);
    assert!(!evicted.contains("evicted_keys:0"), "the server has thrown nothing away");
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_flushed_server_is_empty_and_takes_records_again() -> Test {
    let server = RedisServer::start();
    let pages = indexed(&server).await?;
    pages.put_many((0..100).map(page)).await?;
    assert_eq!(listed(&pages).await?.len(), 100);
    server.cli(&["FLUSHALL"]);
    assert_eq!(pages.get(7).await?.map(|page| page.id), None);
    assert!(listed(&pages).await?.is_empty());
    // An update of what was read before is one of something that is gone.
    assert!(pages.update(7, |page| page.text.clear()).await.is_err());
    pages.insert(&page(7)).await?;
    assert_eq!(listed(&pages).await?, BTreeSet::from([7]));
    Ok(())
}
