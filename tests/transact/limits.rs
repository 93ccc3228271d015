//! What one commit takes is looked at before anything is sent.

use kv_runtime::layer::FaultStore;
use kv_runtime::store::{Capabilities, CommitScope, Limits, MemoryStore, StoreExt};
use kv_runtime::{Error, Kv};

use crate::Outcome;
use crate::entities::{Account, Seat, Session, Team, User};

fn limited(change: impl FnOnce(Limits) -> Limits) -> Kv<FaultStore<MemoryStore>> {
    let store = MemoryStore::new();
    let capabilities: Capabilities = *store.capabilities();
    let limits = change(capabilities.limits);
    Kv::new(FaultStore::new(store).pretending(capabilities.limits(limits)))
}

#[tokio::test]
async fn conditions_and_writes_are_counted() -> Outcome {
    let kv = limited(|limits| limits.commits(4, 1_000));
    kv.collection().put_many((1..=9).map(|id| Account::new(id, 0))).await?;
    let too_many = kv.transact(async |tx| tx.get_many::<Account>(1..=5).await);
    let error = too_many.await.err().ok_or("it is too much")?;
    assert!(matches!(error, Error::TransactionTooLarge { found: 5, max: 4, .. }));
    assert_eq!(
        error.to_string(),
        "Account `account:5` in memory: the transaction has 5 conditions and writes, and the store takes 4 in one commit; split it"
    );
    kv.transact(async |tx| {
        let both = tx.get_many::<Account>([1, 2]).await?;
        for mut account in both.into_iter().flatten() {
            account.cents = 1;
            tx.save(&account)?;
            tx.save(&account)?;
        }
        assert!(matches!(tx.put(&Account::new(3, 1)), Err(Error::TransactionTooLarge { .. })));
        assert!(matches!(tx.delete::<Account>(3), Err(Error::TransactionTooLarge { .. })));
        // What was refused has left nothing behind.
        tx.put(&Account::new(1, 2))
    })
    .await?;
    let all = kv.collection().get_many([1, 2, 3]).await?;
    assert_eq!(all, [1, 2, 3].map(|id| Some(Account::new(id, [2, 1, 0][id as usize - 1]))));
    // An insert has a condition and a write.
    let inserted = kv.transact(async |tx| (11..=13).try_for_each(|id| tx.insert(&Account::new(id, 0))));
    assert!(matches!(inserted.await, Err(Error::TransactionTooLarge { found: 6, .. })));
    Ok(())
}

#[tokio::test]
async fn bytes_are_counted_for_several_entities() -> Outcome {
    let kv = limited(|limits| limits.commits(100, 300));
    let large = |id| User { name: "x".repeat(200), ..User::new(id) };
    // One entity may be as large as its records may be.
    kv.transact(async |tx| tx.put(&User { name: "x".repeat(500), ..User::new(1) })).await?;
    let too_large = kv.transact(async |tx| {
        tx.put(&large(2))?;
        tx.put(&large(3))
    });
    assert!(matches!(too_large.await, Err(Error::TransactionTooLarge { unit: "bytes", max: 300, .. })));
    // What is written twice counts once.
    kv.transact(async |tx| {
        tx.put(&large(2))?;
        tx.put(&large(2))?;
        tx.delete::<User>(2)?;
        tx.put(&Account::new(1, 1))
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn keys_that_the_store_cannot_commit_together_are_refused() -> Outcome {
    let kv = limited(|limits| limits.commit_scope(CommitScope::OneEntity));
    kv.collection().put_many([User::new(1), User::new(2)]).await?;
    kv.transact(async |tx| tx.update::<User>(1, |user| user.quota = 1).await).await?;
    let read = kv.transact(async |tx| {
        tx.get::<User>(1).await?;
        tx.get::<User>(2).await
    });
    let error = read.await.err().ok_or("they are two")?;
    assert_eq!(
        error.to_string(),
        "User `user:2:limits` in memory: the store cannot commit it together with `user:1:limits`; one commit can \
         have the groups of one entity only"
    );
    let secret = Session { token: "very secret".to_owned(), user: 7 };
    let written = kv.transact(async |tx| {
        tx.put(&secret)?;
        tx.put(&User::new(1))
    });
    let error = written.await.err().ok_or("they are two")?;
    assert!(matches!(error, Error::NotTogether { .. }) && !error.to_string().contains("secret"), "{error}");
    Ok(())
}

#[tokio::test]
async fn entities_of_one_shard_are_taken() -> Outcome {
    let kv = limited(|limits| limits.commit_scope(CommitScope::OneShard));
    let (team, seat) = (|org| Team { org, seats: 1 }, |org, user| Seat { org, user, paid: true });
    kv.transact(async |tx| {
        tx.insert(&team(1))?;
        tx.insert(&seat(1, 7))?;
        tx.get::<Seat>((1, 8)).await
    })
    .await?;
    assert_eq!(kv.collection().get((1, 7)).await?, Some(seat(1, 7)));
    let two_shards = kv.transact(async |tx| {
        tx.update::<Team>(1, |team| team.seats = 2).await?;
        tx.put(&seat(2, 7))
    });
    let error = two_shards.await.err().ok_or("they are in two shards")?;
    assert_eq!(
        error.to_string(),
        "Seat `seat:0000000002:7` in memory: the store cannot commit it together with `team:1`; one commit can have the groups of \
         one entity, or entities with the same shard id: mark the first id of both `#[kv(id, shard)]`"
    );
    // An entity without a shard id is in no shard.
    let none = kv.transact(async |tx| {
        tx.put(&team(1))?;
        tx.put(&Account::new(1, 0))
    });
    assert!(matches!(none.await, Err(Error::NotTogether { .. })));
    assert_eq!(kv.collection::<Team>().get(1).await?, Some(team(1)));
    // The groups of one entity are always together.
    kv.transact(async |tx| tx.put(&User::new(1))).await?;
    Ok(())
}

/// A batch of reads that is too small for one moment is checked by a commit without writes.
#[tokio::test]
async fn reads_of_several_batches_are_of_one_moment() -> Outcome {
    let kv = limited(|limits| limits.batches(2, 10));
    kv.collection().put_many((1..=7).map(|id| Account::new(id, 1))).await?;
    let found = kv.transact(async |tx| tx.get_many::<Account>(1..=7).await).await?;
    assert_eq!(found.iter().flatten().map(|account| account.cents).sum::<i64>(), 7);
    Ok(())
}
