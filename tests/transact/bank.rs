//! A bank: many tasks move money between few accounts, and not a cent is lost.
//!
//! `KV_BANK_TRANSFERS=10000` lets each task make as many transfers. Add `--release`.

use std::time::Duration;

use kv_runtime::store::{AtomicStore, MemoryStore, RedbStore};
use kv_runtime::{Clock, Error, Kv, TransactionOptions};

use crate::Outcome;
use crate::entities::Account;

const TASKS: usize = 64;
const ACCOUNTS: u64 = 16;
const OPENED_WITH: i64 = 1_000;

/// Returns how many transfers each task makes.
fn transfers() -> usize {
    std::env::var("KV_BANK_TRANSFERS").ok().and_then(|number| number.parse().ok()).unwrap_or(30)
}

/// The system's clock, and what it shows.
fn begin() -> (Clock, Duration) {
    let clock = Clock::system();
    let now = clock.monotonic();
    (clock, now)
}

/// Moves money for as long as the bank is open.
async fn work<S: AtomicStore>(kv: Kv<S>, seed: u64, transfers: usize) -> Result<Duration, Error> {
    let mut random = fastrand::Rng::with_seed(seed);
    let (clock, begin) = begin();
    for _ in 0..transfers {
        let from = random.u64(..ACCOUNTS);
        let to = (from + 1 + random.u64(..ACCOUNTS - 1)) % ACCOUNTS;
        let cents = random.i64(1..50);
        kv.transact(async |tx| {
            let (Some(mut payer), Some(mut payee)) =
                (tx.get::<Account>(from).await?, tx.get::<Account>(to).await?)
            else {
                panic!("no account is closed")
            };
            if payer.cents >= cents {
                payer.cents -= cents;
                payee.cents += cents;
                tx.save(&payer)?;
                tx.save(&payee)?;
            }
            Ok(())
        })
        .await?;
        // Memory never waits, so without this a task would be done before others begin.
        tokio::task::yield_now().await;
    }
    Ok(clock.monotonic() - begin)
}

async fn sum<S: AtomicStore>(kv: &Kv<S>) -> Result<i64, Error> {
    let all = kv.transact(async |tx| tx.get_many::<Account>(0..ACCOUNTS).await).await?;
    Ok(all.into_iter().flatten().map(|account| account.cents).sum())
}

async fn bank<S: AtomicStore>(kv: Kv<S>, transfers: usize) -> Outcome {
    let patient = TransactionOptions::new().attempts(1_000).deadline(Duration::from_secs(60));
    let kv = kv.with_transaction_options(patient);
    kv.collection().put_many((0..ACCOUNTS).map(|id| Account::new(id, OPENED_WITH))).await?;
    let total = ACCOUNTS as i64 * OPENED_WITH;
    let (clock, begin) = begin();
    let tasks: Vec<_> =
        (0..TASKS).map(|task| tokio::spawn(work(kv.clone(), task as u64, transfers))).collect();
    let mut looks = 0;
    while tasks.iter().any(|task| !task.is_finished()) {
        assert_eq!(sum(&kv).await?, total);
        looks += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut slowest = Duration::ZERO;
    let mut all = Duration::ZERO;
    for task in tasks {
        let took = task.await??;
        (slowest, all) = (slowest.max(took), all + took);
    }
    assert_eq!(sum(&kv).await?, total);
    let (mean, took) = (all / TASKS as u32, clock.monotonic() - begin);
    let stats = kv.transaction_stats();
    println!("{looks} looks; {took:?}; a task took {mean:?}, the slowest {slowest:?}; {stats:?}");
    // The slowest has at least half of the mean's pace.
    assert!(slowest <= 2 * mean, "the slowest task took {slowest:?}, and a task {mean:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_memory() -> Outcome {
    bank(Kv::new(MemoryStore::new()), transfers()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_a_file() -> Outcome {
    let dir = tempfile::tempdir()?;
    bank(Kv::new(RedbStore::open(dir.path().join("bank.redb"))?), transfers()).await
}
