//! A bank by shard: many tasks move money between the accounts of each branch on a cluster, whose slots
//! move meanwhile, and not a cent is lost.
//!
//! `KV_BANK_TRANSFERS=1000` lets each task make as many transfers. Add `--release`.

use std::time::Duration;

use kv_runtime::store::RedisStore;
use kv_runtime::{Error, Kv, KvEntity, TransactionOptions};
use tokio::time::Instant;

use super::Test;
use super::moving::Moving;
use super::redis_server::RedisCluster;

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "branch")]
struct Branch {
    #[kv(id, shard)]
    branch: u64,
    transfers: u64,
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "vault")]
struct Account {
    #[kv(id, shard)]
    branch: u64,
    #[kv(id)]
    number: u64,
    cents: i64,
}

const TASKS: u64 = 64;
const BRANCHES: u64 = 8;
const ACCOUNTS: u64 = 4;
const OPENED_WITH: i64 = 1_000;

/// Returns how many transfers each task makes: 10, or as `KV_BANK_TRANSFERS=1000` says.
fn transfers() -> u64 {
    std::env::var("KV_BANK_TRANSFERS").ok().and_then(|number| number.parse().ok()).unwrap_or(10)
}

/// Makes transfers, and returns how long that took.
async fn work(kv: Kv<RedisStore>, task: u64, transfers: u64) -> Result<Duration, Error> {
    let mut random = fastrand::Rng::with_seed(task);
    let begin = Instant::now();
    for _ in 0..transfers {
        let (branch, cents) = (random.u64(..BRANCHES), random.i64(1..50));
        let from = random.u64(..ACCOUNTS);
        let to = (from + 1 + random.u64(..ACCOUNTS - 1)) % ACCOUNTS;
        kv.transact(async |tx| {
            tx.update::<Account>((branch, from), |account| account.cents -= cents).await?;
            tx.update::<Account>((branch, to), |account| account.cents += cents).await?;
            tx.update::<Branch>(branch, |branch| branch.transfers += 1).await
        })
        .await?;
    }
    Ok(begin.elapsed())
}

/// The cents of a branch, of one moment.
async fn sum(kv: &Kv<RedisStore>, branch: u64) -> Result<i64, Error> {
    let ids = (0..ACCOUNTS).map(|number| (branch, number));
    let all = kv.transact(async |tx| tx.get_many::<Account>(ids.clone()).await).await?;
    Ok(all.into_iter().flatten().map(|account| account.cents).sum())
}

/// Slots move between primaries while 64 tasks transfer money.
pub(super) async fn loses_nothing_while_a_slot_moves(cluster: &RedisCluster) -> Test {
    let transfers = transfers();
    let patient = TransactionOptions::new().attempts(1_000).deadline(Duration::from_secs(60));
    let kv = Kv::new(RedisStore::connect(&cluster.url()).await?).with_transaction_options(patient);
    kv.collection().put_many((0..BRANCHES).map(|branch| Branch { branch, transfers: 0 })).await?;
    let all = (0..BRANCHES).flat_map(|branch| (0..ACCOUNTS).map(move |number| (branch, number)));
    let opened = all.map(|(branch, number)| Account { branch, number, cents: OPENED_WITH });
    kv.collection().put_many(opened).await?;
    let total = ACCOUNTS as i64 * OPENED_WITH;

    let begin = Instant::now();
    let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(work(kv.clone(), task, transfers))).collect();
    let (mut moves, mut looks) = (0, 0);
    while moves < 2 || tasks.iter().any(|task| !task.is_finished()) {
        for branch in 0..BRANCHES {
            assert_eq!(sum(&kv, branch).await?, total);
            looks += 1;
        }
        // A branch goes to another node, with all that it has.
        tokio::task::block_in_place(|| {
            let moving = Moving::of(cluster, &format!("{{:{0}}}branch:{0}", moves % BRANCHES));
            moving.begin();
            moving.end();
        });
        moves += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (mut slowest, mut sum_of_all) = (Duration::ZERO, Duration::ZERO);
    for task in tasks {
        let took = task.await??;
        (slowest, sum_of_all) = (slowest.max(took), sum_of_all + took);
    }
    let (mean, took) = (sum_of_all / u32::try_from(TASKS)?, begin.elapsed());
    let stats = kv.transaction_stats();
    println!(
        "{looks} looks; {moves} slots moved; {took:?}; a task took {mean:?}, the slowest {slowest:?}; {stats:?}"
    );
    let mut made = 0;
    for branch in 0..BRANCHES {
        assert_eq!(sum(&kv, branch).await?, total);
        made += kv.collection::<Branch>().get(branch).await?.ok_or("the branch is gone")?.transfers;
    }
    assert_eq!(made, TASKS * transfers);
    // In a short run a slot that moves counts for more than all transfers.
    assert!(transfers < 100 || slowest <= 2 * mean, "the slowest task took {slowest:?}, and a task {mean:?}");
    Ok(())
}
