//! What a transaction costs beside the same transfer by hand: two accounts are read, changed, and
//! written on condition of what was read. `cargo bench --bench transact` starts its own Redis server.

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "shared by benchmarks that need other parts of it")]
mod support;

mod account;
mod by_hand;
mod by_script;
#[path = "../../tests/support/redis_server.rs"]
#[allow(dead_code, reason = "shared by tests that need other parts of it")]
mod redis_server;
mod typed;

use std::cell::Cell;
use std::error::Error;
use std::sync::Arc;

use kv_runtime::Kv;
use kv_runtime::store::{MemoryStore, RedbStore, RedisStore};
use tokio::runtime::{Builder, Runtime};

use account::{Failure, Pick, Transfers};
use by_hand::ByHand;
use by_script::ByScript;
use redis_server::RedisServer;
use support::{Report, Result, by_turns, nanos_each};
use typed::{OneByOne, Together};

const ACCOUNTS: u64 = 6_400;
/// So many that of 64 transfers at a time one in ten meets another one.
const FEW_ACCOUNTS: u64 = 2_400;
const TASKS: u64 = 64;

const BY_HAND: &str = "by hand on Store::commit";
const ALONE: &str = "one at a time";
const SCRIPT: &str = "MGET and a script by hand";

fn main() -> Result<()> {
    let mut report = Report::new("transact");
    let one = Builder::new_current_thread().enable_all().build()?;
    let many = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;

    let (memory, hand) = (Together(Kv::new(MemoryStore::new())), ByHand(MemoryStore::new()));
    let single = OneByOne(Kv::new(MemoryStore::new()));
    one.block_on(memory.open(ACCOUNTS)).map_err(plain)?;
    one.block_on(hand.open(ACCOUNTS)).map_err(plain)?;
    one.block_on(single.open(ACCOUNTS)).map_err(plain)?;
    let (memory, hand, single) = (Side::new(&one, memory), Side::new(&one, hand), Side::new(&one, single));
    report.case("memory/transfer", BY_HAND, "ns", 1.1, || {
        by_turns(200, || memory.alone(1_000), || hand.alone(1_000))
    })?;
    // A second `get` asks for the first account again.
    report.case("memory/transfer-2-gets", BY_HAND, "ns", None, || {
        by_turns(200, || single.alone(1_000), || hand.alone(1_000))
    })?;

    let directory = tempfile::tempdir_in(support::target_dir())?;
    let file = |name: &str| RedbStore::open(directory.path().join(name));
    let (redb, hand) = (Together(Kv::new(file("ours.redb")?)), ByHand(file("theirs.redb")?));
    many.block_on(redb.open(ACCOUNTS)).map_err(plain)?;
    many.block_on(hand.open(ACCOUNTS)).map_err(plain)?;
    let (redb, hand) = (Side::new(&many, redb), Side::new(&many, hand));
    report
        .case("redb/transfer", BY_HAND, "ns", 1.1, || by_turns(30, || redb.alone(20), || hand.alone(20)))?;
    report.case("redb/transfer-64", ALONE, "ns", 0.2, || {
        by_turns(30, || redb.side_by_side(5, Pick::Apart), || redb.alone(20))
    })?;

    redis(&mut report, &many)?;
    report.finish()
}

fn redis(report: &mut Report, runtime: &Runtime) -> Result<()> {
    let server = RedisServer::start();
    let connect = |database| {
        let handle = runtime.handle().clone();
        runtime.block_on(RedisStore::options().runtime(handle).connect(&server.url(database)))
    };
    let ours = Together(Kv::new(connect(0)?));
    let theirs = runtime.block_on(ByScript::connect(&server.url(1))).map_err(plain)?;
    runtime.block_on(ours.open(ACCOUNTS)).map_err(plain)?;
    runtime.block_on(theirs.open(ACCOUNTS)).map_err(plain)?;
    let (ours, theirs) = (Side::new(runtime, ours), Side::new(runtime, theirs));
    report.case("redis/transfer", SCRIPT, "ns", 1.1, || {
        by_turns(100, || ours.alone(100), || theirs.alone(100))
    })?;
    report.case("redis/transfer-64", SCRIPT, "ns", 1.1, || {
        by_turns(100, || ours.side_by_side(20, Pick::Apart), || theirs.side_by_side(20, Pick::Apart))
    })?;
    let before = ours.transfers.0.transaction_stats();
    report.case("redis/transfer-64-met", SCRIPT, "ns", 1.15, || {
        let pick = Pick::Among(FEW_ACCOUNTS);
        by_turns(100, || ours.side_by_side(20, pick), || theirs.side_by_side(20, pick))
    })?;
    let after = ours.transfers.0.transaction_stats();
    let (conflicts, made) = (after.conflicts - before.conflicts, after.committed - before.committed);
    eprintln!(
        "transact: {:.1} % of the transfers met another one",
        100.0 * conflicts as f64 / made.max(1) as f64
    );
    Ok(())
}

/// The same error, which need not leave its thread any more.
fn plain(failure: Failure) -> Box<dyn Error> {
    failure
}

/// One way to transfer, and the runtime that it uses.
struct Side<'a, T> {
    runtime: &'a Runtime,
    transfers: Arc<T>,
    next: Cell<u64>,
}

impl<'a, T: Transfers> Side<'a, T> {
    fn new(runtime: &'a Runtime, transfers: T) -> Self {
        Self { runtime, transfers: Arc::new(transfers), next: Cell::new(0) }
    }

    /// Transfers one after the other.
    fn alone(&self, transfers: u64) -> Result<f64> {
        let first = self.next.replace(self.next.get() + transfers);
        nanos_each(transfers as usize, || {
            self.runtime.block_on(async {
                for number in first..first + transfers {
                    let (from, to) = Pick::Among(ACCOUNTS).accounts(0, number);
                    self.transfers.transfer(from, to).await.map_err(plain)?;
                }
                Ok(())
            })
        })
    }

    /// Transfers of 64 tasks, so many of each.
    fn side_by_side(&self, each: u64, pick: Pick) -> Result<f64> {
        let first = self.next.replace(self.next.get() + each);
        nanos_each((TASKS * each) as usize, || {
            self.runtime.block_on(async {
                let tasks = (0..TASKS).map(|task| {
                    let transfers = Arc::clone(&self.transfers);
                    tokio::spawn(async move {
                        for number in first..first + each {
                            let (from, to) = pick.accounts(task, number);
                            transfers.transfer(from, to).await?;
                        }
                        Ok::<_, Failure>(())
                    })
                });
                for task in tasks.collect::<Vec<_>>() {
                    task.await?.map_err(plain)?;
                }
                Ok(())
            })
        })
    }
}
