//! What a transaction writes: all of it or nothing.

use std::time::Duration;

use kv_runtime::store::{AtomicStore, StoreExt};
use kv_runtime::{Error, Kv, ManualClock};

use crate::entities::{Account, Session, User};
use crate::{Outcome, Runs};

crate::on_both_stores!(
    all_is_written_or_nothing,
    what_is_there_is_not_inserted,
    an_insert_is_told_after_the_reads,
    a_deleted_entity_can_be_inserted,
    what_was_not_read_is_not_saved,
    puts_look_at_nothing,
    groups_are_written_and_deleted_together,
    a_ttl_of_its_own,
    a_transaction_inside_is_one_of_its_own,
);

async fn all_is_written_or_nothing<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection().put_many([Account::new(1, 100), Account::new(2, 0)]).await?;
    kv.transact(async |tx| {
        let mut accounts = tx.get_many::<Account>([1, 2]).await?.into_iter().flatten();
        let (Some(mut from), Some(mut to)) = (accounts.next(), accounts.next()) else {
            panic!("both are there")
        };
        from.cents -= 30;
        to.cents += 30;
        tx.save(&from)?;
        tx.save(&to)?;
        tx.put(&Account::new(3, 1))
    })
    .await?;
    let after = [Some(Account::new(1, 70)), Some(Account::new(2, 30)), Some(Account::new(3, 1))];
    assert_eq!(kv.collection().get_many([1, 2, 3]).await?, after);
    let panicked = {
        let kv = kv.clone();
        tokio::spawn(async move {
            kv.transact(async |tx| {
                tx.update::<Account>(1, |account| account.cents = 0).await?;
                if tx.exists::<Account>(2).await? {
                    panic!("on purpose");
                }
                Ok(())
            })
            .await
        })
    };
    assert!(panicked.await.is_err_and(|error| error.is_panic()));
    let failed = kv.transact(async |tx| {
        tx.delete::<Account>(2)?;
        tx.update::<Account>(9, |_| {}).await.map(drop)
    });
    assert!(matches!(failed.await, Err(Error::NotFound { .. })));
    assert_eq!(kv.collection().get_many([1, 2, 3]).await?, after);
    Ok(())
}

async fn what_is_there_is_not_inserted<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection().put(&Account::new(1, 100)).await?;
    let runs = Runs::default();
    let blind = kv.transact(async |tx| {
        runs.begin();
        tx.put(&Account::new(2, 5))?;
        tx.insert(&Account::new(1, 0))
    });
    let Err(error) = blind.await else { panic!("it is there") };
    assert_eq!(error.location().and_then(|at| at.entity), Some("Account"));
    assert_eq!(error.location().and_then(|at| at.key.as_deref()), Some("account:1"));
    assert!(matches!(error, Error::AlreadyExists { .. }));
    assert_eq!(runs.count(), 1);
    let read = kv.transact(async |tx| {
        tx.get::<Account>(1).await?;
        tx.insert(&Account::new(1, 0))
    });
    assert!(matches!(read.await, Err(Error::AlreadyExists { .. })));
    // The closure saw its own insert only, so its error does not count.
    let refused = kv.transact(async |tx| {
        tx.insert(&Account::new(1, 0))?;
        tx.update::<Account>(9, |_| {}).await.map(drop)
    });
    assert!(matches!(refused.await, Err(Error::AlreadyExists { .. })));
    // The closure may do something else about it.
    kv.transact(async |tx| {
        if !tx.exists::<Account>(1).await? {
            tx.insert(&Account::new(1, 0))?;
        }
        assert!(matches!(tx.insert(&Account::new(1, 0)), Err(Error::AlreadyExists { .. })));
        tx.insert(&Account::new(3, 1))?;
        assert!(matches!(tx.insert(&Account::new(3, 0)), Err(Error::AlreadyExists { .. })));
        Ok(())
    })
    .await?;
    let all = kv.collection().get_many([1, 2, 3]).await?;
    assert_eq!(all, [Some(Account::new(1, 100)), None, Some(Account::new(3, 1))]);
    Ok(())
}

/// If a read fails, too, it is a conflict: the next attempt may not insert at all.
async fn an_insert_is_told_after_the_reads<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let accounts = kv.collection::<Account>();
    accounts.put(&Account::new(5, 0)).await?;
    let runs = Runs::default();
    kv.transact(async |tx| {
        let run = runs.begin();
        if tx.get::<Account>(5).await?.is_some_and(|account| account.cents > 0) {
            return Ok(());
        }
        if run == 1 {
            // Its key comes before that of the record that was read.
            accounts.put(&Account::new(1, 1)).await?;
            accounts.put(&Account::new(5, 5)).await?;
        }
        tx.insert(&Account::new(1, 0))
    })
    .await?;
    assert_eq!(runs.count(), 2);
    Ok(())
}

async fn a_deleted_entity_can_be_inserted<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection().put_many([Account::new(1, 100), Account::new(2, 50)]).await?;
    kv.transact(async |tx| {
        tx.delete::<Account>(1)?;
        tx.insert(&Account::new(1, 1))?;
        tx.get::<Account>(2).await?;
        tx.delete::<Account>(2)?;
        tx.insert(&Account::new(2, 2))?;
        tx.insert(&Account::new(3, 3))?;
        tx.delete::<Account>(3)
    })
    .await?;
    let all = kv.collection().get_many([1, 2, 3]).await?;
    assert_eq!(all, [Some(Account::new(1, 1)), Some(Account::new(2, 2)), None]);
    Ok(())
}

async fn what_was_not_read_is_not_saved<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection().put(&Account::new(1, 100)).await?;
    kv.collection().put(&User::new(7)).await?;
    let unread = kv.transact(async |tx| tx.save(&Account::new(1, 0))).await;
    let Err(unread) = unread else { panic!("it was not read") };
    assert_eq!(
        unread.to_string(),
        format!(
            "Account `account:1` in {}: the transaction has not read the entity that it saves; read it with `get`, or write it \
             with `put` or `insert`",
            kv.store().name()
        )
    );
    kv.transact(async |tx| {
        assert!(tx.exists::<Account>(1).await?);
        assert!(matches!(tx.save(&Account::new(1, 0)), Err(Error::NotRead { .. })));
        assert!(tx.get::<Account>(2).await?.is_none());
        assert!(matches!(tx.save(&Account::new(2, 0)), Err(Error::NotFound { .. })));
        // Of the entity's groups only one was read.
        tx.get::<crate::entities::Profile>(7).await?;
        assert!(matches!(tx.save(&User::new(7)), Err(Error::NotRead { .. })));
        Ok(())
    })
    .await?;
    Ok(())
}

async fn puts_look_at_nothing<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let accounts = kv.collection::<Account>();
    accounts.put_many([Account::new(1, 1), Account::new(2, 2)]).await?;
    let runs = Runs::default();
    kv.transact(async |tx| {
        runs.begin();
        tx.put(&Account::new(1, 10))?;
        tx.delete::<Account>(2)?;
        accounts.put_many([Account::new(1, 100), Account::new(2, 200)]).await
    })
    .await?;
    assert_eq!(runs.count(), 1);
    assert_eq!(accounts.get_many([1, 2]).await?, [Some(Account::new(1, 10)), None]);
    Ok(())
}

async fn groups_are_written_and_deleted_together<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let users = kv.collection::<User>();
    kv.transact(async |tx| {
        tx.insert(&User::new(1))?;
        tx.put(&User::new(2))
    })
    .await?;
    assert_eq!(users.get_many([1, 2]).await?, [Some(User::new(1)), Some(User::new(2))]);
    kv.transact(async |tx| tx.delete::<User>(1)).await?;
    for key in users.keys(1) {
        assert!(kv.store().read(&key).await?.is_none(), "{key} is left");
    }
    assert!(users.exists(2).await?);
    Ok(())
}

async fn a_ttl_of_its_own<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let sessions = kv.collection::<Session>();
    let session = |token: &str| Session { token: token.to_owned(), user: 7 };
    let day = Duration::from_secs(24 * 3_600);
    sessions.put_many([session("saved"), session("updated"), session("kept")]).await?;
    kv.transact(async |tx| {
        tx.put(&session("put"))?;
        let for_long = tx.with_ttl(day);
        for_long.put(&session("long"))?;
        for_long.insert(&session("new"))?;
        let saved = tx.get::<Session>("saved").await?.expect("it is there");
        for_long.save(&saved)?;
        for_long.update::<Session>("updated", |session| session.user = 8).await?;
        for_long.upsert::<Session>("upserted", || session("upserted"), |_| {}).await?;
        tx.update::<Session>("kept", |session| session.user = 8).await.map(drop)
    })
    .await?;
    clock.advance(Duration::from_secs(3_601));
    for token in ["long", "new", "saved", "updated", "upserted"] {
        assert!(sessions.exists(token).await?, "{token}");
    }
    for token in ["put", "kept"] {
        assert!(!sessions.exists(token).await?, "{token}");
    }
    clock.advance(day);
    assert!(!sessions.exists("saved").await?);
    Ok(())
}

async fn a_transaction_inside_is_one_of_its_own<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection().put_many([Account::new(1, 1), Account::new(2, 2)]).await?;
    let runs = Runs::default();
    let outer = kv.transact(async |tx| {
        runs.begin();
        tx.update::<Account>(1, |account| account.cents = 10).await?;
        kv.transact(async |inner| inner.update::<Account>(2, |account| account.cents += 1).await).await?;
        tx.update::<Account>(9, |_| {}).await.map(drop)
    });
    assert!(matches!(outer.await, Err(Error::NotFound { .. })));
    // The one inside is committed, and the other one is not.
    let all = kv.collection().get_many([1, 2]).await?;
    assert_eq!((all, runs.count()), (vec![Some(Account::new(1, 1)), Some(Account::new(2, 3))], 1));
    Ok(())
}
