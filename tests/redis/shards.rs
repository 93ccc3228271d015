//! Shard ids: what is under one is on one slot, and is committed together.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::layer::NamespaceStore;
use kv_runtime::store::{
    CommitScope, Condition, Content, Expect, ListQuery, RedisStore, Store, StoreExt, Write,
};
use kv_runtime::{Error, Kv, KvEntity};

use super::moving::Moving;
use super::redis_server::{RedisCluster, RedisServer};
use super::{Test, key, record, shard_bank};

/// A shard by itself.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "bank")]
struct Bank {
    #[kv(id, shard)]
    bank: u64,
    transfers: u64,
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "acct", group = "balance")]
#[kv(group(name = "owner", optional))]
struct Account {
    #[kv(id, ordered, shard)]
    bank: u64,
    #[kv(id)]
    number: u64,
    cents: i64,
    #[kv(group = "owner")]
    name: String,
}

/// Its id is the same, and it is no shard.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "report")]
struct Report {
    #[kv(id)]
    bank: u64,
    text: String,
}

fn account(bank: u64, number: u64) -> Account {
    Account { bank, number, cents: 1_000, name: format!("owner {number}") }
}

/// Returns the keys of a list, by pages of so many.
async fn listed(store: &RedisStore, prefix: &Key, limit: usize) -> Result<Vec<String>, Error> {
    let (mut keys, mut cursor) = (Vec::new(), None);
    loop {
        let query = ListQuery::new(prefix.clone()).with_content(Content::Keys).with_limit(limit);
        let page = store.page(&query.with_cursor(cursor)).await?;
        keys.extend(page.keys().map(str::to_owned));
        cursor = page.cursor.clone();
        if cursor.is_none() {
            return Ok(keys);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn what_is_in_a_shard_is_kept_together() -> Test {
    let cluster = RedisCluster::start();
    a_shard_has_one_hash_tag(&cluster).await?;
    let store = RedisStore::connect(&cluster.url()).await?;
    let kv = Kv::new(store.clone());
    keys_of_two_shards_are_refused(&store).await?;
    // The store of a URL passes the scope on.
    let any = Kv::connect(&cluster.url()).await?;
    assert_eq!(any.store().capabilities().limits.commit_scope, CommitScope::OneShard);
    entities_of_a_shard_change_together(&kv).await?;
    tenants_have_shards_of_their_own(&store).await?;
    a_slot_that_moves_says_so(&cluster, &store).await?;
    shard_bank::loses_nothing_while_a_slot_moves(&cluster).await
}

async fn a_shard_has_one_hash_tag(cluster: &RedisCluster) -> Test {
    let server = RedisServer::start();
    for (url, indexed) in [
        (format!("{}?hash_tags=true", server.url(0)), false),
        (format!("{}?hash_tags=true&list_index=true", server.url(1)), true),
        (cluster.url(), false),
        (format!("{}?list_index=true", cluster.url()), true),
    ] {
        cluster.flush();
        let store = RedisStore::connect(&url).await?;
        let kv = Kv::new(store.clone());
        let (banks, accounts) = (kv.collection::<Bank>(), kv.collection::<Account>());
        for bank in [1, 2, 10] {
            banks.insert(&Bank { bank, transfers: 0 }).await?;
            accounts.put_many((0..3).map(|number| account(bank, number))).await?;
        }
        let raw = async |text: &str| store.read(&key(text)).await.map(|record| record.is_some());
        // A raw key of an entity that is known is the entity's own.
        for text in ["bank:2", "acct:00000000000000000010:1:balance", "acct:00000000000000000010:1:owner"] {
            assert!(raw(text).await?, "{url}: {text}");
        }
        store.put(key("acct:00000000000000000002:7:balance"), record(r#"{"cents":5}"#)).await?;
        assert_eq!(accounts.get((2, 7)).await?.map(|account| account.cents), Some(5), "{url}");
        accounts.delete((2, 7)).await?;

        // All of them, those of one shard, and by a text.
        let all = accounts.list().ids().page().await?.ids;
        assert_eq!(all.len(), 9, "{url}: {all:?}");
        let within: Vec<(u64, u64)> = accounts.list().within(10).ids().page().await?.ids;
        assert_eq!(within, [(10, 0), (10, 1), (10, 2)], "{url}");
        assert_eq!(accounts.list().within(3).page().await?.entities, [], "{url}");
        for limit in [1, 2, 5, 100] {
            assert_eq!(listed(&store, &key("acct:"), limit).await?.len(), 18, "{url}");
            assert_eq!(listed(&store, &key("bank:"), limit).await?, ["bank:1", "bank:10", "bank:2"], "{url}");
        }
        if indexed {
            assert_eq!(store.rebuild_index("acct").await?, 18, "{url}");
            assert_eq!(store.sweep_index("acct").await?.dropped, 0, "{url}");
        }
    }
    let there = |text: &str| server.cli(&["EXISTS", text]).trim() == "1";
    assert!(there("{:10}bank:10") && there("{:10}acct:00000000000000000010:1:owner"));
    Ok(())
}

/// Records from before the shard id stay where they are. Each type lists what it finds, so one can be
/// moved to the other.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn records_are_moved_to_a_shard() -> Test {
    #[derive(KvEntity, Debug, Clone, PartialEq)]
    #[kv(prefix = "moved")]
    struct Before {
        #[kv(id)]
        org: String,
        #[kv(id)]
        id: u64,
        text: String,
    }
    #[derive(KvEntity, Debug, Clone, PartialEq)]
    #[kv(prefix = "moved")]
    struct After {
        #[kv(id, shard)]
        org: String,
        #[kv(id)]
        id: u64,
        text: String,
    }

    let server = RedisServer::start();
    for (database, parameters) in [(0, "?hash_tags=true"), (1, "?hash_tags=true&list_index=true")] {
        let store = RedisStore::connect(&(server.url(database) + parameters)).await?;
        let kv = Kv::new(store.clone());
        let (before, after) = (kv.collection::<Before>(), kv.collection::<After>());
        let text = || "old".to_owned();
        before.put_many((0..40).map(|id| Before { org: "acme".to_owned(), id, text: text() })).await?;
        // Half of them have been moved and not deleted, and changed since.
        for id in 0..20 {
            after.insert(&After { org: "acme".to_owned(), id, text: "new".to_owned() }).await?;
        }
        for limit in [1, 3, 100] {
            let listed = before.list().limit(limit).ids().page().await?.ids;
            assert_eq!(listed.len(), limit.min(40), "{parameters}");
            let mut found = Vec::new();
            let mut cursor = None;
            loop {
                let page = after.list().limit(limit).cursor(cursor).page().await?;
                found.extend(page.entities);
                cursor = page.cursor;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(found.len(), 20, "{parameters} by {limit}");
            assert!(found.iter().all(|moved| moved.text == "new"), "{parameters} by {limit}");
        }
        for old in before.list().page().await?.entities {
            let Before { org, id, text } = old;
            match after.insert(&After { org: org.clone(), id, text }).await {
                Ok(()) | Err(Error::AlreadyExists { .. }) => before.delete((&org, id)).await?,
                Err(error) => return Err(error.into()),
            }
        }
        assert_eq!(before.list().page().await?.entities, [], "{parameters}");
        assert_eq!(after.list().within("acme").ids().page().await?.ids.len(), 40, "{parameters}");
    }
    Ok(())
}

async fn keys_of_two_shards_are_refused(store: &RedisStore) -> Test {
    let kv = Kv::new(store.clone());
    kv.collection().put(&Bank { bank: 7, transfers: 0 }).await?;
    kv.collection().put_many([account(7, 1), account(8, 1)]).await?;
    let (accounts, reports) = (kv.collection::<Account>(), kv.collection::<Report>());
    let transfer = kv.transact(async |tx| {
        tx.update::<Account>((7, 1), |account| account.cents -= 1).await?;
        tx.update::<Account>((8, 1), |account| account.cents += 1).await
    });
    let report = kv.transact(async |tx| {
        tx.update::<Bank>(7, |bank| bank.transfers += 1).await?;
        tx.put(&Report { bank: 7, text: String::new() })
    });
    // An application's own commit is checked, too, in a namespace as well.
    let (first, second) = (accounts.key((7, 1)), reports.key(7));
    let absent = |key: &Key| vec![Condition::new(key.clone(), Expect::Absent)];
    let own = store.commit(absent(&first), Write::Put(second.clone(), record("{}")).into()).await;
    let tenant = NamespaceStore::new(store.clone(), "acme");
    let tenants = tenant.commit(absent(&first), Write::Put(second.clone(), record("{}")).into()).await;
    for (error, keys) in [
        (
            transfer.await.expect_err("they are in two shards"),
            ["acct:00000000000000000008:1", "acct:00000000000000000007:1"],
        ),
        (report.await.expect_err("a report is in no shard"), ["`report:7`", "`bank:7`"]),
        (own.expect_err("a report is in no shard"), ["`report:7`", "`acct:00000000000000000007:1:balance`"]),
        (
            tenants.expect_err("a report is in no shard"),
            ["`report:7`", "`acct:00000000000000000007:1:balance`"],
        ),
    ] {
        assert!(matches!(error, Error::NotTogether { .. }) && !error.is_retryable(), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("#[kv(id, shard)]") && !text.contains("CROSSSLOT"), "{text}");
        assert!(keys.iter().all(|key| text.contains(key)), "{text}");
    }
    assert_eq!(accounts.get((7, 1)).await?, Some(account(7, 1)));
    assert_eq!(reports.get(7).await?, None);
    Ok(())
}

async fn entities_of_a_shard_change_together(kv: &Kv<RedisStore>) -> Test {
    kv.collection().put(&Bank { bank: 9, transfers: 0 }).await?;
    kv.collection().put_many([account(9, 1), account(9, 2)]).await?;
    let opened = kv.transact(async |tx| {
        let mut bank = tx.get::<Bank>(9).await?.expect("it is there");
        bank.transfers += 1;
        tx.save(&bank)?;
        tx.update::<Account>((9, 1), |account| account.cents -= 5).await?;
        tx.update::<AccountBalance>((9, 2), |account| account.cents += 5).await?;
        tx.insert(&account(9, 3))?;
        tx.exists::<Account>((9, 4)).await
    });
    assert!(!opened.await?);
    let found = kv.collection::<Account>().get_many([(9, 1), (9, 2), (9, 3)]).await?;
    assert_eq!(found.iter().flatten().map(|account| account.cents).collect::<Vec<_>>(), [995, 1_005, 1_000]);
    let again = kv.transact(async |tx| {
        tx.update::<Bank>(9, |bank| bank.transfers += 1).await?;
        tx.insert(&account(9, 3))
    });
    assert!(matches!(again.await, Err(Error::AlreadyExists { .. })));
    assert_eq!(kv.collection::<Bank>().get(9).await?, Some(Bank { bank: 9, transfers: 1 }));
    Ok(())
}

async fn tenants_have_shards_of_their_own(store: &RedisStore) -> Test {
    for tenant in ["acme", "", "{x}", "#index"] {
        let kv = Kv::new(NamespaceStore::new(store.clone(), tenant));
        kv.transact(async |tx| {
            tx.insert(&Bank { bank: 7, transfers: 1 })?;
            tx.insert(&account(7, 1))
        })
        .await?;
        assert_eq!(
            kv.collection::<Account>().list().within(7).ids().page().await?.ids,
            [(7, 1)],
            "{tenant:?}"
        );
        assert_eq!(kv.collection::<Bank>().list().ids().page().await?.ids, [7], "{tenant:?}");
    }
    Ok(())
}

/// Of a slot that moves, no node has all keys. A commit waits, and then says so.
async fn a_slot_that_moves_says_so(cluster: &RedisCluster, store: &RedisStore) -> Test {
    let hasty = RedisStore::options().response_timeout(Duration::from_millis(400));
    let hasty = Kv::new(hasty.connect(&cluster.url()).await?);
    let kv = Kv::new(store.clone());
    kv.collection().put(&Bank { bank: 77, transfers: 0 }).await?;
    let moving = Moving::of(cluster, "{:77}bank:77");
    moving.begin();
    async fn open(kv: &Kv<RedisStore>) -> Result<(), Error> {
        kv.transact(async |tx| {
            tx.update::<Bank>(77, |bank| bank.transfers += 1).await?;
            tx.insert(&account(77, 1))
        })
        .await
    }
    let error = open(&hasty).await.expect_err("no node has both");
    assert!(error.is_retryable() && error.to_string().contains("the slot of the keys is moving"), "{error}");
    // One with more patience waits until the slot has moved.
    let waiting = tokio::spawn(async move { open(&kv).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    moving.end();
    waiting.await??;
    let kv = Kv::new(store.clone());
    assert_eq!(kv.collection::<Bank>().get(77).await?, Some(Bank { bank: 77, transfers: 1 }));
    assert_eq!(kv.collection::<Account>().get((77, 1)).await?, Some(account(77, 1)));
    Ok(())
}
