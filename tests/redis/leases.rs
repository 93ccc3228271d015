//! A fill does not bring back what another process wrote and deleted meanwhile.

use std::sync::Arc;
use std::time::Duration;

use kv_runtime::cache::{Cache, Cached};
use kv_runtime::record::Expiry;
use kv_runtime::store::{Commit, Condition, Expect, RedisStore, Store, StoreExt, Write};
use kv_runtime::{Kv, KvEntity};
use tokio::sync::oneshot;

use super::redis_server::RedisServer;
use super::{Test, key, record};

#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn user(name: &str) -> User {
    User { id: 7, name: name.to_owned() }
}

/// The ways in which keys and lists are kept on one server.
fn ways(server: &RedisServer) -> [String; 3] {
    [server.url(0), format!("{}?list_index=true", server.url(1)), format!("{}?hash_tags=true", server.url(2))]
}

type Users = Cached<User, RedisStore>;

/// A load whose origin has read "old", and answers when the test lets it.
async fn load(
    users: &Users,
) -> (tokio::task::JoinHandle<kv_runtime::Result<Arc<User>>>, oneshot::Sender<()>) {
    let (reached, at_origin) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel::<()>();
    let users = users.clone();
    let loading = tokio::spawn(async move {
        let load = || async {
            let _ = reached.send(());
            may_go_on.await.map(|()| user("old"))
        };
        users.get_or_load(7, load).await
    });
    at_origin.await.expect("the origin is asked");
    (loading, go_on)
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_fill_brings_nothing_back_that_another_process_deleted() -> Test {
    let server = RedisServer::start();
    for url in ways(&server) {
        let here = Kv::new(RedisStore::connect(&url).await?).collection::<User>().cached(Cache::new());
        let there = Kv::new(RedisStore::connect(&url).await?).collection::<User>();
        // Without other writers the store is filled.
        let (loading, go_on) = load(&here).await;
        go_on.send(()).expect("it waits");
        assert_eq!(loading.await??.name, "old");
        assert_eq!((here.stats().store_fills, there.get(7).await?), (1, Some(user("old"))), "{url}");
        for way in 0..4_u64 {
            there.delete(7).await?;
            here.invalidate(7);
            let (loading, go_on) = load(&here).await;
            match way {
                // There was none to delete, and the origin has changed.
                0 => there.delete(7).await?,
                1 => {
                    there.put(&user("new")).await?;
                    there.delete(7).await?;
                }
                2 => {
                    there.put_many(&[user("new")]).await?;
                    there.delete_many([7]).await?;
                }
                _ => {
                    there.insert(&user("new")).await?;
                    there.with_ttl(Duration::from_millis(1)).put(&user("newer")).await?;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            go_on.send(()).expect("it waits");
            assert_eq!(loading.await??.name, "old");
            assert_eq!(there.get(7).await?, None, "{url} {way}");
            // Memory lets go of it, too.
            assert_eq!((here.peek(7), here.stats().store_fills_lost), (None, way + 1), "{url}");
        }
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_lease_is_beside_its_record_and_ends() -> Test {
    let server = RedisServer::start();
    for (database, url) in ways(&server).into_iter().enumerate() {
        let store = RedisStore::connect(&url).await?;
        let name = ["user:7%lease", "user:7%lease", "{user:7}%lease"][database];
        let cli = |command: &[&str]| {
            let database = database.to_string();
            server.cli(&[&["-n", &database], command].concat()).trim().to_owned()
        };
        let minute = Duration::from_secs(60);
        let take = async || store.lease(&[key("user:7")], minute).await;
        let (first, second) = (take().await?, take().await?);
        assert_eq!(first[0].number(), second[0].number(), "it is shared");
        let left: u64 = cli(&["PTTL", name]).parse()?;
        assert!((60_000..=120_000).contains(&left), "{left}");
        // What stays for longer than any lease leaves it alone.
        store.put(key("user:7"), record("1")).await?;
        store.put(key("user:7"), record("1").with_expiry(Expiry::After(2 * minute))).await?;
        assert_eq!(cli(&["EXISTS", name]), "1");
        store.put(key("user:7"), record("1").with_expiry(Expiry::After(minute))).await?;
        assert_eq!(cli(&["EXISTS", name]), "0");
        // Of a record that is there none is kept.
        let none = take().await?;
        assert_eq!(cli(&["EXISTS", name]), "0");
        store.delete(key("user:7")).await?;
        let put = || vec![Write::Put(key("user:7"), record("2"))];
        let condition = |lease| {
            let mut condition = Condition::new(key("user:7"), Expect::Absent);
            condition.lease = Some(lease);
            vec![condition]
        };
        assert_eq!(store.commit(condition(none[0].clone()), put().into()).await?, Commit::Conflict(0));
        // A fill ends the lease that it shows.
        let lease = take().await?.remove(0);
        assert_eq!(cli(&["EXISTS", name]), "1");
        assert_eq!(store.commit(condition(lease), put().into()).await?, Commit::Done);
        assert_eq!(cli(&["EXISTS", name]), "0");
        store.delete(key("user:7")).await?;
        // Other lists see no lease either.
        let lease = take().await?;
        let users = Kv::new(store.clone()).collection::<User>();
        assert_eq!(users.list().page().await?.entities.len(), 0);
        let census = users.census().await?;
        assert!(census.skipped == 0 && census.groups[0].versions.is_empty(), "{census:?}");
        if url.contains("list_index") {
            assert_eq!(store.rebuild_index("user").await?, 0);
            store.sweep_index("user").await?;
        }
        assert_eq!(cli(&["EXISTS", name]), "1");
        drop(lease);
    }
    Ok(())
}
