//! Every call on plain records.

use std::time::Duration;

use kv_runtime::store::{MemoryStore, RedbStore, Store, StoreExt};
use kv_runtime::{Clock, Error, Kv, KvEntity, ManualClock, Timestamp};

use super::{Outcome, put_theirs, text};

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "customer", plain)]
struct Customer {
    #[kv(id)]
    id: u64,
    name: String,
}

fn customer(id: u64, name: &str) -> Customer {
    Customer { id, name: name.to_owned() }
}

const THEIRS: &str = r#"{ "name" : "Ada",  "wei":123456789012345678901234567890, "a":[1e0] }"#;

/// What is written is JSON alone, and members that the struct does not name stay as they are.
async fn every_call_keeps_them_plain<S: kv_runtime::store::AtomicStore>(kv: Kv<S>) -> Outcome {
    let (customers, store) = (kv.collection::<Customer>(), kv.store());
    customers.put(&customer(1, "Ada")).await?;
    assert_eq!(text(store, "customer:1").await?, r#"{"name":"Ada"}"#);
    customers.put_many(&[customer(2, "Grace"), customer(3, "Alan")]).await?;
    assert_eq!(text(store, "customer:3").await?, r#"{"name":"Alan"}"#);
    customers.insert(&customer(4, "Edsger")).await?;
    assert!(matches!(customers.insert(&customer(4, "x")).await, Err(Error::AlreadyExists { .. })));
    assert_eq!(text(store, "customer:4").await?, r#"{"name":"Edsger"}"#);

    put_theirs(store, "customer:5", THEIRS).await?;
    let updated = customers.update(5, |it| it.name.push('!')).await?;
    assert_eq!(updated, customer(5, "Ada!"));
    assert_eq!(text(store, "customer:5").await?, THEIRS.replace("Ada", "Ada!"));
    let same = customers.update(5, |_| ()).await?;
    assert_eq!(
        (same.name.as_str(), text(store, "customer:5").await?),
        ("Ada!", THEIRS.replace("Ada", "Ada!"))
    );
    customers
        .try_update(5, |it| {
            "B".clone_into(&mut it.name);
            Ok::<_, Error>(())
        })
        .await?;
    assert_eq!(text(store, "customer:5").await?, THEIRS.replace("Ada", "B"));
    customers.upsert(5, || customer(5, "new"), |it| it.name.push('C')).await?;
    assert_eq!(text(store, "customer:5").await?, THEIRS.replace("Ada", "BC"));
    customers.upsert(6, || customer(6, "new"), |_| ()).await?;
    assert_eq!(text(store, "customer:6").await?, r#"{"name":"new"}"#);
    customers.update_last_write_wins(5, |it| it.name.push('D')).await?;
    assert_eq!(text(store, "customer:5").await?, THEIRS.replace("Ada", "BCD"));
    assert!(customers.touch(5).await?);

    let names = async || -> Result<Vec<String>, Error> {
        let page = customers.list().page().await?;
        assert!(page.failed.is_empty() && page.skipped == 0);
        Ok(page.entities.into_iter().map(|it| it.name).collect())
    };
    assert_eq!(names().await?, ["Ada", "Grace", "Alan", "Edsger", "BCD", "new"]);
    let found = customers.get_many([5, 9]).await?;
    assert_eq!((found[0].as_ref().map(|it| it.name.as_str()), &found[1]), (Some("BCD"), &None));

    let (from, to) = (1_u64, 5_u64);
    kv.transact(async |tx| {
        let mut first = tx.get::<Customer>(from).await?.expect("it is there");
        first.name.push('1');
        tx.save(&first)?;
        tx.update::<Customer>(to, |it| it.name.push('2')).await?;
        tx.insert(&customer(7, "by a transaction"))?;
        assert_eq!(tx.get::<Customer>(to).await?.map(|it| it.name).as_deref(), Some("BCD2"));
        Ok(())
    })
    .await?;
    assert_eq!(text(store, "customer:1").await?, r#"{"name":"Ada1"}"#);
    assert_eq!(text(store, "customer:5").await?, THEIRS.replace("Ada", "BCD2"));
    assert_eq!(text(store, "customer:7").await?, r#"{"name":"by a transaction"}"#);

    customers.delete(1).await?;
    customers.delete_many([2, 3, 4, 6, 7]).await?;
    assert_eq!(names().await?, ["BCD2"]);
    assert_eq!(customers.census_with_values().await?.groups[0].versions.get(&1), Some(&1));
    Ok(())
}

#[tokio::test]
async fn in_memory_every_call_keeps_them_plain() -> Outcome {
    every_call_keeps_them_plain(Kv::new(MemoryStore::new())).await
}

#[tokio::test]
async fn in_a_file_every_call_keeps_them_plain() -> Outcome {
    let dir = tempfile::tempdir()?;
    every_call_keeps_them_plain(Kv::new(RedbStore::open(dir.path().join("test.redb"))?)).await
}

/// An entity that used to have envelopes, and such a record.
#[tokio::test]
async fn a_record_with_an_envelope_becomes_plain_when_it_is_written() -> Outcome {
    #[derive(KvEntity)]
    #[kv(prefix = "customer", version = 2)]
    struct Enveloped {
        #[kv(id)]
        id: u64,
        #[kv(renamed(from = "fullName", since = 2))]
        name: String,
    }

    #[derive(KvEntity)]
    #[kv(prefix = "customer", version = 2, write_version = 1, plain)]
    struct Plain {
        #[kv(id)]
        id: u64,
        #[kv(renamed(from = "fullName", since = 2))]
        name: String,
    }

    let kv = Kv::new(MemoryStore::new());
    kv.collection::<Customer>().put(&customer(1, "Ada")).await?;
    put_theirs(kv.store(), "customer:2", r#"{"fullName":"Ada"}"#).await?;
    kv.collection::<Enveloped>().put(&Enveloped { id: 3, name: "Ada".to_owned() }).await?;
    let plain = kv.collection::<Plain>();
    assert_eq!(plain.get(3).await?.map(|it| it.name).as_deref(), Some("Ada"));
    plain.update(2, |it| it.name.push('!')).await?;
    assert_eq!(text(kv.store(), "customer:2").await?, r#"{"fullName":"Ada!"}"#);
    // It would be read as version 1 from then on.
    let refused = plain.update(3, |it| it.name.push('!')).await;
    assert!(matches!(refused, Err(Error::Unsupported { .. })));
    assert_eq!(plain.get(3).await?.map(|it| it.name).as_deref(), Some("Ada"));
    plain.put(&Plain { id: 3, name: "Ada".to_owned() }).await?;
    assert_eq!(text(kv.store(), "customer:3").await?, r#"{"fullName":"Ada"}"#);
    Ok(())
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "session", plain, ttl = "30m")]
struct Session {
    #[kv(id)]
    id: String,
    user: u64,
}

fn session(user: u64) -> Session {
    Session { id: "s".to_owned(), user }
}

#[tokio::test]
async fn the_expiry_is_the_stores() -> Outcome {
    let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
    let kv = Kv::new(MemoryStore::with_clock(Clock::from(&clock)));
    let sessions = kv.collection::<Session>();
    let left = async || -> Result<Option<u64>, Error> {
        let head = kv.store().head(&sessions.key("s")).await?;
        let now = kv.store().info().clock().now();
        Ok(head.and_then(|head| head.expires_at).map(|at| at.saturating_since(now).as_secs()))
    };
    sessions.insert(&session(1)).await?;
    clock.advance(Duration::from_secs(600));
    sessions.update("s", |it| it.user = 2).await?;
    assert_eq!(left().await?, Some(1_200));
    assert!(sessions.touch("s").await?);
    assert_eq!(
        (left().await?, text(kv.store(), "session:s").await?.as_str()),
        (Some(1_800), r#"{"user":2}"#)
    );
    clock.advance(Duration::from_secs(1_800));
    assert_eq!(sessions.get("s").await?, None);
    Ok(())
}

#[tokio::test]
async fn a_file_cannot_let_them_expire_and_says_so() -> Outcome {
    let dir = tempfile::tempdir()?;
    let kv = Kv::new(RedbStore::open(dir.path().join("test.redb"))?);
    let sessions = kv.collection::<Session>();
    put_theirs(kv.store(), "session:s", r#"{"user":1}"#).await?;
    let refused = [
        sessions.put(&session(1)).await.err(),
        sessions.insert(&Session { id: "t".to_owned(), user: 1 }).await.err(),
        sessions.touch("s").await.err(),
        sessions.with_ttl(Duration::from_secs(9)).update("s", |it| it.user = 2).await.err(),
        sessions.with_ttl(Duration::from_secs(9)).update("s", |_| ()).await.err(),
    ];
    for error in refused {
        let shown = error.as_ref().map(ToString::to_string).unwrap_or_default();
        assert!(
            shown.contains("in redb: the store cannot do this: the expiry of a plain record"),
            "{error:?}"
        );
    }
    // What does not set it works.
    sessions.update("s", |it| it.user = 2).await?;
    assert_eq!(text(kv.store(), "session:s").await?, r#"{"user":2}"#);
    Ok(())
}

/// Of several groups one may be plain.
#[tokio::test]
async fn a_plain_group_stands_beside_one_with_an_envelope() -> Outcome {
    #[derive(KvEntity, Debug)]
    #[kv(prefix = "user", group = "profile", version = 2)]
    #[kv(group(name = "settings", plain))]
    struct User {
        #[kv(id)]
        id: u64,
        #[kv(added(since = 2))]
        name: String,
        #[kv(group = "settings")]
        theme: String,
    }

    let kv = Kv::new(MemoryStore::new());
    let users = kv.collection::<User>();
    users.insert(&User { id: 7, name: "Ada".to_owned(), theme: "dark".to_owned() }).await?;
    assert_eq!(text(kv.store(), "user:7:settings").await?, r#"{"theme":"dark"}"#);
    let profile = kv.store().read(&users.key(7)).await?.ok_or("no profile")?;
    assert!(!profile.is_plain() && profile.metadata.version == 2);
    put_theirs(kv.store(), "user:7:settings", r#"{"theme":"light","font":1}"#).await?;
    users.update(7, |it| it.theme.push('!')).await?;
    assert_eq!(text(kv.store(), "user:7:settings").await?, r#"{"theme":"light!","font":1}"#);
    let views = kv.collection::<UserSettings>();
    views.update(7, |it| it.theme.push('?')).await?;
    assert_eq!(text(kv.store(), "user:7:settings").await?, r#"{"theme":"light!?","font":1}"#);
    Ok(())
}
