//! Raw keys with hash tags: a text alone, where the store has to know what the tag is.

use kv_runtime::key::Key;
use kv_runtime::store::{Commit, Condition, Content, Expect, ListQuery, RedisStore, Store, StoreExt, Write};
use kv_runtime::{Kv, KvEntity};

use super::redis_server::{RedisCluster, RedisServer};
use super::{Test, key, record};

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "grp", group = "profile")]
#[kv(group(name = "prefs"))]
struct Grp {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "prefs")]
    dark: bool,
}

/// Two ids and no group: the last id may be what is another entity's group.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "member")]
struct Member {
    #[kv(id)]
    team: String,
    #[kv(id)]
    name: String,
    since: u64,
}

async fn listed(store: &RedisStore, prefix: &str) -> Result<Vec<String>, kv_runtime::Error> {
    let page = store.page(&ListQuery::new(key(prefix)).with_content(Content::Keys)).await?;
    Ok(page.keys().map(str::to_owned).collect())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_raw_key_of_a_known_group_is_the_entitys_own() -> Test {
    let server = RedisServer::start();
    let cluster = RedisCluster::start();
    for url in [
        format!("{}?hash_tags=true", server.url(0)),
        format!("{}?hash_tags=true&list_index=true", server.url(1)),
        cluster.url(),
        format!("{}?list_index=true", cluster.url()),
    ] {
        let store = RedisStore::connect(&url).await?;
        let kv = Kv::new(store.clone());
        let (groups, members) = (kv.collection::<Grp>(), kv.collection::<Member>());
        cluster.flush();
        // Written raw first: the entity's own keys find it.
        store.put(key("grp:1:profile"), record(r#"{"name":"Ada"}"#)).await?;
        store.put_many(vec![(key("grp:1:prefs"), record(r#"{"dark":true}"#))]).await?;
        let ada = Grp { id: 1, name: "Ada".to_owned(), dark: true };
        assert_eq!(groups.get(1).await?, Some(ada.clone()), "{url}");
        // And the other way round.
        groups.put(&Grp { id: 2, ..ada.clone() }).await?;
        let absent = Condition::new(key("grp:2:profile"), Expect::Absent);
        let commit = store.commit(vec![absent], Write::Delete(key("grp:2:profile")).into()).await?;
        assert_eq!(commit, Commit::Conflict(0), "{url}");
        for text in listed(&store, "grp:").await? {
            assert!(store.read(&key(&text)).await?.is_some(), "{url}: `{text}` is listed and not found");
            assert!(store.head(&key(&text)).await?.is_some(), "{url}: `{text}` is listed and not found");
        }
        let all = ["grp:1:prefs", "grp:1:profile", "grp:2:prefs", "grp:2:profile"];
        assert_eq!(listed(&store, "grp:").await?, all, "{url}");
        let typed: Vec<Key> = groups.keys(2);
        assert_eq!(store.read_many(&typed).await?.iter().flatten().count(), 2);
        store.delete_many(vec![key("grp:2:profile"), key("grp:2:prefs")]).await?;
        assert_eq!(groups.get(2).await?, None, "{url}");

        // An id that is spelled like another entity's group stays an id.
        let bob = Member { team: "a".to_owned(), name: "profile".to_owned(), since: 1 };
        members.put(&bob).await?;
        assert!(store.read(&key("member:a:profile")).await?.is_some(), "{url}");
        assert_eq!(listed(&store, "member:").await?, ["member:a:profile"], "{url}");
    }
    Ok(())
}

/// What an older program wrote beside the entity's own record is listed once, and hidden by it.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_key_in_both_forms_is_listed_once() -> Test {
    let server = RedisServer::start();
    for parameters in ["hash_tags=true", "hash_tags=true&list_index=true"] {
        server.cli(&["FLUSHALL"]);
        let store = RedisStore::connect(&format!("{}?{parameters}", server.url(0))).await?;
        let groups = Kv::new(store.clone()).collection::<Grp>();
        for id in 0..50 {
            groups.put(&Grp { id, name: "own".to_owned(), dark: true }).await?;
            server.cli(&["SET", &format!("{{grp:{id}:profile}}"), "{}"]);
        }
        if parameters.contains("list_index") {
            assert_eq!(store.rebuild_index("grp").await?, 150);
        }
        for limit in [1, 2, 3, 7, 1_000] {
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let query = ListQuery::new(key("grp:")).with_limit(limit).with_cursor(cursor);
                let page = store.page(&query).await?;
                cursor = page.cursor.clone();
                seen.extend(page.keys().map(str::to_owned));
                if cursor.is_none() {
                    break;
                }
            }
            let mut once = seen.clone();
            once.dedup();
            assert_eq!((seen.len(), once.len()), (100, 100), "{parameters} by {limit}");
        }
        assert!(groups.list().page().await?.entities.iter().all(|group| group.name == "own"));
    }
    Ok(())
}
