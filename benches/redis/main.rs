//! What the derived code costs on a Redis server: beside the bare `redis` crate by hand, beside a
//! server with foreign keys, and beside npm's libraries. `cargo bench --bench redis` starts its own
//! server, and installs the npm packages where they are missing.

#[path = "../support/mod.rs"]
mod support;

mod bench;
mod calls;
mod indexed;
mod npm;
#[path = "../../tests/support/redis_server.rs"]
#[allow(dead_code, reason = "shared by tests that need other parts of it")]
mod redis_server;

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;

use kv_runtime::Collection;
use kv_runtime::store::RedisStore;
use redis::aio::ConnectionManager;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use bench::{Bench, MANY, ROUNDS, SEQUENTIAL, USERS, id_of};
use calls::{BoxError, ByHand, Calls, User};
use npm::Peer;
use redis_server::RedisServer;
use support::{Report, Result, Sides, by_turns, nanos_each};

const FOREIGN: usize = 1_000_000;
const TASKS: usize = 64;

/// Calls of a round by 64 tasks together.
const CONCURRENT: usize = 3_200;
const BATCHES: usize = 20;

/// By the connection that the crate's docs advise and that connects again by itself, as ours does.
const BY_HAND: &str = "the redis crate by hand";
/// Ours with `RedisOptions::runtime`.
const OWN_RUNTIME: &str = "the caller's runtime";
/// By the one below the manager, which ends with its first failure.
const BARE: &str = "the bare multiplexed connection";

fn main() -> Result<()> {
    let mut report = Report::new("redis");
    let server = RedisServer::start();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let bench = Bench { server: &server, runtime: &runtime };

    let ours = Side { runtime: &runtime, calls: bench.ours(0, false)? };
    let theirs = Side { runtime: &runtime, calls: bench.by_hand(1, false)? };
    ours.fill()?;
    theirs.fill()?;
    report.case("get", BY_HAND, "ns", 1.05, || by_turns(ROUNDS, || ours.gets(), || theirs.gets()))?;
    report.case("put", BY_HAND, "ns", 1.05, || by_turns(ROUNDS, || ours.puts(), || theirs.puts()))?;
    report
        .case("get-64", BY_HAND, "ns", 1.05, || by_turns(ROUNDS, || ours.gets_64(), || theirs.gets_64()))?;
    report
        .case("put-64", BY_HAND, "ns", 1.05, || by_turns(ROUNDS, || ours.puts_64(), || theirs.puts_64()))?;
    let bare = Side { runtime: &runtime, calls: bench.bare(1)? };
    report.case("get-64-bare", BARE, "ns", 1.1, || by_turns(ROUNDS, || ours.gets_64(), || bare.gets_64()))?;
    report.case("put-64-bare", BARE, "ns", 1.1, || by_turns(ROUNDS, || ours.puts_64(), || bare.puts_64()))?;
    // What the way between two threads costs, for information.
    let default = Side { runtime: &runtime, calls: bench.by_default(0)? };
    report.case("get-64-default", OWN_RUNTIME, "ns", None, || {
        by_turns(ROUNDS, || default.gets_64(), || ours.gets_64())
    })?;
    report.case("put-64-default", OWN_RUNTIME, "ns", None, || {
        by_turns(ROUNDS, || default.puts_64(), || ours.puts_64())
    })?;
    report.case("get-many-100", BY_HAND, "ns/record", 1.1, || {
        by_turns(ROUNDS, || ours.batches(), || theirs.batches())
    })?;

    indexed::run(&mut report, &bench)?;

    let our_index = Side { runtime: &runtime, calls: bench.ours(2, true)? };
    let their_index = Side { runtime: &runtime, calls: bench.by_hand(3, true)? };
    our_index.fill()?;
    their_index.fill()?;
    report.case("put-64-indexed", "SET and ZADD by hand", "ns", 1.1, || {
        by_turns(ROUNDS, || our_index.puts_64(), || their_index.puts_64())
    })?;

    report.case("list-indexed", "ZRANGE and MGET by hand", "ns/record", None, || {
        by_turns(ROUNDS / 4, || our_index.lists(), || their_index.lists())
    })?;

    report.case("list-foreign-1m", "an empty server", "ns/record", 1.5, || lists(&runtime))?;
    // Node has one thread for its 64 tasks, and so have we beside it.
    let one_thread = Builder::new_current_thread().enable_all().build()?;
    let bench = Bench { server: &server, runtime: &one_thread };
    let ours = Side { runtime: &one_thread, calls: bench.ours(0, false)? };
    for library in ["unstorage", "keyv"] {
        let npm = if library == "keyv" { "keyv (npm)" } else { "unstorage (npm)" };
        report.case(format!("npm-{library}-get-64"), npm, "ns", 0.4, || {
            let mut peer = Peer::start(library, server.port(), USERS)?;
            by_turns(ROUNDS / 4, || ours.gets_64(), || peer.reads(CONCURRENT))
        })?;
    }
    report.finish()
}

/// The same list on this server, which gets a million foreign keys, and on one that has nothing
/// else.
fn lists(runtime: &Runtime) -> Result<Sides> {
    let crowded = RedisServer::start();
    let script = "for id = 1, tonumber(ARGV[1]) do redis.call('SET', 'foreign:' .. id, '{}') end";
    crowded.cli(&["EVAL", script, "0", &FOREIGN.to_string()]);
    let alone = RedisServer::start();
    let side = |server: &RedisServer| -> Result<Side<'_, Collection<User, RedisStore>>> {
        let bench = Bench { server, runtime };
        let side = Side { runtime, calls: bench.ours(0, true)? };
        side.fill()?;
        Ok(side)
    };
    let (ours, theirs) = (side(&crowded)?, side(&alone)?);
    by_turns(ROUNDS / 4, || ours.lists(), || theirs.lists())
}

/// One way to make the calls. Each method is a round, and gives what a call came to.
struct Side<'a, C> {
    runtime: &'a Runtime,
    calls: C,
}

impl<C: Calls> Side<'_, C> {
    fn run<T>(&self, calls: impl Future<Output = Result<T, BoxError>>) -> Result<T> {
        self.runtime.block_on(calls).map_err(|error| -> Box<dyn Error> { error })
    }

    /// Writes all users, and looks whether they are there.
    fn fill(&self) -> Result<()> {
        self.run(async {
            for id in 0..USERS as u64 {
                self.calls.put(&C::sample(id)).await?;
            }
            let found = self.calls.get_many(vec![7, USERS as u64]).await?;
            assert!(matches!(found.as_slice(), [Some(_), None]));
            Ok(())
        })
    }

    fn gets(&self) -> Result<f64> {
        nanos_each(SEQUENTIAL, || {
            self.run(async {
                for place in 0..SEQUENTIAL {
                    black_box(self.calls.get(id_of(place)).await?);
                }
                Ok(())
            })
        })
    }

    fn puts(&self) -> Result<f64> {
        let users: Vec<_> = (0..SEQUENTIAL).map(|place| C::sample(id_of(place))).collect();
        nanos_each(SEQUENTIAL, || {
            self.run(async {
                for user in &users {
                    self.calls.put(user).await?;
                }
                Ok(())
            })
        })
    }

    fn gets_64(&self) -> Result<f64> {
        self.by_64(|calls, place| async move { calls.get(id_of(place)).await.map(drop) })
    }

    fn puts_64(&self) -> Result<f64> {
        let users: Arc<[C::User]> = (0..USERS as u64).map(C::sample).collect();
        self.by_64(move |calls, place| {
            let users = Arc::clone(&users);
            async move { calls.put(&users[id_of(place) as usize]).await }
        })
    }

    fn batches(&self) -> Result<f64> {
        nanos_each(BATCHES * MANY, || {
            self.run(async {
                for batch in 0..BATCHES {
                    let ids = (0..MANY).map(|place| id_of(batch * MANY + place)).collect();
                    black_box(self.calls.get_many(ids).await?);
                }
                Ok(())
            })
        })
    }

    fn by_64<F, W>(&self, call: F) -> Result<f64>
    where
        F: Fn(C, usize) -> W + Clone + Send + 'static,
        W: Future<Output = Result<(), BoxError>> + Send,
    {
        nanos_each(CONCURRENT, || {
            self.run(async {
                let mut tasks = JoinSet::new();
                for task in 0..TASKS {
                    let (calls, call) = (self.calls.clone(), call.clone());
                    tasks.spawn(async move {
                        for place in 0..CONCURRENT / TASKS {
                            call(calls.clone(), task * CONCURRENT / TASKS + place).await?;
                        }
                        Ok::<_, BoxError>(())
                    });
                }
                while let Some(task) = tasks.join_next().await {
                    task??;
                }
                Ok(())
            })
        })
    }
}

impl Side<'_, Collection<User, RedisStore>> {
    fn lists(&self) -> Result<f64> {
        nanos_each(USERS, || {
            let page = self.runtime.block_on(self.calls.list().limit(USERS).page())?;
            assert_eq!(page.entities.len(), USERS);
            Ok(page)
        })
    }
}

impl Side<'_, ByHand<ConnectionManager>> {
    fn lists(&self) -> Result<f64> {
        nanos_each(USERS, || {
            let users = self.run(self.calls.list(USERS))?;
            assert_eq!(users.len(), USERS);
            Ok(users)
        })
    }
}
