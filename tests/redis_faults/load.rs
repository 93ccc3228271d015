//! Tasks that count by compare-and-swap, and record the answer to each call.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use kv_runtime::layer::RetryStore;
use kv_runtime::store::RedisStore;
use kv_runtime::{Collection, Error, Kv, KvEntity};
use tokio::task::JoinSet;
use tokio::time::Instant;

#[derive(KvEntity, Debug)]
#[kv(prefix = "counter")]
pub struct Counter {
    #[kv(id)]
    pub id: u64,
    pub count: u64,
}

pub type Counters = Collection<Counter, RetryStore<RedisStore>>;

/// The counters in a store, whose calls are made again for some seconds where that may help.
pub fn counters(store: RedisStore) -> Counters {
    let store =
        RetryStore::new(store).attempts(30).pauses(Duration::from_millis(20), Duration::from_millis(500));
    Kv::new(store).collection()
}

/// The answers that the tasks got, by counter.
#[derive(Default)]
pub struct Books {
    pub acknowledged: HashMap<u64, u64>,
    pub unknown: HashMap<u64, u64>,
    /// Refused or given up, so that nothing was written.
    pub failed: u64,
}

impl Books {
    pub fn total(&self) -> u64 {
        self.acknowledged.values().sum()
    }
}

/// How long the tasks are waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Tasks that count until the test stops them.
pub struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Acknowledged>,
    tasks: JoinSet<Books>,
}

/// How many changes have been acknowledged.
struct Acknowledged {
    by_counter: Vec<AtomicU64>,
    by_task: Vec<AtomicU64>,
}

impl Acknowledged {
    fn new(counters: u64, tasks: u64) -> Self {
        let zeros = |len| (0..len).map(|_| AtomicU64::new(0)).collect();
        Self { by_counter: zeros(counters), by_task: zeros(tasks) }
    }
}

fn loaded(counts: &[AtomicU64]) -> Vec<u64> {
    counts.iter().map(|count| count.load(Ordering::SeqCst)).collect()
}

impl Load {
    /// Starts this many tasks. They share the connections, and each goes through the counters in a
    /// different order.
    pub fn start(connections: &[Counters], tasks: u64, counters: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(Acknowledged::new(counters, tasks));
        let mut set = JoinSet::new();
        for (task, connection) in (0..tasks).zip(connections.iter().cycle()) {
            set.spawn(count(connection.clone(), task, Arc::clone(&stop), Arc::clone(&acknowledged)));
        }
        Self { stop, acknowledged, tasks: set }
    }

    /// How many changes have been acknowledged until now.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged_by_counter().iter().sum()
    }

    /// The same, of each counter.
    pub fn acknowledged_by_counter(&self) -> Vec<u64> {
        loaded(&self.acknowledged.by_counter)
    }

    /// Waits until so many more are acknowledged; fails if that takes too long.
    pub async fn goes_on(&self, more: u64) -> super::Test {
        let target = self.acknowledged() + more;
        let begin = Instant::now();
        while self.acknowledged() < target {
            if begin.elapsed() > PATIENCE {
                let lacks = target.saturating_sub(self.acknowledged());
                return Err(
                    format!("after {PATIENCE:?} {lacks} of {more} changes are not acknowledged").into()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Waits until every task has so many more acknowledged, and returns how long that took. Fails
    /// if it takes too long.
    pub async fn every_task_goes_on(&self, more: u64) -> Result<Duration, String> {
        let (begin, before) = (Instant::now(), loaded(&self.acknowledged.by_task));
        loop {
            let now = loaded(&self.acknowledged.by_task);
            let late = now.iter().zip(&before).filter(|(now, before)| **now < **before + more).count();
            if late == 0 {
                return Ok(begin.elapsed());
            }
            if begin.elapsed() > PATIENCE {
                return Err(format!("after {PATIENCE:?} {late} tasks have not {more} more changes"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Lets the tasks end, and adds their books up.
    pub async fn stop(self) -> Books {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Books::default();
        for books in self.tasks.join_all().await {
            books.acknowledged.into_iter().for_each(|(id, n)| *all.acknowledged.entry(id).or_default() += n);
            books.unknown.into_iter().for_each(|(id, n)| *all.unknown.entry(id).or_default() += n);
            all.failed += books.failed;
        }
        all
    }
}

async fn count(
    connection: Counters,
    task: u64,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Acknowledged>,
) -> Books {
    let mut books = Books::default();
    let counters = acknowledged.by_counter.len() as u64;
    for turn in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let id = (task * 7 + turn * 13) % counters;
        match connection.upsert(id, || Counter { id, count: 1 }, |counter| counter.count += 1).await {
            Ok(_) => {
                *books.acknowledged.entry(id).or_default() += 1;
                acknowledged.by_counter[id as usize].fetch_add(1, Ordering::SeqCst);
                acknowledged.by_task[task as usize].fetch_add(1, Ordering::SeqCst);
            }
            Err(Error::OutcomeUnknown { .. }) => *books.unknown.entry(id).or_default() += 1,
            Err(error) => {
                assert!(error.is_retryable(), "{error:?}");
                books.failed += 1;
            }
        }
    }
    books
}

/// Returns how many acknowledged changes each counter is missing. Fails if a counter has more
/// changes than were acknowledged or unknown.
pub async fn missing(
    counters: &Counters,
    books: &Books,
    ids: u64,
) -> Result<Vec<u64>, Box<dyn std::error::Error>> {
    let mut missing = Vec::new();
    for id in 0..ids {
        let told = |book: &HashMap<u64, u64>| book.get(&id).copied().unwrap_or_default();
        let (acknowledged, unknown) = (told(&books.acknowledged), told(&books.unknown));
        let count = counters.get(id).await?.map_or(0, |counter| counter.count);
        assert!(
            count <= acknowledged + unknown,
            "counter {id} is {count}; acknowledged were {acknowledged}, and unknown {unknown}"
        );
        missing.push(acknowledged.saturating_sub(count));
    }
    Ok(missing)
}
