//! put, insert, delete, get, exists: one entity of one group and of several.

use kv_runtime::key::Key;
use kv_runtime::store::{AtomicStore, Limits, StoreExt};
use kv_runtime::{Error, Kv, ManualClock};

use crate::counted::Counted;
use crate::entities::{Counter, User, UserPrefs, UserProfile};
use crate::{Outcome, START, on_every_store};

on_every_store!(
    a_put_is_read_back,
    insert_never_replaces,
    insert_overwrites_a_group_without_an_anchor,
    each_group_has_its_own_key,
    an_optional_group_reads_as_default,
    a_required_group_must_be_there,
    delete_removes_every_group
);

async fn a_put_is_read_back<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let counters = kv.collection::<Counter>();
    let counter = Counter { name: "a:b%c/ü".to_owned(), count: u64::MAX };
    assert_eq!(counters.get("a:b%c/ü").await?, None);
    assert!(!counters.exists("a:b%c/ü").await?);
    counters.put(&counter).await?;
    assert_eq!(counters.get("a:b%c/ü").await?, Some(counter));
    assert!(counters.exists("a:b%c/ü").await?);
    let record = kv.store().read(&Key::from_text("counter:a%3Ab%25c/ü")).await?.expect("was put");
    assert_eq!(&*record.value, br#"{"count":18446744073709551615}"#);
    assert_eq!((record.metadata.version, record.metadata.created_at), (1, Some(START)));
    Ok(())
}

async fn insert_never_replaces<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let users = kv.collection::<User>();
    users.insert(&User::new(7)).await?;
    let other = User { name: "other".to_owned(), ..User::new(7) };
    let error = users.insert(&other).await.expect_err("7 is there");
    assert!(matches!(error, Error::AlreadyExists { .. }));
    let told = error.to_string();
    assert!(told.starts_with("User `user:7:profile` in ") && told.contains("`update` changes it"), "{told}");
    assert_eq!(users.get(7).await?, Some(User::new(7)));
    Ok(())
}

async fn insert_overwrites_a_group_without_an_anchor<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let (users, prefs) = (kv.collection::<User>(), kv.collection::<UserPrefs>());
    let light = |id| UserPrefs { id, theme: "light".to_owned(), max_items: 1 };
    prefs.put_many([light(7), light(8)]).await?;
    assert!(!users.exists(7).await? && users.get(7).await?.is_none());
    users.insert(&User::new(7)).await?;
    assert_eq!(users.get(7).await?, Some(User::new(7)));
    // The anchor's view leaves it as it is.
    kv.collection::<UserProfile>().insert(&UserProfile { id: 8, name: "Ada".to_owned() }).await?;
    assert!(users.exists(8).await?);
    assert_eq!(prefs.get(8).await?, Some(light(8)));
    Ok(())
}

async fn each_group_has_its_own_key<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection::<User>().put(&User::new(7)).await?;
    let mut stored = Vec::new();
    for group in ["profile", "limits", "settings"] {
        let record = kv.store().read(&Key::from_text(format!("user:7:{group}"))).await?.expect("was put");
        stored.push((record.metadata.version, String::from_utf8(record.value.to_vec())?));
    }
    let expected =
        [(1, r#"{"name":"user 7"}"#), (3, r#"{"quota":10}"#), (1, r#"{"theme":"dark","max_items":5}"#)];
    assert_eq!(stored, expected.map(|(version, value)| (version, value.to_owned())));
    let prefs = kv.collection::<UserPrefs>().get(7).await?;
    assert_eq!(prefs, Some(UserPrefs { id: 7, theme: "dark".to_owned(), max_items: 5 }));
    Ok(())
}

async fn an_optional_group_reads_as_default<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let users = kv.collection::<User>();
    users.put(&User::new(7)).await?;
    kv.collection::<UserPrefs>().delete(7).await?;
    let plain = User { theme: String::new(), max_items: 0, ..User::new(7) };
    assert_eq!(users.get(7).await?, Some(plain));
    // A change of another group leaves it absent. A change of this group writes it again.
    users.update(7, |user| user.quota += 1).await?;
    assert!(!kv.collection::<UserPrefs>().exists(7).await?);
    users.update(7, |user| user.max_items = 3).await?;
    assert_eq!(kv.collection::<UserPrefs>().get(7).await?.map(|prefs| prefs.max_items), Some(3));
    Ok(())
}

async fn a_required_group_must_be_there<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let users = kv.collection::<User>();
    users.put(&User::new(7)).await?;
    kv.store().delete(Key::from_text("user:7:limits")).await?;
    let error = users.get(7).await.expect_err("a group is missing");
    assert!(matches!(error, Error::Incomplete { group: "limits", .. }), "{error}");
    // An insert says the same, and what it advises makes the entity whole.
    let error = users.insert(&User::new(7)).await.expect_err("the anchor is there");
    assert!(matches!(error, Error::Incomplete { group: "limits", .. }), "{error}");
    assert!(error.to_string().contains("`put` the whole entity"), "{error}");
    users.put(&User::new(7)).await?;
    assert_eq!(users.get(7).await?, Some(User::new(7)));
    kv.store().delete(Key::from_text("user:7:settings")).await?;
    assert!(matches!(users.insert(&User::new(7)).await, Err(Error::AlreadyExists { .. })));
    // Without its anchor there is no entity at all.
    kv.store().delete(Key::from_text("user:7:profile")).await?;
    assert_eq!(users.get(7).await?, None);
    Ok(())
}

async fn delete_removes_every_group<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let users = kv.collection::<User>();
    users.put(&User::new(7)).await?;
    users.put(&User::new(8)).await?;
    users.delete(7).await?;
    users.delete(7).await?;
    for group in ["profile", "limits", "settings"] {
        assert!(kv.store().read(&Key::from_text(format!("user:7:{group}"))).await?.is_none());
    }
    assert_eq!(users.get(8).await?, Some(User::new(8)));
    Ok(())
}

/// Where a store cannot write several keys at once, what is half there must not look whole.
#[tokio::test]
async fn without_atomic_batches_the_anchor_is_written_last_and_deleted_first() -> Outcome {
    let kv = Kv::new(Counted::new(Limits::new()));
    let users = kv.collection::<User>();
    users.put(&User::new(7)).await?;
    assert_eq!(kv.store().calls(), ["put user:7:settings", "put user:7:limits", "put user:7:profile"]);
    users.delete(7).await?;
    assert_eq!(
        kv.store().calls(),
        ["delete user:7:profile", "delete user:7:limits", "delete user:7:settings"]
    );

    let kv = Kv::new(Counted::new(Limits::new()).failing_after(2));
    let users = kv.collection::<User>();
    let error = users.put(&User::new(7)).await.expect_err("the anchor's write fails");
    assert!(error.is_retryable(), "{error}");
    assert_eq!(users.get(7).await?, None);
    Ok(())
}
