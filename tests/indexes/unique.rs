//! Unique values: which entity holds them, and when they are free.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::layer::{Fault, FaultStore, Operation};
use kv_runtime::record::NewRecord;
use kv_runtime::store::{MemoryStore, StoreExt};
use kv_runtime::{Collection, Error, Kv, ManualClock, Timestamp};

use crate::user::User;

pub type Outcome = Result<(), Error>;

fn users() -> Collection<User, MemoryStore> {
    Kv::new(MemoryStore::new()).collection()
}

#[track_caller]
fn assert_taken(result: Result<impl Sized, Error>, index: &str, by: &str) {
    match result {
        Err(Error::NotUnique { index: found, holder, .. }) => assert_eq!((found, &*holder), (index, by)),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the value was free"),
    }
}

#[tokio::test]
async fn a_user_is_found_by_email() -> Outcome {
    let users = users();
    assert_eq!(users.by(User::EMAIL).get("ada@example.com").await?, None);
    let ada = User::new(1, "Ada@Example.com");
    users.insert(&ada).await?;
    assert_eq!(users.by(User::EMAIL).get("ada@example.com").await?, Some(ada.clone()));
    assert_eq!(users.by(User::EMAIL).get("ADA@EXAMPLE.COM").await?, Some(ada));
    assert!(!users.by(User::EMAIL).exists("ada").await?);
    let found = users.by(User::EMAIL).get_many(["bob@example.com", "ada@example.com"]).await?;
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
    Ok(())
}

#[tokio::test]
async fn two_users_never_have_one_email() -> Outcome {
    let users = users();
    users.insert(&User::new(1, "ada@example.com")).await?;
    let second = User::new(2, "ADA@example.com");
    assert_taken(users.insert(&second).await, "email", "user:1");
    assert_taken(users.put(&second).await, "email", "user:1");
    assert_taken(users.upsert(2, || second.clone(), |_| ()).await, "email", "user:1");
    users.put(&User::new(2, "bob@example.com")).await?;
    let stolen = users.update(2, |user| user.email = "ada@example.com".to_owned()).await;
    assert_taken(stolen, "email", "user:1");
    assert_eq!(users.get(2).await?.map(|user| user.email).as_deref(), Some("bob@example.com"));
    Ok(())
}

/// kvdex #143 refuses this.
#[tokio::test]
async fn overwriting_a_user_with_its_own_email_is_no_conflict() -> Outcome {
    let users = users();
    let ada = User::new(1, "ada@example.com");
    users.put(&ada).await?;
    users.put(&ada).await?;
    users.put_many([&ada, &ada]).await?;
    users.update(1, |user| user.email = "Ada@example.com".to_owned()).await?;
    users.upsert(1, || ada.clone(), |user| user.logins += 1).await?;
    assert!(matches!(users.insert(&ada).await, Err(Error::AlreadyExists { .. })));
    assert!(users.by(User::EMAIL).exists("ada@example.com").await?);
    Ok(())
}

/// native_db #265: the index was stale after an upsert until `refresh`.
#[tokio::test]
async fn the_index_is_right_after_an_upsert() -> Outcome {
    let users = users();
    let ada = User::new(1, "ada@example.com");
    users.upsert(1, || ada.clone(), |_| ()).await?;
    users.upsert(1, || ada.clone(), |user| user.email = "countess@example.com".to_owned()).await?;
    assert_eq!(users.by(User::EMAIL).get("ada@example.com").await?, None);
    assert!(users.by(User::EMAIL).exists("countess@example.com").await?);
    users.insert(&User::new(2, "ada@example.com")).await?;
    Ok(())
}

#[tokio::test]
async fn the_email_of_a_deleted_user_is_free_at_once() -> Outcome {
    let users = users();
    users.insert(&User::new(1, "ada@example.com")).await?;
    users.delete(1).await?;
    assert_eq!(users.by(User::EMAIL).get("ada@example.com").await?, None);
    users.insert(&User::new(2, "ada@example.com")).await?;
    users.delete_many([2]).await?;
    users.insert(&User::new(3, "ada@example.com")).await?;
    assert!(users.by(User::EMAIL).delete("ada@example.com").await?);
    assert!(!users.by(User::EMAIL).delete("ada@example.com").await?);
    assert_eq!(users.get(3).await?, None);
    Ok(())
}

#[tokio::test]
async fn the_email_of_an_expired_user_is_free_at_once() -> Outcome {
    let clock = ManualClock::new(Timestamp::from_millis(1_000_000));
    let users = Kv::new(MemoryStore::with_clock((&clock).into())).collection::<User>();
    let short = users.with_ttl(Duration::from_secs(1));
    short.insert(&User::new(1, "ada@example.com")).await?;
    assert_taken(users.insert(&User::new(2, "ada@example.com")).await, "email", "user:1");
    clock.advance(Duration::from_secs(1));
    assert_eq!(users.by(User::EMAIL).get("ada@example.com").await?, None);
    users.insert(&User::new(2, "ada@example.com")).await?;
    assert_taken(users.insert(&User::new(1, "ada@example.com")).await, "email", "user:2");
    Ok(())
}

#[tokio::test]
async fn a_missing_value_is_no_value() -> Outcome {
    let users = users();
    users.put_many([User::new(1, "1"), User::new(2, "2")]).await?;
    users.update(1, |user| user.nickname = Some("lady".to_owned())).await?;
    let taken = users.update(2, |user| user.nickname = Some("lady".to_owned())).await;
    assert_taken(taken, "nickname", "user:1");
    assert_eq!(users.by(User::NICKNAME).get("lady").await?.map(|user| user.id), Some(1));
    users.update(1, |user| user.nickname = None).await?;
    users.update(2, |user| user.nickname = Some("lady".to_owned())).await?;
    assert_eq!(users.by(User::NICKNAME).get("lady").await?.map(|user| user.id), Some(2));
    Ok(())
}

#[tokio::test]
async fn a_value_moves_within_one_transaction() -> Outcome {
    let kv = Kv::new(MemoryStore::new());
    let users = kv.collection::<User>();
    users.put_many([User::new(1, "ada@example.com"), User::new(2, "bob@example.com")]).await?;
    kv.transact(async |tx| {
        let (one, two) = (tx.get::<User>(1).await?, tx.get::<User>(2).await?);
        let (Some(mut one), Some(mut two)) = (one, two) else { return Ok(()) };
        std::mem::swap(&mut one.email, &mut two.email);
        tx.save(&one)?;
        tx.save(&two)
    })
    .await?;
    assert_eq!(users.by(User::EMAIL).get("ada@example.com").await?.map(|user| user.id), Some(2));
    assert_eq!(users.by(User::EMAIL).get("bob@example.com").await?.map(|user| user.id), Some(1));
    kv.transact(async |tx| {
        tx.delete::<User>(2)?;
        tx.put(&User::new(3, "ada@example.com"))?;
        tx.insert(&User::new(4, "eve@example.com"))
    })
    .await?;
    assert_eq!(users.by(User::EMAIL).get("ada@example.com").await?.map(|user| user.id), Some(3));
    let taken = kv.transact(async |tx| tx.insert(&User::new(5, "eve@example.com"))).await;
    assert_taken(taken, "email", "user:4");
    let twice = kv
        .transact(async |tx| {
            tx.put(&User::new(6, "new@example.com"))?;
            tx.put(&User::new(7, "new@example.com"))
        })
        .await;
    assert!(matches!(twice, Err(Error::NotUnique { .. })), "{twice:?}");
    assert_eq!(users.get(6).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_batch_is_netted_before_it_is_written() -> Outcome {
    let users = users();
    users.put_many([User::new(1, "a"), User::new(2, "b")]).await?;
    users.put_many([User::new(1, "b"), User::new(2, "a"), User::new(3, "x"), User::new(3, "c")]).await?;
    for (email, id) in [("b", 1), ("a", 2), ("c", 3)] {
        assert_eq!(users.by(User::EMAIL).get(email).await?.map(|user| user.id), Some(id), "{email}");
    }
    assert_eq!(users.by(User::EMAIL).get("x").await?, None);
    let refused = users.put_many([User::new(4, "d"), User::new(5, "D")]).await;
    assert!(matches!(refused, Err(Error::Partial { written: 0, .. })), "{refused:?}");
    assert_eq!(users.get(4).await?, None);
    // A user of the batch that keeps its value loses it to nobody.
    let refused = users.put_many([User::new(1, "b"), User::new(6, "b")]).await;
    assert!(matches!(refused, Err(Error::Partial { written: 0, .. })), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn an_error_shows_no_value() -> Outcome {
    let users = users();
    users.insert(&User::new(1, "secret@example.com")).await?;
    let Err(error) = users.insert(&User::new(2, "secret@example.com")).await else { panic!("it was free") };
    let text = format!("{error} {error:?}");
    assert!(!text.contains("secret") && text.contains("`email`") && text.contains("user:1"), "{text}");
    Ok(())
}

/// Neither the store's errors nor `Debug` show a value, which may be secret.
#[tokio::test]
async fn errors_of_the_store_show_no_value() -> Outcome {
    let kv = Kv::new(FaultStore::new(MemoryStore::new()));
    let users = kv.collection::<User>();
    users.insert(&User::new(1, "hidden@example.com")).await?;
    let mut shown = format!("{:?}", users.by(User::EMAIL));
    shown += &format!("{:?}", users.by(User::SIGNED_UP).equal(Timestamp::from_millis(1)));
    for operation in [Operation::Get, Operation::GetMany, Operation::Commit, Operation::Entries] {
        for is_after in [false, true] {
            let fault = Fault::fail().on(&[operation]);
            kv.store().faults().add(if is_after { fault.after() } else { fault });
            for failed in [
                users.by(User::EMAIL).get("hidden@example.com").await.map(drop),
                users.by(User::EMAIL).delete("hidden@example.com").await.map(drop),
                users.by(User::BY_CITY).starts_with("hidden").page().await.map(drop),
                users.put(&User::new(2, "hidden2@example.com")).await,
                users.sweep_indexes().await.map(drop),
                users.drop_index("email").await.map(drop),
            ] {
                if let Err(error) = failed {
                    shown += &format!("{error} {error:?}\n");
                }
            }
            kv.store().faults().clear();
            users.put(&User::new(1, "hidden@example.com")).await?;
        }
    }
    assert!(shown.lines().count() > 20 && !shown.contains("hidden"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn unchanged_values_write_no_entries() -> Outcome {
    let users = users();
    users.insert(&User::new(1, "ada@example.com")).await?;
    let claim = Key::from_text("user!email!ada@example.com!");
    let before = users.store().read(&claim).await?.map(|claim| claim.revision);
    assert!(before.is_some());
    users.update(1, |user| user.logins += 1).await?;
    users.put(&User::new(1, "ADA@example.com")).await?;
    users.put_many([User::new(1, "Ada@example.com")]).await?;
    users.touch(1).await?;
    assert_eq!(users.store().read(&claim).await?.map(|claim| claim.revision), before);
    Ok(())
}

/// A claim that is not the entity's is left alone when the entity gives the value up.
#[tokio::test]
async fn nobody_gives_up_the_claim_of_another() -> Outcome {
    let users = users();
    users.put_many([User::new(1, "a"), User::new(2, "b")]).await?;
    // As an older program writes that knows no index.
    let value = users.store().read(&Key::from_text("user:2")).await?.expect("it is there");
    let stolen = NewRecord::new(value.value.0, value.metadata);
    users.store().put(Key::from_text("user:3"), stolen).await?;
    users.delete(3).await?;
    assert_eq!(users.by(User::EMAIL).get("b").await?.map(|user| user.id), Some(2));
    Ok(())
}
