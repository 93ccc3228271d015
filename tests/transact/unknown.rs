//! Commits whose answers were lost, and transactions that are dropped.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use kv_runtime::layer::{Fault, FaultStore, Gate, Operation};
use kv_runtime::store::{Capabilities, MemoryStore, Sharing, StoreExt};
use kv_runtime::{Error, Kv, Timestamp};

use crate::entities::{Account, Invite};
use crate::{Outcome, Runs};

type Faulty = Kv<FaultStore<MemoryStore>>;

/// A store that other processes share.
fn shared() -> Faulty {
    let capabilities =
        Capabilities::new(Sharing::Shared).compare_and_swap().snapshot_reads().atomic_batches();
    Kv::new(FaultStore::new(MemoryStore::new()).pretending(capabilities))
}

async fn with_accounts() -> Result<Faulty, Error> {
    let kv = shared();
    kv.collection().put_many([Account::new(1, 10), Account::new(2, 0)]).await?;
    Ok(kv)
}

/// The answer to the next commit is lost: `after` the commit was made, or before.
fn lose(kv: &Faulty, after: bool) {
    // A fault before the call is retryable. One after it is unknown, and a gate decides when the
    // engine gets the call.
    let fault = Fault::fail().on(&[Operation::Commit]).times(1);
    kv.store().faults().add(if after { fault.after() } else { fault });
}

#[tokio::test]
async fn a_commit_that_was_made_stays_unknown() -> Outcome {
    let kv = with_accounts().await?;
    lose(&kv, true);
    let runs = Runs::default();
    let lost = kv.transact(async |tx| {
        runs.begin();
        tx.update::<Account>(1, |account| account.cents += 1).await
    });
    let error = lost.await.err().ok_or("the answer was lost")?;
    assert!(matches!(error, Error::OutcomeUnknown { .. }));
    assert_eq!(runs.count(), 1);
    assert_eq!(kv.collection().get(1).await?, Some(Account::new(1, 11)));
    assert_eq!(kv.transaction_stats().unknown, 1);
    Ok(())
}

/// A deleted record bears no token either.
#[tokio::test]
async fn a_delete_that_was_made_stays_unknown() -> Outcome {
    let kv = with_accounts().await?;
    lose(&kv, true);
    let lost = kv.transact(async |tx| {
        tx.get::<Account>(1).await?;
        tx.delete::<Account>(1)
    });
    assert!(matches!(lost.await, Err(Error::OutcomeUnknown { .. })));
    assert_eq!(kv.collection::<Account>().get(1).await?, None);
    Ok(())
}

/// A touch gives the record a new revision in a transaction, so that it is not taken for undone.
#[tokio::test]
async fn a_touch_that_was_made_is_not_taken_for_undone() -> Outcome {
    let kv = shared();
    let until = |millis: u64| Some(Timestamp::from_millis(4_000_000_000_000 + millis));
    kv.collection().put(&Invite { code: 1, until: until(1), to: "ada".to_owned() }).await?;
    lose(&kv, true);
    let lost = kv.transact(async |tx| tx.update::<Invite>(1, |invite| invite.until = until(2)).await);
    assert!(matches!(lost.await, Err(Error::OutcomeUnknown { .. })));
    assert_eq!(kv.collection::<Invite>().get(1).await?.and_then(|invite| invite.until), until(2));
    Ok(())
}

/// A caller that is dropped while its commit is on its way leaves a task behind, which makes sure
/// that the commit does not take place at any later time.
#[tokio::test]
async fn a_commit_of_a_dropped_caller_is_settled() -> Outcome {
    let kv = with_accounts().await?;
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Commit]).times(1));
    let key = kv.collection::<Account>().key(1);
    let before = kv.store().inner().read(&key).await?.ok_or("it is there")?;
    {
        let mut dropped = pin!(kv.transact(async |tx| tx.update::<Account>(1, |it| it.cents += 1).await));
        assert!(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        gate.arrived().await;
    }
    for _ in 0..1_000 {
        let now = kv.store().inner().read(&key).await?.ok_or("it is there")?;
        if now.revision != before.revision {
            // The record is what it was, and a commit on the revision that was read fails.
            assert_eq!(now.value, before.value);
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Err("nobody settled the commit".into())
}

/// On a store that this process has for itself, a dropped call is over by itself.
#[tokio::test]
async fn nothing_is_written_for_a_dropped_caller_of_an_exclusive_store() -> Outcome {
    let kv = Kv::new(FaultStore::new(MemoryStore::new()));
    kv.collection().put(&Account::new(1, 10)).await?;
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Commit]).times(1));
    let key = kv.collection::<Account>().key(1);
    let before = kv.store().read(&key).await?.map(|record| record.revision);
    {
        let mut dropped = pin!(kv.transact(async |tx| tx.update::<Account>(1, |it| it.cents += 1).await));
        assert!(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(kv.store().read(&key).await?.map(|record| record.revision), before);
    Ok(())
}

/// While the store is out of reach, the record is renewed again and again. What succeeds at last
/// proves that the commit is not made.
#[tokio::test]
async fn a_commit_that_was_not_made_is_known_not_to_be() -> Outcome {
    let kv = Kv::new(lossy::Lossy::new(MemoryStore::new()));
    kv.collection().put_many([Account::new(1, 10), Account::new(2, 5)]).await?;
    kv.store().lose_next(3);
    let runs = Runs::default();
    let lost = kv.transact(async |tx| {
        runs.begin();
        tx.get::<Account>(2).await?;
        tx.update::<Account>(1, |account| account.cents += 1).await
    });
    let error = lost.await.err().ok_or("the answer was lost")?;
    assert!(matches!(error, Error::Store { retryable: true, .. }) && error.is_retryable(), "{error:?}");
    assert!(error.to_string().contains("it is certain now that nothing was written or will be"), "{error}");
    assert_eq!((runs.count(), kv.collection().get(1).await?), (1, Some(Account::new(1, 10))));
    // Without a record that was read and is changed, nobody can tell.
    kv.store().lose_next(1);
    let blind = kv.transact(async |tx| tx.put(&Account::new(1, 0))).await;
    assert!(matches!(blind, Err(Error::OutcomeUnknown { .. })));
    kv.store().lose_next(100);
    let never = kv.transact(async |tx| tx.update::<Account>(1, |account| account.cents += 1).await);
    assert!(matches!(never.await, Err(Error::OutcomeUnknown { .. })));
    Ok(())
}

mod lossy {
    //! A store that loses commits: it does not make them, and does not know that it has not.

    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use kv_runtime::key::Key;
    use kv_runtime::record::Record;
    use kv_runtime::store::{
        AtomicStore, Batch, Commit, Condition, Cursor, EntryRef, GetOptions, ListQuery, MemoryStore, Store,
        StoreInfo,
    };
    use kv_runtime::{Error, Location, MaybeSend, Result, SharedError};

    pub struct Lossy {
        inner: MemoryStore,
        left: Arc<AtomicU32>,
    }

    impl Lossy {
        pub fn new(inner: MemoryStore) -> Self {
            Self { inner, left: Arc::default() }
        }

        pub fn lose_next(&self, commits: u32) {
            self.left.store(commits, Ordering::SeqCst);
        }
    }

    impl Store for Lossy {
        fn info(&self) -> &StoreInfo {
            self.inner.info()
        }

        async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
            self.inner.get(key, options).await
        }

        async fn get_many(&self, keys: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
            self.inner.get_many(keys, options).await
        }

        async fn write(&self, batch: Batch) -> Result<()> {
            self.inner.write(batch).await
        }

        async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
            let lost = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if lost.is_ok() {
                let source = SharedError::new(std::io::Error::other("the line is dead"));
                return Err(Error::OutcomeUnknown { at: Location::store("lossy"), source });
            }
            self.inner.commit(conditions, batch).await
        }

        async fn list(
            &self,
            query: &ListQuery,
            each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
        ) -> Result<Option<Cursor>> {
            self.inner.list(query, each).await
        }
    }

    impl AtomicStore for Lossy {}
}
