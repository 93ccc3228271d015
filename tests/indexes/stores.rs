//! Indexes through wrappers, caches and stores that are chosen while the program runs.

use std::time::Duration;

use futures_util::TryStreamExt;
use kv_runtime::cache::Cache;
use kv_runtime::key::Key;
use kv_runtime::layer::{
    Fault, FaultStore, NamespaceStore, ObservedStore, Operation, RetryStore, TimeoutStore,
};
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{
    AnyStore, CloudflareStore, EntryQuery, IndexStore, MemoryStore, RedbStore, Store, StoreExt,
};
use kv_runtime::{Codec, Collection, Error, Kv};

use crate::user::User;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The user 4 of a program without indexes.
const OLDER: &str =
    r#"{"email":"4@example.com","country":"GB","city":"Ayr","signed_up":4,"nickname":null,"logins":0}"#;

/// Writes and lookups of every kind.
pub async fn works<S: IndexStore>(store: S) -> Outcome {
    let kv = Kv::new(store);
    let users = kv.collection::<User>();
    // Where others may write, an index of an empty collection is not ready by itself.
    assert!(users.build_indexes().no_older_writers().run().await?.is_ready);
    users.put_many([User::of(1, "GB", Some("York")), User::of(2, "DE", None)]).await?;
    users.update(2, |user| user.country = "GB".to_owned()).await?;
    kv.transact(async |tx| tx.insert(&User::of(3, "GB", Some("Bath")))).await?;
    assert_eq!(users.by(User::EMAIL).get("3@example.com").await?.map(|user| user.id), Some(3));
    let ids: Vec<u64> = users.by(User::BY_CITY).within("GB").ids().stream().try_collect().await?;
    assert_eq!(ids, [2, 3, 1]);
    let taken = users.insert(&User::new(4, "1@example.com")).await;
    assert!(matches!(taken, Err(Error::NotUnique { .. })), "{taken:?}");
    assert_eq!(users.check_indexes().await?.removed, 0);
    // What a program that knows no index leaves, and what it takes away.
    users.store().delete(Key::from_text("user:1")).await?;
    let foreign = NewRecord::new(OLDER, Metadata::new(1, Codec::Json));
    users.store().put(Key::from_text("user:4"), foreign).await?;
    assert_eq!(users.sweep_indexes().await?.removed, 3);
    assert_eq!(users.check_indexes().await?.added, 3);
    assert_eq!(users.by(User::EMAIL).get("4@example.com").await?.map(|user| user.id), Some(4));
    let ids: Vec<u64> = users.by(User::BY_CITY).within("GB").rev().ids().stream().try_collect().await?;
    assert_eq!(ids, [3, 4, 2]);
    assert_eq!(users.drop_index("by_city").await?, 3);
    assert!(users.build_indexes().no_older_writers().run().await?.is_ready);
    assert_eq!(users.by(User::BY_CITY).count().await?, 3);
    Ok(())
}

#[tokio::test]
async fn indexes_work_through_every_wrapper_and_in_every_store() -> Outcome {
    works(MemoryStore::new()).await?;
    works(NamespaceStore::new(MemoryStore::new(), "acme: 100 %")).await?;
    works(NamespaceStore::new(NamespaceStore::new(MemoryStore::new(), "user!"), "a")).await?;
    works(ObservedStore::new(MemoryStore::new())).await?;
    works(TimeoutStore::new(MemoryStore::new(), Duration::from_secs(60))).await?;
    works(RetryStore::new(FaultStore::new(MemoryStore::new()))).await?;
    works(AnyStore::connect("memory:").await?).await?;
    let dir = tempfile::tempdir()?;
    works(RedbStore::open(dir.path().join("indexes.redb"))?).await?;
    works(AnyStore::from(RedbStore::open(dir.path().join("any.redb"))?)).await
}

#[tokio::test]
async fn entries_stay_in_their_namespace() -> Outcome {
    let store = MemoryStore::new();
    let of = |tenant| Kv::new(NamespaceStore::new(store.clone(), tenant)).collection::<User>();
    for tenant in ["a", "b"] {
        of(tenant).insert(&User::new(1, "ada@example.com")).await?;
    }
    of("a").delete(1).await?;
    assert_eq!(of("a").by(User::EMAIL).get("ada@example.com").await?, None);
    assert!(of("b").by(User::EMAIL).exists("ada@example.com").await?);
    assert_eq!(of("a").by(User::SIGNED_UP).count().await?, 0);
    assert_eq!(of("b").by(User::SIGNED_UP).count().await?, 1);
    let outside = EntryQuery::new(Key::from_text("user!signed_up!"));
    assert!(store.entries(&outside).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_cursor_of_another_namespace_is_refused() -> Outcome {
    let store = MemoryStore::new();
    let of = |tenant| Kv::new(NamespaceStore::new(store.clone(), tenant)).collection::<User>();
    for tenant in ["a", "b"] {
        of(tenant).put_many((1..=3).map(|id| User::new(id, &format!("{id}@example.com")))).await?;
    }
    let cursor = of("a").by(User::BY_CITY).limit(1).page().await?.cursor;
    let rest = of("a").by(User::BY_CITY).cursor(cursor.clone()).page().await?;
    assert_eq!(rest.entities.len(), 2);
    let refused = of("b").by(User::BY_CITY).cursor(cursor).page().await;
    assert!(matches!(refused, Err(Error::InvalidCursor { .. })), "{refused:?}");
    Ok(())
}

async fn assert_refused<S: IndexStore>(users: &Collection<User, S>) {
    let user = User::new(1, "ada@example.com");
    let refused = [
        users.put(&user).await,
        users.insert(&user).await,
        users.delete(1).await,
        users.put_many([&user]).await,
        users.delete_many([1]).await,
        users.upsert(1, || user.clone(), |_| ()).await.map(drop),
        users.by(User::EMAIL).get("ada@example.com").await.map(drop),
        users.by(User::BY_CITY).page().await.map(drop),
        users.build_indexes().no_older_writers().run().await.map(drop),
        users.check_indexes().await.map(drop),
        users.sweep_indexes().await.map(drop),
        users.drop_index("email").await.map(drop),
    ];
    for (place, refused) in refused.into_iter().enumerate() {
        let refused = match refused {
            Err(Error::Partial { source, .. }) => Err(*source),
            other => other,
        };
        let text = refused.map_err(|error| error.to_string()).expect_err("it cannot");
        assert!(text.contains("the store cannot do this: the indexes of this entity"), "{place}: {text}");
    }
}

#[tokio::test]
async fn a_store_that_keeps_no_indexes_refuses_before_it_is_asked() -> Outcome {
    // Nothing is reached at this address.
    let store = AnyStore::from(CloudflareStore::new("account", "namespace", "token")?);
    assert!(!store.info().capabilities().indexes);
    assert_refused(&Kv::new(store).collection()).await;
    let mut capabilities = *MemoryStore::new().info().capabilities();
    capabilities.indexes = false;
    let store = FaultStore::new(MemoryStore::new()).pretending(capabilities);
    store.faults().add(Fault::fail().on(&Operation::ALL));
    let kv = Kv::new(store);
    assert_refused(&kv.collection()).await;
    assert_eq!(kv.store().faults().struck(), 0);
    let refused = kv.transact(async |tx| tx.put(&User::new(1, "ada@example.com"))).await;
    assert!(matches!(refused, Err(Error::Unsupported { .. })), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn records_of_an_indexed_entity_are_not_handed_out() -> Outcome {
    let users = Kv::new(MemoryStore::new()).collection::<User>();
    let refused = users.records_of(&User::new(1, "ada@example.com"));
    assert!(matches!(refused, Err(Error::Unsupported { .. })), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn writes_of_a_cache_and_its_fills_are_in_the_index() -> Outcome {
    let kv = Kv::new(MemoryStore::new());
    let users = kv.collection::<User>();
    let cached = users.clone().cached(Cache::new());
    cached.put(User::new(1, "1@example.com")).await?;
    cached.update(1, |user| user.email = "one@example.com".to_owned()).await?;
    assert_eq!(users.by(User::EMAIL).get("1@example.com").await?, None);
    assert_eq!(users.by(User::EMAIL).get("one@example.com").await?.map(|user| user.id), Some(1));
    let by_email = cached.by(User::EMAIL);
    assert_eq!(by_email.get("one@example.com").await?.map(|user| user.id), Some(1));
    // Another handle changes the value: what memory holds is not returned for the old one.
    users.update(1, |user| user.email = "uno@example.com".to_owned()).await?;
    assert_eq!(by_email.get("one@example.com").await?, None);
    assert_eq!(by_email.get("uno@example.com").await?.map(|user| user.id), Some(1));
    users.update(1, |user| user.email = "one@example.com".to_owned()).await?;
    cached.delete(1).await?;
    assert_eq!(users.by(User::EMAIL).get("one@example.com").await?, None);
    let load = || async { Ok::<_, std::io::Error>(Some(User::new(7, "7@origin"))) };
    assert_eq!(cached.get_or_load(7, load).await?.map(|user| user.id), Some(7));
    assert_eq!(users.by(User::EMAIL).get("7@origin").await?.map(|user| user.id), Some(7));
    assert_eq!(users.check_indexes().await?.added, 0);
    Ok(())
}
