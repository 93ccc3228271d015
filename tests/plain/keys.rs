//! Keys of other programs: raw ids, and prefixes that share their namespace.

use kv_runtime::store::{ListQuery, MemoryStore, RedisStore, Store, StoreExt};
use kv_runtime::{Error, Kv, KvEntity};

use super::redis_server::RedisServer;
use super::{Outcome, put_theirs};

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(shared_prefix = "celery-task-meta-", plain)]
struct Task {
    #[kv(id, raw)]
    id: String,
    status: String,
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(shared_prefix = "", plain)]
struct Anything {
    #[kv(id, raw)]
    key: String,
    status: String,
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(shared_prefix = ":1:page:", plain, group = "v")]
struct Page {
    #[kv(id)]
    site: u32,
    #[kv(id, raw)]
    path: String,
    status: String,
}

const DONE: &str = r#"{"status":"done"}"#;

async fn statuses<E: KvEntity>(
    kv: &Kv<impl Store>,
    status: fn(E) -> String,
) -> Result<(Vec<String>, usize), Error> {
    let page = kv.collection::<E>().list().page().await?;
    assert!(page.failed.is_empty(), "{:?}", page.failed);
    Ok((page.entities.into_iter().map(status).collect(), page.skipped))
}

#[tokio::test]
async fn a_raw_id_is_the_rest_of_the_key() -> Outcome {
    let kv = Kv::new(MemoryStore::new());
    let tasks = kv.collection::<Task>();
    for id in ["a:b%c", "%3A", "é\n", ":", "%"] {
        let task = Task { id: id.to_owned(), status: id.to_owned() };
        tasks.insert(&task).await?;
        assert_eq!(tasks.key(id).as_str(), format!("celery-task-meta-{id}"));
        assert_eq!(tasks.get(id).await?, Some(task));
    }
    let page = tasks.list().page().await?;
    assert_eq!((page.entities.len(), page.skipped), (5, 0));
    assert!(page.entities.iter().all(|task| task.id == task.status));
    tasks.delete("a:b%c").await?;
    assert_eq!(tasks.get("a:b%c").await?, None);

    let pages = kv.collection::<Page>();
    let page = Page { site: 7, path: "a:v/b%".to_owned(), status: "x".to_owned() };
    pages.put(&page).await?;
    assert_eq!(pages.key((7, "a:v/b%")).as_str(), ":1:page:7:a:v/b%:v");
    put_theirs(kv.store(), ":1:page:8:x:v", DONE).await?;
    put_theirs(kv.store(), ":1:page:x:y:v", DONE).await?;
    put_theirs(kv.store(), ":1:page:8:x:w", DONE).await?;
    assert_eq!(pages.list().within(7).page().await?.entities, [page]);
    assert_eq!(pages.list().page().await?.entities.len(), 2);
    Ok(())
}

/// Names that this library keeps for itself are neither shown nor written.
#[tokio::test]
async fn a_list_shows_only_what_may_be_the_entitys() -> Outcome {
    let kv = Kv::new(MemoryStore::new());
    let own = ["celery-task-meta-a!b", "celery-task-meta-a%lease", "{#index:user:1}", "user!by_email:x"];
    for key in own {
        put_theirs(kv.store(), key, r#"{"status":"own"}"#).await?;
    }
    for key in ["celery-task-meta-1", "celery-task", "celery-task-meta", "other:1"] {
        put_theirs(kv.store(), key, DONE).await?;
    }
    assert_eq!(statuses::<Task>(&kv, |it| it.status).await?, (vec!["done".to_owned()], 2));
    assert_eq!(statuses::<Anything>(&kv, |it| it.status).await?, (vec!["done".to_owned(); 4], 4));
    let anything = kv.collection::<Anything>();
    for key in own.into_iter().chain([""]) {
        let refused = [
            anything.get(key).await.map(drop),
            anything.put(&Anything { key: key.to_owned(), status: String::new() }).await,
            anything.delete(key).await.map(drop),
            anything.update(key, |_| ()).await.map(drop),
            anything.exists(key).await.map(drop),
            kv.transact(async |tx| tx.put(&Anything { key: key.to_owned(), status: String::new() })).await,
        ];
        for refused in refused {
            assert!(matches!(refused, Err(Error::Unsupported { .. })), "{key:?}: {refused:?}");
        }
    }
    let mut ids = anything.list().ids().stream();
    let mut all = Vec::new();
    while let Some(id) = ids.next().await {
        all.push(id?);
    }
    anything.delete_many(all.iter().map(String::as_str)).await?;
    let left = kv.store().page(&ListQuery::new(kv_runtime::key::Key::from_text(""))).await?;
    assert_eq!(left.keys().count(), own.len());
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn redis_finds_them_and_says_where_it_does_not() -> Outcome {
    let server = RedisServer::start();
    for key in ["celery-task-meta-a:b", "other:1", "celery-task-meta-{x}"] {
        server.cli(&["SET", key, DONE]);
    }
    let kv = Kv::new(RedisStore::connect(&server.url(0)).await?);
    assert_eq!(statuses::<Task>(&kv, |it| it.status).await?.0.len(), 2);
    assert_eq!(statuses::<Anything>(&kv, |it| it.status).await?.0.len(), 3);
    kv.collection::<Task>().update("a:b", |task| task.status.push('!')).await?;
    assert_eq!(server.cli(&["GET", "celery-task-meta-a:b"]).trim(), r#"{"status":"done!"}"#);
    for options in [RedisStore::options().hash_tags(true), RedisStore::options().list_index(true)] {
        let tasks = Kv::new(options.connect(&server.url(0)).await?).collection::<Task>();
        let refused = [tasks.get("a:b").await.map(drop), tasks.list().page().await.map(drop)];
        for refused in refused {
            let shown = refused.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(shown.contains("`hash_tags` and `list_index` off"), "{shown}");
        }
    }
    Ok(())
}
