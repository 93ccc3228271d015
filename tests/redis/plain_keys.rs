//! Records under plain keys, where this program's keys have hash tags.

use std::time::Duration;

use kv_runtime::cache::Cache;
use kv_runtime::store::RedisStore;
use kv_runtime::{BoxFuture, Error, Kv, KvEntity};

use super::proxy::Proxy;
use super::redis_server::{RedisCluster, RedisServer};
use super::{Test, shown};

/// An entity whose records other programs write and read.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "plain", plain, ttl = "30m")]
struct Plain {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "whole", group = "main")]
#[kv(group(name = "more"))]
struct Whole {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "more")]
    dark: bool,
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "seat")]
struct Seat {
    #[kv(id, shard)]
    org: String,
    #[kv(id, secret)]
    token: String,
    name: String,
}

const ADA: &str = r#"{"name":"Ada"}"#;

fn assert_says_both<T: std::fmt::Debug>(refused: Result<T, Error>, [plain, ours]: [&str; 2]) {
    let text = shown(refused.as_ref().expect_err("it is refused"));
    assert!(matches!(refused, Err(Error::InvalidOptions { .. })), "{text}");
    for part in [plain, ours, "migrate_keys", "hash_tags"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// What each call does about a record that another program wrote under the plain key.
async fn every_call(kv: &Kv<RedisStore>, command: impl Fn(&[&str]) -> String) -> Test {
    command(&["SET", "plain:1", ADA]);
    command(&["SET", "whole:1:main", ADA]);
    command(&["SET", "seat:acme:s3cret", ADA]);
    let (plain, whole, seats) = (kv.collection::<Plain>(), kv.collection::<Whole>(), kv.collection::<Seat>());
    let bob = Plain { id: 1, name: "Bob".to_owned() };
    let whole_bob = Whole { id: 1, name: "Bob".to_owned(), dark: true };
    let seat = Seat { org: "acme".to_owned(), token: "s3cret".to_owned(), name: "Bob".to_owned() };
    let keys = ["`plain:1`", "`{plain:1}`"];
    let keys_of_whole = ["`whole:1:main`", "`{whole:1}:main`"];

    // What would make a second record says why not.
    assert_says_both(plain.insert(&bob).await, keys);
    assert_says_both(plain.upsert(1, || bob.clone(), |_| ()).await, keys);
    assert_says_both(whole.insert(&whole_bob).await, keys_of_whole);
    assert_says_both(kv.transact(async |tx| tx.insert(&bob)).await, keys);
    assert_says_both(plain.put(&bob).await, keys);
    assert_says_both(plain.with_ttl(Duration::from_secs(9)).put(&bob).await, keys);
    assert_says_both(whole.put(&whole_bob).await, keys_of_whole);
    assert_says_both(failure_of(plain.put_many([&Plain { id: 3, ..bob.clone() }, &bob]).await), keys);
    assert_says_both(kv.transact(async |tx| tx.put(&bob)).await, keys);

    // So does what would miss it.
    assert_says_both(plain.get(1).await, keys);
    assert_says_both(whole.get(1).await, keys_of_whole);
    assert_says_both(plain.get_many([3, 1]).await, keys);
    assert_says_both(plain.exists(1).await, keys);
    assert_says_both(plain.update(1, |_| ()).await, keys);
    assert_says_both(whole.update(1, |_| ()).await, keys_of_whole);
    assert_says_both(plain.touch(1).await, keys);
    assert_says_both(plain.delete(1).await, keys);
    assert_says_both(failure_of(whole.delete(1).await), keys_of_whole);
    assert_says_both(failure_of(plain.delete_many([3, 1]).await), keys);
    assert_says_both(kv.transact(async |tx| tx.get::<Plain>(1).await).await, keys);
    let found = plain.get_each([3, 1, 4]).await?;
    assert!(matches!(&found[..], [Ok(None), Err(Error::InvalidOptions { .. }), Ok(None)]), "{found:?}");
    for refused in [seats.insert(&seat).await, seats.get(("acme", "s3cret")).await.map(drop)] {
        assert!(!shown(refused.as_ref().expect_err("it is refused")).contains("s3cret"));
        assert_says_both(refused, ["`seat:acme:", "the same key with a hash tag"]);
    }

    // Nothing was written.
    assert_eq!(command(&["GET", "plain:1"]), ADA);
    for key in ["{plain:1}", "{plain:3}", "{whole:1}:main", "{whole:1}:more", "{:acme}seat:acme:s3cret"] {
        assert_eq!(command(&["EXISTS", key]), "0", "{key}");
    }

    // A cache goes on without the store, as if it failed: the origin is asked, and nothing is filled.
    let cached = plain.clone().cached(Cache::new());
    assert_says_both(cached.get(1).await, keys);
    let entity = bob.clone();
    let origin = move || std::future::ready(Ok::<_, std::io::Error>(entity.clone()));
    let loaded = cached.get_or_load(1, origin).await?;
    assert_eq!((&*loaded.name, command(&["EXISTS", "{plain:1}"])), ("Bob", "0".to_owned()));

    // What is absent under both keys is absent.
    assert_eq!((plain.get(3).await?, plain.exists(3).await?), (None, false));
    plain.delete(3).await?;
    assert!(matches!(plain.update(3, |_| ()).await, Err(Error::NotFound { .. })));
    assert!(!plain.touch(3).await?);
    // An entity that is there is found, whatever is under the plain key.
    command(&["SET", "{plain:1}", r#"{"name":"Eve"}"#]);
    assert_eq!(plain.get(1).await?.map(|it| it.name), Some("Eve".to_owned()));
    plain.put(&bob).await?;
    plain.with_ttl(Duration::from_secs(9)).put(&bob).await?;
    plain.put_many([&bob]).await?;
    assert!(plain.touch(1).await?);
    assert!(matches!(plain.insert(&bob).await, Err(Error::AlreadyExists { .. })));
    plain.update(1, |it| it.name.push('!')).await?;
    assert_eq!(command(&["GET", "{plain:1}"]), r#"{"name":"Bob!"}"#);
    plain.delete(1).await?;
    // Another type of value is no record.
    command(&["SADD", "plain:2", "x"]);
    assert_eq!(plain.get(2).await?, None);
    plain.put(&Plain { id: 2, ..bob.clone() }).await?;
    plain.delete(2).await?;
    plain.insert(&Plain { id: 2, ..bob.clone() }).await?;
    command(&["DEL", "plain:1", "whole:1:main", "seat:acme:s3cret"]);
    whole.insert(&whole_bob).await?;
    // A group that is absent is no reason to look: the entity is there.
    command(&["SET", "whole:1:more", "{}"]);
    command(&["DEL", "{whole:1}:more"]);
    assert!(matches!(whole.get(1).await, Err(Error::Incomplete { .. })));
    whole.put(&whole_bob).await?;
    whole.update(1, |it| it.dark = false).await?;
    command(&["DEL", "whole:1:more"]);
    whole.delete(1).await?;
    seats.insert(&seat).await?;
    Ok(())
}

/// The cause of a failure of a batch.
fn failure_of<T>(outcome: Result<T, Error>) -> Result<T, Error> {
    outcome.map_err(|error| match error {
        Error::Partial { written: 0, source, .. } => *source,
        error => error,
    })
}

/// Lists by `SCAN` show what is under plain keys as failed, in its place, and a census counts it.
async fn lists(kv: &Kv<RedisStore>, command: impl Fn(&[&str]) -> String) -> Test {
    let (plain, whole, seats) = (kv.collection::<Plain>(), kv.collection::<Whole>(), kv.collection::<Seat>());
    for id in [0, 2, 3] {
        plain.put(&Plain { id, name: "Bob".to_owned() }).await?;
        whole.put(&Whole { id, name: "Bob".to_owned(), dark: true }).await?;
    }
    let seat = Seat { org: "acme".to_owned(), token: "s3cret".to_owned(), name: "Bob".to_owned() };
    seats.put(&seat).await?;
    for key in ["plain:1", "plain:2", "whole:1:main", "whole:2:main", "seat:acme:t0ken", "seat:other:t0ken"] {
        command(&["SET", key, ADA]);
    }
    for key in ["plain:9", "plainer:1", "whole:9:main"] {
        command(&["SADD", key, "x"]);
    }
    let says_why = |failed: &[Error], times: usize| {
        assert_eq!(failed.len(), times, "{failed:?}");
        for error in failed {
            let text = shown(error);
            assert!(text.contains("without a hash tag") && text.contains("migrate_keys"), "{text}");
            assert!(matches!(error, Error::InvalidOptions { .. }) && !text.contains("t0ken"), "{text}");
        }
    };
    let page = plain.list().page().await?;
    assert_eq!(page.entities.iter().map(|it| it.id).collect::<Vec<_>>(), [0, 2, 3]);
    says_why(&page.failed, 1);
    assert!(shown(&page.failed[0]).contains("plain:1"));
    let page = whole.list().page().await?;
    assert_eq!(page.entities.iter().map(|it| it.id).collect::<Vec<_>>(), [0, 2, 3]);
    says_why(&page.failed, 1);
    let page = seats.list().page().await?;
    assert_eq!((page.entities.len(), page.skipped), (1, 0));
    says_why(&page.failed, 2);
    let page = seats.list().within("acme").page().await?;
    assert_eq!(page.entities.len(), 1);
    says_why(&page.failed, 1);

    let (mut cursor, mut seen) = (None, Vec::new());
    loop {
        let page = plain.list().limit(1).cursor(cursor).page().await?;
        seen.push((page.entities.len(), page.failed.len()));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    seen.retain(|shown| *shown != (0, 0));
    assert_eq!(seen, [(1, 0), (0, 1), (1, 0), (1, 0)]);
    assert_eq!(plain.list().ids().page().await?.ids, [0, 1, 2, 3]);
    for census in [plain.census().await?, whole.census().await?] {
        let group = &census.groups[0];
        assert_eq!((group.misplaced, group.damaged, group.total()), (1, 0, 4), "{census}");
        assert!(census.to_string().contains("misplaced"), "{census}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn no_call_passes_over_a_plain_key_on_a_server() -> Test {
    let server = RedisServer::start();
    let command = |command: &[&str]| server.cli(command).trim().to_owned();
    for parameters in ["hash_tags=true", "hash_tags=true&list_index=true"] {
        server.cli(&["FLUSHALL"]);
        let kv = Kv::new(RedisStore::connect(&format!("{}?{parameters}", server.url(0))).await?);
        every_call(&kv, command).await?;
    }
    server.cli(&["FLUSHALL"]);
    lists(&Kv::new(RedisStore::connect(&format!("{}?hash_tags=true", server.url(0))).await?), command)
        .await?;
    let unchecked = RedisStore::options().hash_tags(true).check_plain_keys(false);
    let unchecked = Kv::new(unchecked.connect(&server.url(0)).await?).collection::<Plain>();
    assert_eq!(unchecked.get(1).await?, None);
    unchecked.delete(1).await?;
    assert!(unchecked.list().page().await?.failed.is_empty());
    unchecked.insert(&Plain { id: 1, name: "Bob".to_owned() }).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn no_call_passes_over_a_plain_key_on_a_cluster() -> Test {
    let cluster = RedisCluster::start();
    let kv = Kv::new(RedisStore::connect(&cluster.url()).await?);
    let command = |command: &[&str]| {
        let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
        cluster.cli(&command).trim().to_owned()
    };
    // Each of them is on another slot.
    let each = |words: &[&str]| match words {
        ["DEL", keys @ ..] => keys.iter().map(|&key| command(&["DEL", key])).collect(),
        _ => command(words),
    };
    every_call(&kv, each).await?;
    cluster.flush();
    lists(&kv, each).await
}

/// What docs/redis.md says of the costs: a call that finds what it asks for pays nothing.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn only_what_finds_nothing_takes_another_round_trip() -> Test {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let mut taken = Vec::new();
    for checks in [true, false] {
        server.cli(&["FLUSHALL"]);
        let options = RedisStore::options().hash_tags(true).check_plain_keys(checks);
        let plain = Kv::new(options.connect(&proxy.url()).await?).collection::<Plain>();
        let bob = |id| Plain { id, name: "Bob".to_owned() };
        // Each script has to be known to the server.
        plain.insert(&bob(100)).await?;
        plain.update(100, |it| it.name.push('!')).await?;
        let count = async |call: BoxFuture<'_, Result<(), Error>>| {
            let before = proxy.round_trips();
            call.await?;
            Ok::<_, Error>(proxy.round_trips() - before)
        };
        let mut costs = Vec::new();
        // What is not there.
        costs.push(count(Box::pin(async { plain.get(1).await.map(drop) })).await?);
        costs.push(count(Box::pin(async { plain.exists(1).await.map(drop) })).await?);
        costs.push(count(Box::pin(async { plain.get_many(1..9).await.map(drop) })).await?);
        costs.push(count(Box::pin(plain.delete(1))).await?);
        costs.push(count(Box::pin(async { plain.put(&bob(2)).await })).await?);
        costs.push(count(Box::pin(async { plain.put_many([&bob(1), &bob(3)]).await })).await?);
        // What is there.
        costs.push(count(Box::pin(async { plain.get(1).await.map(drop) })).await?);
        costs.push(count(Box::pin(async { plain.exists(1).await.map(drop) })).await?);
        costs.push(count(Box::pin(async { plain.get_many(1..4).await.map(drop) })).await?);
        costs.push(count(Box::pin(async { plain.put(&bob(1)).await })).await?);
        costs.push(count(Box::pin(async { plain.update(1, |it| it.name.push('!')).await.map(drop) })).await?);
        costs.push(count(Box::pin(plain.delete(1))).await?);
        costs.push(count(Box::pin(async { plain.insert(&bob(1)).await })).await?);
        taken.push(costs);
    }
    assert_eq!(taken, [[2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 2, 1, 1], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1]]);
    Ok(())
}

/// The advice of the error is right: the move makes the record appear beside the plain one.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn migrate_keys_moves_what_is_hidden() -> Test {
    let server = RedisServer::start();
    for id in 0..20 {
        server.cli(&["SET", &format!("plain:{id}"), ADA]);
    }
    let plain = Kv::new(RedisStore::connect(&server.url(0)).await?).collection::<Plain>();
    let tagged = RedisStore::options().hash_tags(true).connect(&server.url(0)).await?;
    let tagged = Kv::new(tagged).collection::<Plain>();
    let bob = Plain { id: 7, name: "Bob".to_owned() };
    assert!(tagged.insert(&bob).await.is_err());
    let report = tagged.migrate_keys(&plain, Some).run().await?;
    assert_eq!((report.moved, report.occupied, report.failed), (20, 0, 0), "{report}");
    assert!(matches!(tagged.insert(&bob).await.map(drop), Err(Error::AlreadyExists { .. })));
    assert_eq!(tagged.get(7).await?.map(|it| it.name), Some("Ada".to_owned()));
    assert_eq!(plain.list().page().await?.entities, []);
    Ok(())
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "member")]
struct Member {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
    #[kv(index)]
    city: String,
}

/// The keys of indexes belong to those of their entities: each form of the keys has its own, and an
/// entity moves with what its indexes need.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn an_entity_with_indexes_moves_to_hash_tags_and_back() -> Test {
    let server = RedisServer::start();
    let plain = Kv::new(RedisStore::connect(&server.url(0)).await?).collection::<Member>();
    let tagged = RedisStore::options().hash_tags(true).connect(&server.url(0)).await?;
    let tagged = Kv::new(tagged).collection::<Member>();
    let member = |id: u64| Member { id, email: format!("{id}@example.com"), city: "York".to_owned() };
    assert!(plain.build_indexes().no_older_writers().run().await?.is_ready);
    for id in 0..5 {
        plain.insert(&member(id)).await?;
    }
    assert!(matches!(tagged.get(1).await, Err(Error::InvalidOptions { .. })));
    assert!(matches!(tagged.put(&member(1)).await, Err(Error::InvalidOptions { .. })));
    assert!(matches!(tagged.insert(&member(1)).await, Err(Error::InvalidOptions { .. })));
    assert!(matches!(tagged.delete(1).await, Err(Error::InvalidOptions { .. })));
    for (from, into) in [(&plain, &tagged), (&tagged, &plain)] {
        let report = into.migrate_keys(from, Some).run().await?;
        assert_eq!((report.moved, report.occupied, report.failed), (5, 0, 0), "{report}");
        assert!(into.build_indexes().no_older_writers().run().await?.is_ready);
        // Both forms share the entries of an index, and the removal of the old entity was the last.
        into.check_indexes().await?;
        let found = into.by(Member::EMAIL).get("1@example.com").await?;
        assert_eq!(found, Some(member(1)));
        assert_eq!(into.by(Member::CITY).equal("York").count().await?, 5);
        assert_eq!(into.by(Member::EMAIL).get("9@example.com").await?, None);
        let again = into.migrate_keys(from, Some).run().await?;
        assert_eq!((again.moved, again.occupied, again.failed), (0, 0, 0), "{again}");
    }
    Ok(())
}
