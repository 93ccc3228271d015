//! Records under plain keys, where this program's keys have hash tags.

use kv_runtime::store::RedisStore;
use kv_runtime::{Error, Kv, KvEntity};

use super::redis_server::{RedisCluster, RedisServer};
use super::{Test, shown};

/// An entity whose records other programs write and read.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "plain", plain)]
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
    let ada = Plain { id: 1, name: "Bob".to_owned() };
    let bob = Whole { id: 1, name: "Bob".to_owned(), dark: true };
    let seat = Seat { org: "acme".to_owned(), token: "s3cret".to_owned(), name: "Bob".to_owned() };

    // What would make a second record says why not.
    assert_says_both(plain.insert(&ada).await, ["`plain:1`", "`{plain:1}`"]);
    assert_says_both(plain.upsert(1, || ada.clone(), |_| ()).await, ["`plain:1`", "`{plain:1}`"]);
    assert_says_both(whole.insert(&bob).await, ["`whole:1:main`", "`{whole:1}:main`"]);
    assert_says_both(kv.transact(async |tx| tx.insert(&ada)).await, ["`plain:1`", "`{plain:1}`"]);
    let refused = seats.insert(&seat).await;
    assert!(!shown(refused.as_ref().expect_err("it is refused")).contains("s3cret"));
    assert_says_both(refused, ["`seat:acme:", "the same key with a hash tag"]);
    for key in ["{plain:1}", "{whole:1}:main", "{whole:1}:more", "{:acme}seat:acme:s3cret"] {
        assert_eq!(command(&["EXISTS", key]), "0", "{key}");
    }

    // The other calls see keys with hash tags alone.
    assert_eq!((plain.get(1).await?, whole.get(1).await?), (None, None));
    assert!(matches!(plain.update(1, |_| ()).await, Err(Error::NotFound { .. })));
    assert!(plain.list().page().await?.entities.is_empty());
    plain.delete(1).await?;
    assert_eq!(command(&["GET", "plain:1"]), ADA);

    // An entity that is there is found, whatever is under the plain key.
    plain.put(&ada).await?;
    assert!(plain.insert(&ada).await.is_err());
    plain.update(1, |it| it.name.push('!')).await?;
    assert_eq!(command(&["GET", "{plain:1}"]), r#"{"name":"Bob!"}"#);
    // Another type of value is no record.
    command(&["SADD", "plain:2", "x"]);
    plain.insert(&Plain { id: 2, ..ada.clone() }).await?;
    command(&["DEL", "plain:1", "whole:1:main", "seat:acme:s3cret"]);
    whole.insert(&bob).await?;
    whole.update(1, |it| it.dark = false).await?;
    seats.insert(&seat).await?;
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn no_insert_makes_a_second_record_on_a_server() -> Test {
    let server = RedisServer::start();
    for parameters in ["hash_tags=true", "hash_tags=true&list_index=true"] {
        server.cli(&["FLUSHALL"]);
        let kv = Kv::new(RedisStore::connect(&format!("{}?{parameters}", server.url(0))).await?);
        every_call(&kv, |command| server.cli(command).trim().to_owned()).await?;
    }
    server.cli(&["FLUSHALL"]);
    server.cli(&["SET", "plain:1", ADA]);
    let unchecked = RedisStore::options().hash_tags(true).check_plain_keys(false);
    let unchecked = Kv::new(unchecked.connect(&server.url(0)).await?).collection::<Plain>();
    unchecked.insert(&Plain { id: 1, name: "Bob".to_owned() }).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn no_insert_makes_a_second_record_on_a_cluster() -> Test {
    let cluster = RedisCluster::start();
    let kv = Kv::new(RedisStore::connect(&cluster.url()).await?);
    let command = |command: &[&str]| {
        let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
        cluster.cli(&command).trim().to_owned()
    };
    // Each of them is on another slot.
    every_call(&kv, |words| match words {
        ["DEL", keys @ ..] => keys.iter().map(|&key| command(&["DEL", key])).collect(),
        _ => command(words),
    })
    .await
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
