//! Transactions that meet others: they run again, for a bounded time, and nobody starves.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kv_runtime::layer::{Fault, FaultStore, Gate, NamespaceStore, Operation, RetryStore};
use kv_runtime::store::{AtomicStore, MemoryStore, RedbStore};
use kv_runtime::{Clock, Error, Kv, ManualClock, TransactionOptions};

use crate::entities::Account;
use crate::{Outcome, Runs};

crate::on_both_stores!(
    what_was_read_guards_the_commit,
    an_error_is_returned_after_a_check,
    attempts_are_bounded,
    expiry_is_a_conflict,
);

/// Two transactions that each read what the other writes: one of them runs again (no write skew).
async fn what_was_read_guards_the_commit<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let accounts = kv.collection::<Account>();
    accounts.put_many([Account::new(1, 50), Account::new(2, 50)]).await?;
    let runs = Runs::default();
    kv.transact(async |tx| {
        let run = runs.begin();
        let both = tx.get_many::<Account>([1, 2]).await?;
        let sum: i64 = both.iter().flatten().map(|account| account.cents).sum();
        if run == 1 {
            accounts.update(2, |account| account.cents -= 80).await?;
        }
        if sum >= 80 {
            tx.update::<Account>(1, |account| account.cents -= 80).await?;
        }
        Ok(())
    })
    .await?;
    assert_eq!(runs.count(), 2);
    assert_eq!(accounts.get_many([1, 2]).await?, [Some(Account::new(1, 50)), Some(Account::new(2, -30))]);
    // What was absent stays absent until the commit, too.
    let runs = Runs::default();
    kv.transact(async |tx| {
        let run = runs.begin();
        let is_new = !tx.exists::<Account>(3).await?;
        if run == 1 {
            accounts.put(&Account::new(3, 1)).await?;
        }
        tx.put(&Account::new(4, i64::from(is_new)))
    })
    .await?;
    assert_eq!((runs.count(), accounts.get(4).await?), (2, Some(Account::new(4, 0))));
    Ok(())
}

#[derive(Debug)]
#[expect(dead_code, reason = "shown where a test fails")]
enum Refused {
    Overdrawn(i64),
    Store(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

async fn an_error_is_returned_after_a_check<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let accounts = kv.collection::<Account>();
    accounts.put(&Account::new(1, 10)).await?;
    let runs = Runs::default();
    let refused = kv
        .try_transact(async |tx| -> Result<(), Refused> {
            let run = runs.begin();
            let cents = tx.get::<Account>(1).await?.map_or(0, |account| account.cents);
            if run == 1 {
                accounts.put(&Account::new(1, 20)).await?;
            }
            Err(Refused::Overdrawn(cents))
        })
        .await;
    assert!(matches!(refused, Err(Refused::Overdrawn(20))), "{refused:?}");
    assert_eq!(runs.count(), 2);
    // Where nothing was read there is nothing to check.
    let refused = kv.try_transact(async |_| -> Result<(), Refused> { Err(Refused::Overdrawn(1)) }).await;
    assert!(matches!(refused, Err(Refused::Overdrawn(1))));
    Ok(())
}

async fn attempts_are_bounded<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let accounts = kv.collection::<Account>();
    accounts.put(&Account::new(1, 0)).await?;
    let few = kv.with_transaction_options(TransactionOptions::new().attempts(3));
    let runs = Runs::default();
    let lost = few.transact(async |tx| {
        runs.begin();
        tx.get::<Account>(1).await?;
        // Past the transaction, so it meets itself.
        accounts.update(1, |account| account.cents += 1).await?;
        tx.update::<Account>(1, |account| account.cents += 1).await.map(drop)
    });
    let Err(error) = lost.await else { panic!("it cannot come through") };
    assert_eq!(runs.count(), 3);
    assert!(error.is_retryable());
    let text = error.to_string();
    assert!(text.starts_with("Account `account:1` in ") && text.contains("3 times in a row"), "{text}");
    assert!(text.contains("check that the closure writes through `tx`"), "{text}");
    let stats = few.transaction_stats();
    assert_eq!((stats.conflicts, stats.retries, stats.exhausted, stats.committed), (3, 2, 1, 0));
    assert_eq!(accounts.get(1).await?, Some(Account::new(1, 3)));
    Ok(())
}

async fn expiry_is_a_conflict<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let accounts = kv.collection::<Account>();
    accounts.with_ttl(Duration::from_secs(5)).put(&Account::new(1, 0)).await?;
    let runs = Runs::default();
    kv.transact(async |tx| {
        let (run, found) = (runs.begin(), tx.get::<Account>(1).await?);
        clock.advance(Duration::from_secs(6));
        assert_eq!(found.is_some(), run == 1);
        tx.put(&Account::new(2, i64::from(run)))
    })
    .await?;
    assert_eq!(accounts.get(2).await?, Some(Account::new(2, 2)));
    Ok(())
}

#[tokio::test]
async fn the_deadline_is_looked_at_between_attempts() -> Outcome {
    let (kv, clock) = crate::memory();
    let accounts = kv.collection::<Account>();
    accounts.put(&Account::new(1, 0)).await?;
    let soon = kv.with_transaction_options(TransactionOptions::new().deadline(Duration::from_secs(9)));
    let runs = Runs::default();
    let late = soon.transact(async |tx| {
        runs.begin();
        tx.get::<Account>(1).await?;
        clock.advance(Duration::from_secs(5));
        accounts.put(&Account::new(1, 0)).await?;
        tx.update::<Account>(1, |account| account.cents += 1).await.map(drop)
    });
    assert!(matches!(late.await, Err(Error::Conflict { attempts: 2, .. })));
    // An attempt that has begun is not cut short.
    soon.transact(async |tx| {
        clock.advance(Duration::from_secs(50));
        tx.update::<Account>(1, |account| account.cents += 1).await.map(drop)
    })
    .await?;
    Ok(())
}

/// A transaction that is not polled any more keeps nobody waiting, wherever it stands.
#[tokio::test(flavor = "multi_thread")]
async fn a_parked_transaction_keeps_nobody_waiting() -> Outcome {
    let store = FaultStore::new(MemoryStore::new());
    let kv = Kv::new(store.clone());
    let accounts = kv.collection::<Account>();
    accounts.put(&Account::new(1, 0)).await?;
    let gate = Gate::new();
    let runs = Runs::default();
    let mut parked = pin!(kv.transact(async |tx| {
        let run = runs.begin();
        let account = tx.get::<Account>(1).await?;
        if run == 1 {
            accounts.put(&Account::new(1, 1)).await?;
        } else {
            gate.arrived().await;
        }
        tx.put(&account.unwrap_or(Account::new(1, 0)))
    }));
    // It has lost a race, and waits in its second closure.
    while runs.count() < 2 {
        let polled = parked.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (clock, begin) = (Clock::system(), Clock::system().monotonic());
    for _ in 0..100 {
        kv.transact(async |tx| tx.update::<Account>(1, |account| account.cents += 1).await).await?;
    }
    let took = clock.monotonic() - begin;
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(accounts.get(1).await?, Some(Account::new(1, 101)));
    assert!(matches!(parked.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
    Ok(())
}

const TASKS: u64 = 64;
const BY_EACH: i64 = 5;

/// Counts at one record with many tasks, each with its own handle.
async fn count<S: AtomicStore>(kv: impl Fn() -> Kv<S>) -> Outcome {
    kv().collection().put(&Account::new(1, 0)).await?;
    let tasks = (0..TASKS).map(|_| {
        let kv = kv();
        tokio::spawn(async move {
            for _ in 0..BY_EACH {
                kv.transact(async |tx| {
                    let mut account = tx.get::<Account>(1).await?.ok_or_else(|| panic!("it is there"))?;
                    tokio::task::yield_now().await;
                    account.cents += 1;
                    tx.save(&account)
                })
                .await?;
            }
            Ok::<_, Error>(())
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    assert_eq!(kv().collection().get(1).await?, Some(Account::new(1, TASKS as i64 * BY_EACH)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_starves_at_a_hot_record() -> Outcome {
    let dir = tempfile::tempdir()?;
    let store = RedbStore::open(dir.path().join("test.redb"))?;
    count(|| Kv::new(store.clone())).await?;
    count(|| Kv::new(NamespaceStore::new(RetryStore::new(store.clone()), "acme"))).await?;
    let memory = MemoryStore::new();
    count(|| Kv::new(memory.clone())).await
}

#[tokio::test]
async fn one_thread_serves_all() -> Outcome {
    let dir = tempfile::tempdir()?;
    let store = RedbStore::open(dir.path().join("test.redb"))?;
    count(|| Kv::new(store.clone())).await
}

/// Moves a cent between two of four accounts, many times by many tasks, with the usual options.
async fn crowd<S: AtomicStore>(kv: Kv<S>) -> Outcome {
    const ACCOUNTS: u64 = 4;
    let transfers = 10;
    kv.collection().put_many((0..ACCOUNTS).map(|id| Account::new(id, 1_000))).await?;
    let (clock, begin) = (Clock::system(), Clock::system().monotonic());
    let tasks = (0..TASKS).map(|task| {
        let (kv, clock) = (kv.clone(), clock.clone());
        tokio::spawn(async move {
            for number in 0..transfers {
                let from = (task + number) % ACCOUNTS;
                let to = (from + 1 + task % (ACCOUNTS - 1)) % ACCOUNTS;
                kv.transact(async |tx| {
                    tx.update::<Account>(from, |account| account.cents -= 1).await?;
                    tokio::task::yield_now().await;
                    tx.update::<Account>(to, |account| account.cents += 1).await.map(drop)
                })
                .await?;
            }
            Ok::<_, Error>(clock.monotonic() - begin)
        })
    });
    let (mut slowest, mut all) = (Duration::ZERO, Duration::ZERO);
    for task in tasks.collect::<Vec<_>>() {
        let took = task.await??;
        (slowest, all) = (slowest.max(took), all + took);
    }
    let stats = kv.transaction_stats();
    println!("the slowest took {slowest:?} of {:?}; {stats:?}", all / TASKS as u32);
    let found = kv.collection::<Account>().get_many(0..ACCOUNTS).await?;
    assert_eq!(found.iter().flatten().map(|account| account.cents).sum::<i64>(), 4_000);
    assert_eq!((stats.committed, stats.exhausted), (TASKS * transfers, 0));
    assert!(slowest <= 2 * all / TASKS as u32, "{slowest:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_up_in_a_crowd() -> Outcome {
    crowd(Kv::new(MemoryStore::new())).await?;
    let dir = tempfile::tempdir()?;
    crowd(Kv::new(RedbStore::open(dir.path().join("test.redb"))?)).await
}

/// The closure of the outer one has lost a race for the record that the inner one changes.
#[tokio::test]
async fn an_inner_transaction_waits_for_no_outer_one() -> Outcome {
    let kv = Kv::new(MemoryStore::new());
    let accounts = kv.collection::<Account>();
    accounts.put_many([Account::new(1, 0), Account::new(2, 0)]).await?;
    let (clock, begin) = (Clock::system(), Clock::system().monotonic());
    let runs = Runs::default();
    kv.transact(async |tx| {
        let run = runs.begin();
        tx.get::<Account>(1).await?;
        if run <= 10 {
            kv.transact(async |inner| inner.update::<Account>(1, |account| account.cents += 1).await).await?;
        }
        tx.update::<Account>(1, |account| account.cents += 100).await.map(drop)
    })
    .await?;
    assert_eq!(accounts.get(1).await?, Some(Account::new(1, 110)));
    assert_eq!(runs.count(), 11);
    let took = clock.monotonic() - begin;
    assert!(took < Duration::from_secs(5), "{took:?}");
    Ok(())
}

/// Retries are the store's for what failed, and the transaction's for conflicts.
#[tokio::test]
async fn a_retry_store_repeats_no_conflict_and_nothing_unknown() -> Outcome {
    let faults = FaultStore::new(MemoryStore::new());
    let kv =
        Kv::new(RetryStore::new(faults.clone()).pauses(Duration::from_millis(1), Duration::from_millis(2)));
    kv.collection().put(&Account::new(1, 0)).await?;
    faults.faults().add(Fault::fail().on(&[Operation::Commit]).times(2));
    let runs = Arc::new(Runs::default());
    let add = async || {
        kv.transact(async |tx| {
            runs.begin();
            tx.update::<Account>(1, |account| account.cents += 1).await
        })
        .await
    };
    add().await?;
    assert_eq!(runs.count(), 1);
    faults.faults().add(Fault::fail().after().on(&[Operation::Commit]).times(1));
    assert!(matches!(add().await, Err(Error::OutcomeUnknown { .. })));
    assert_eq!((runs.count(), kv.collection().get(1).await?), (2, Some(Account::new(1, 2))));
    Ok(())
}
