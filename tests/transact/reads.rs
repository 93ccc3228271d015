//! What a transaction sees: one moment, and its own writes.

use kv_runtime::store::{AtomicStore, StoreExt};
use kv_runtime::{Error, Kv, ManualClock, Result, Tx};

use crate::entities::{Account, Profile, Settings, User};
use crate::{Outcome, Runs};

crate::on_both_stores!(
    reads_are_of_one_moment,
    several_ids_are_read_at_once,
    a_read_is_repeated_without_the_store,
    reads_beside_each_other_are_of_one_moment,
    own_writes_are_seen,
    own_writes_are_seen_across_views,
    whether_one_exists_is_no_more_than_that,
    a_transaction_that_only_reads_writes_nothing,
    a_helper_takes_the_transaction,
);

/// Pays from one account to the other, past the transaction.
async fn pay<S: AtomicStore>(kv: &Kv<S>, from: u64, to: u64, cents: i64) -> Result<()> {
    let accounts = kv.collection::<Account>();
    accounts.update(from, |account| account.cents -= cents).await?;
    accounts.update(to, |account| account.cents += cents).await.map(drop)
}

async fn reads_are_of_one_moment<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection().put_many([Account::new(1, 100), Account::new(2, 0)]).await?;
    let runs = Runs::default();
    let sum = kv
        .transact(async |tx| {
            let run = runs.begin();
            let one = tx.get::<Account>(1).await?.map_or(0, |account| account.cents);
            if run == 1 {
                pay(&kv, 1, 2, 30).await?;
            }
            let two = tx.get::<Account>(2).await;
            // The first run must not see 100 beside 30.
            assert_eq!(two.is_err(), run == 1, "{two:?}");
            Ok(one + two?.map_or(0, |account| account.cents))
        })
        .await?;
    assert_eq!((sum, runs.count()), (100, 2));
    // Whatever the closure makes of the error, the attempt is not committed.
    let runs = Runs::default();
    kv.transact(async |tx| {
        let run = runs.begin();
        tx.get::<Account>(1).await?;
        if run == 1 {
            pay(&kv, 1, 2, 30).await?;
        }
        let two = tx.get::<Account>(2).await.unwrap_or_default();
        assert!(tx.get::<Account>(2).await.is_err() == (run == 1));
        tx.put(&Account::new(3, two.map_or(-1, |account| account.cents)))
    })
    .await?;
    assert_eq!(kv.collection().get(3).await?, Some(Account::new(3, 60)));
    assert_eq!(kv.transaction_stats().conflicts, 2);
    Ok(())
}

async fn several_ids_are_read_at_once<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection().put_many((1..=3).map(|id| Account::new(id, 10))).await?;
    let found = kv.transact(async |tx| tx.get_many::<Account>([3, 9, 1, 3]).await).await?;
    assert_eq!(
        found,
        [Some(Account::new(3, 10)), None, Some(Account::new(1, 10)), Some(Account::new(3, 10))]
    );
    let none = kv.transact(async |tx| tx.get_many::<Account>(Vec::<u64>::new()).await).await?;
    assert_eq!(none, []);
    Ok(())
}

async fn a_read_is_repeated_without_the_store<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection().put(&Account::new(1, 100)).await?;
    let runs = Runs::default();
    kv.transact(async |tx| {
        let before = tx.get::<Account>(1).await?;
        if runs.begin() == 1 {
            kv.collection().put(&Account::new(1, 5)).await?;
            // It would be another one, if the store were asked.
            assert_eq!(tx.get::<Account>(1).await?, before);
            assert!(tx.exists::<Account>(1).await?);
        }
        Ok(())
    })
    .await?;
    // The one moment was before the put.
    assert_eq!(runs.count(), 1);
    Ok(())
}

async fn reads_beside_each_other_are_of_one_moment<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection().put_many([Account::new(1, 60), Account::new(2, 40)]).await?;
    let paying = {
        let kv = kv.clone();
        tokio::spawn(async move {
            for _ in 0..200 {
                let moved = kv.transact(async |tx| {
                    tx.update::<Account>(1, |account| account.cents -= 1).await?;
                    tx.update::<Account>(2, |account| account.cents += 1).await.map(drop)
                });
                moved.await?;
            }
            Ok::<_, Error>(())
        })
    };
    for _ in 0..200 {
        let found = kv.transact(async |tx| {
            let read = (tx.get::<Account>(1), tx.get::<Account>(2), tx.exists::<Account>(3));
            let (one, two, three) = futures_util::future::join3(read.0, read.1, read.2).await;
            let (Some(one), Some(two)) = (one?, two?) else { panic!("both are there") };
            assert_eq!(one.cents + two.cents, 100);
            three
        });
        assert!(!found.await?);
    }
    paying.await??;
    Ok(())
}

async fn own_writes_are_seen<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection().put(&Account::new(1, 100)).await?;
    kv.transact(async |tx| {
        tx.put(&Account::new(2, 7))?;
        assert_eq!(tx.get::<Account>(2).await?, Some(Account::new(2, 7)));
        tx.update::<Account>(2, |account| account.cents += 1).await?;
        assert_eq!(tx.get_many::<Account>([1, 2]).await?[1], Some(Account::new(2, 8)));
        tx.delete::<Account>(1)?;
        assert!(!tx.exists::<Account>(1).await? && tx.get::<Account>(1).await?.is_none());
        tx.insert(&Account::new(1, 3))?;
        assert_eq!(tx.get::<Account>(1).await?, Some(Account::new(1, 3)));
        tx.save(&Account::new(1, 4))?;
        let changed = tx.upsert::<Account>(1, || Account::new(1, 0), |account| account.cents *= 2).await?;
        assert_eq!(changed, Account::new(1, 8));
        // Nothing of it is written yet.
        assert_eq!(kv.collection().get(1).await?, Some(Account::new(1, 100)));
        Ok(())
    })
    .await?;
    let found = kv.collection::<Account>().get_many([1, 2]).await?;
    assert_eq!(found, [Some(Account::new(1, 8)), Some(Account::new(2, 8))]);
    Ok(())
}

async fn own_writes_are_seen_across_views<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection().put(&User::new(7)).await?;
    kv.transact(async |tx| {
        tx.update::<Profile>(7, |profile| profile.name.push('!')).await?;
        let mut user = tx.get::<User>(7).await?.expect("it is there");
        assert_eq!((&*user.name, user.quota), ("user 7!", 10));
        user.theme = "light".to_owned();
        user.quota = 11;
        tx.save(&user)?;
        let settings = tx.get::<Settings>(7).await?.map(|settings| settings.theme);
        assert_eq!(settings.as_deref(), Some("light"));
        tx.update::<Profile>(7, |profile| profile.name.push('?')).await.map(drop)
    })
    .await?;
    let user = User { name: "user 7!?".to_owned(), quota: 11, theme: "light".to_owned(), ..User::new(7) };
    assert_eq!(kv.collection().get(7).await?, Some(user));
    Ok(())
}

async fn whether_one_exists_is_no_more_than_that<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let accounts = kv.collection::<Account>();
    accounts.put(&Account::new(1, 100)).await?;
    let runs = Runs::default();
    kv.transact(async |tx| {
        assert!(tx.exists::<Account>(1).await?);
        runs.begin();
        // It stays, so this is no conflict.
        accounts.put(&Account::new(1, 5)).await?;
        assert_eq!(tx.get::<Account>(1).await?, Some(Account::new(1, 5)));
        tx.put(&Account::new(2, 1))
    })
    .await?;
    assert_eq!(runs.count(), 1);
    let runs = Runs::default();
    kv.transact(async |tx| {
        let run = runs.begin();
        assert_eq!(tx.exists::<Account>(1).await?, run == 1);
        accounts.delete(1).await?;
        tx.put(&Account::new(2, 1))
    })
    .await?;
    assert_eq!(runs.count(), 2);
    Ok(())
}

async fn a_transaction_that_only_reads_writes_nothing<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection().put(&Account::new(1, 100)).await?;
    let before = kv.store().read(&kv.collection::<Account>().key(1)).await?.map(|record| record.revision);
    assert_eq!(kv.transact(async |_| Ok(5)).await?, 5);
    kv.transact(async |tx| {
        let account = tx.get::<Account>(1).await?.expect("it is there");
        // What is saved as it was is not written.
        tx.save(&account)
    })
    .await?;
    let after = kv.store().read(&kv.collection::<Account>().key(1)).await?.map(|record| record.revision);
    assert_eq!(before, after);
    assert_eq!(kv.transaction_stats().committed, 2);
    Ok(())
}

async fn double<S: AtomicStore>(tx: &Tx<S>, id: u64) -> Result<i64> {
    Ok(tx.update::<Account>(id, |account| account.cents *= 2).await?.cents)
}

async fn a_helper_takes_the_transaction<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection().put(&Account::new(1, 4)).await?;
    let spawned = tokio::spawn(async move {
        let (id, mut seen) = (vec![1], Vec::new());
        let doubled = kv.transact(async |tx| Ok(double(tx, id[0]).await? + double(tx, id[0]).await?)).await?;
        seen.push(doubled);
        Ok::<_, Error>(seen)
    });
    assert_eq!(spawned.await??, [8 + 16]);
    Ok(())
}
