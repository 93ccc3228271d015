//! What is special to a cluster: slots, redirections, a primary that dies.

use std::time::Duration;

use kv_runtime::store::{Condition, Expect, ListQuery, RedisStore, Store, StoreExt, Write};
use kv_runtime::{Error, Kv, KvEntity};

use super::redis_server::{RedisCluster, RedisServer};
use super::{Test, key, record, shown};

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile")]
#[kv(group(name = "prefs"))]
struct User {
    #[kv(id)]
    id: String,
    name: String,
    #[kv(group = "prefs")]
    dark: bool,
}

fn calls(cluster: &RedisCluster, command: &str) -> usize {
    let count = |node: &RedisServer| {
        let stats = node.cli(&["INFO", "commandstats"]);
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        line.and_then(|line| line.split(',').next()?.parse::<usize>().ok()).unwrap_or_default()
    };
    cluster.nodes.iter().map(count).sum()
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_cluster_is_served_while_it_changes() -> Test {
    let mut cluster = RedisCluster::start();
    let store = RedisStore::connect(&cluster.url()).await?;
    groups_of_an_entity_share_a_slot(&cluster, &store).await?;
    a_commit_over_slots_is_refused_unsent(&cluster, &store).await?;
    nodes_are_asked_side_by_side(&cluster, &store).await?;
    a_url_of_one_server_is_refused_by_a_cluster(&cluster).await?;
    a_slot_that_moves_is_followed(&cluster, &store).await?;
    a_primary_that_dies_is_replaced(&mut cluster, &store).await
}

async fn groups_of_an_entity_share_a_slot(cluster: &RedisCluster, store: &RedisStore) -> Test {
    let users = Kv::new(store.clone()).collection::<User>();
    for id in ["ada", "{x}", "a}b"] {
        let user = User { id: id.to_owned(), name: "Ada".to_owned(), dark: false };
        users.insert(&user).await?;
        users.update(id, |user| user.dark = true).await?;
        assert_eq!(users.get(id).await?, Some(User { dark: true, ..user }));
    }
    let stands = |key: &str| cluster.cli(&["EXISTS".to_owned(), key.to_owned()]);
    assert_eq!(stands("{user:ada}:prefs").trim(), "1");
    assert_eq!(stands("{user:%7Bx%7D}:profile").trim(), "1");
    assert_eq!(users.list().page().await?.entities.len(), 3);
    Ok(())
}

async fn a_commit_over_slots_is_refused_unsent(cluster: &RedisCluster, store: &RedisStore) -> Test {
    let sent = calls(cluster, "evalsha") + calls(cluster, "eval");
    let absent = Condition::new(key("user:1"), Expect::Absent);
    let refused = store.commit(vec![absent], Write::Put(key("user:2"), record("1")).into()).await;
    assert!(matches!(refused, Err(Error::NotTogether { .. })), "{refused:?}");
    assert_eq!(calls(cluster, "evalsha") + calls(cluster, "eval"), sent);
    Ok(())
}

/// Whichever node is late, the others have been asked by then.
async fn nodes_are_asked_side_by_side(cluster: &RedisCluster, store: &RedisStore) -> Test {
    let keys: Vec<_> = (0..60).map(|number| key(&format!("beside:{number}"))).collect();
    store.put_many(keys.iter().map(|key| (key.clone(), record("1"))).collect()).await?;
    let primaries: Vec<&RedisServer> = cluster.primaries().collect();
    let asked = |node: &RedisServer| {
        let stats = node.cli(&["INFO", "commandstats"]);
        let calls = |command: &str| {
            let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
            line.and_then(|line| line.split(',').next()?.parse::<usize>().ok()).unwrap_or_default()
        };
        calls("get") + calls("mget")
    };
    for late in &primaries {
        let others: Vec<_> = primaries.iter().filter(|node| node.port() != late.port()).collect();
        let before: Vec<usize> = others.iter().map(|node| asked(node)).collect();
        late.cli(&["CLIENT", "PAUSE", "1500", "ALL"]);
        let (store, keys) = (store.clone(), keys.clone());
        let reading = tokio::spawn(async move { store.read_many(&keys).await });
        let mut all_asked = false;
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            all_asked = others.iter().zip(&before).all(|(node, before)| asked(node) > *before);
            if all_asked {
                break;
            }
        }
        assert!(all_asked && !reading.is_finished(), "the others are asked while one is late");
        assert_eq!(reading.await??.iter().flatten().count(), 60);
    }
    Ok(())
}

async fn a_url_of_one_server_is_refused_by_a_cluster(cluster: &RedisCluster) -> Test {
    let node = RedisStore::connect(&cluster.nodes[0].url(0)).await?;
    let mut told = 0;
    for number in 0..20 {
        if let Err(error) = node.put(key(&format!("a:{number}")), record("1")).await {
            let text = shown(&error);
            assert!(text.contains("connect by `redis+cluster://`") && !error.is_retryable(), "{text}");
            told += 1;
        }
    }
    assert!(told > 0, "the node has all slots");
    // Several keys at once are on different slots, wherever these lie.
    let keys: Vec<_> = (0..20).map(|number| key(&format!("a:{number}"))).collect();
    let absent = |place: usize| Condition::new(keys[place].clone(), Expect::Absent);
    let writes: Vec<Write> = keys.iter().map(|key| Write::Put(key.clone(), record("1"))).collect();
    for error in [
        node.read_many(&keys).await.map(drop).expect_err("they lie on different slots"),
        node.delete_many(keys.clone()).await.expect_err("they lie on different slots"),
        node.commit(vec![absent(0), absent(1)], writes.into())
            .await
            .map(drop)
            .expect_err("on different slots"),
    ] {
        let text = shown(&error);
        assert!(text.contains("CROSSSLOT") && !error.is_retryable(), "{text}");
        assert!(text.contains("the keys lie on different slots; connect by `redis+cluster://`"), "{text}");
    }
    // The same by the URL of a cluster, whatever the store of a URL is.
    let users = Kv::connect(&cluster.url()).await?.collection::<User>();
    let user = User { id: "by URL".to_owned(), name: "Ada".to_owned(), dark: false };
    users.insert(&user).await?;
    assert_eq!(users.get("by URL").await?, Some(user));
    users.delete("by URL").await?;
    Ok(())
}

/// By the steps that `redis-cli --cluster reshard` takes, with a look at the store after each.
async fn a_slot_that_moves_is_followed(cluster: &RedisCluster, store: &RedisStore) -> Test {
    let users = Kv::new(store.clone()).collection::<User>();
    let mut ada = User { id: "moving".to_owned(), name: "0".to_owned(), dark: true };
    users.put(&ada).await?;
    let keys = ["{user:moving}:prefs", "{user:moving}:profile"];
    let primaries: Vec<&RedisServer> = cluster.primaries().collect();
    let slot = primaries[0].cli(&["CLUSTER", "KEYSLOT", keys[0]]).trim().to_owned();
    let has = |node: &&&RedisServer| node.cli(&["CLUSTER", "GETKEYSINSLOT", &slot, "1"]).contains("moving");
    let from = *primaries.iter().find(has).expect("one of them has the entity");
    let to = *primaries.iter().find(|node| node.port() != from.port()).expect("there are three");
    let id = |node: &RedisServer| node.cli(&["CLUSTER", "MYID"]).trim().to_owned();
    let setslot = |node: &RedisServer, state: &str, other: &RedisServer| {
        assert_eq!(node.cli(&["CLUSTER", "SETSLOT", &slot, state, &id(other)]).trim(), "OK");
    };
    let port = to.port().to_string();
    let migrate = |key: &str| {
        assert_eq!(from.cli(&["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]).trim(), "OK");
    };
    let is_read = async |ada: &User| -> Test {
        assert_eq!(users.get("moving").await?.as_ref(), Some(ada));
        assert!(users.exists("moving").await?);
        let listed = store.page(&ListQuery::new(key("user:moving:"))).await?;
        assert_eq!(listed.keys().collect::<Vec<_>>(), ["user:moving:prefs", "user:moving:profile"]);
        Ok(())
    };
    let update = async |ada: &mut User| -> Test {
        ada.name.push('+');
        assert_eq!(users.update("moving", |user| user.name.push('+')).await?, *ada);
        is_read(ada).await
    };
    setslot(to, "IMPORTING", from);
    setslot(from, "MIGRATING", to);
    update(&mut ada).await?;
    // One group here, one there: neither node takes a command about both.
    migrate(keys[0]);
    is_read(&ada).await?;
    // The old node says ASK.
    migrate(keys[1]);
    update(&mut ada).await?;
    users.put(&ada).await?;
    is_read(&ada).await?;
    for node in [to, from] {
        setslot(node, "NODE", to);
    }
    // And now it says MOVED.
    update(&mut ada).await
}

async fn a_primary_that_dies_is_replaced(cluster: &mut RedisCluster, store: &RedisStore) -> Test {
    let dies = cluster.nodes.iter().position(|node| node.cli(&["ROLE"]).starts_with("master"));
    cluster.nodes[dies.expect("there are three")].kill();
    // Every key can be written again, without a new store.
    let mut failures = 0;
    for number in 0..200 {
        loop {
            match store.put(key(&format!("failover:{number}")), record("1")).await {
                Ok(()) => break,
                Err(error) => {
                    let may_go_on = error.is_retryable() || matches!(error, Error::OutcomeUnknown { .. });
                    assert!(may_go_on && failures < 100, "{error:?}");
                    failures += 1;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
    let keys: Vec<_> = (0..200).map(|number| key(&format!("failover:{number}"))).collect();
    assert_eq!(store.read_many(&keys).await?.iter().flatten().count(), 200);
    assert_eq!(store.page(&ListQuery::new(key("failover:"))).await?.len(), 200);
    Ok(())
}
