//! Hits: 100,000 entries, asked for in no order, by one thread or by several at once.

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::time::Instant;

use kv_runtime::Lookup;
use kv_runtime::cache::Cached;
use kv_runtime::store::MemoryStore;

use crate::sides::{
    Account, CAPACITY, ENTRIES, User, account, moka as moka_cache, name, ours, runtime, shuffled, user,
};
use crate::support::{Result, Sides, by_turns};

const ROUNDS: usize = 25;

pub fn numbers(threads: usize) -> Result<Sides> {
    let (cached, quick) = (ours::<User>(CAPACITY), quick_cache::sync::Cache::new(CAPACITY));
    for id in 0..ENTRIES {
        let user = user(id);
        runtime()?.block_on(cached.put(Arc::clone(&user)))?;
        quick.insert(id, user);
    }
    let ids: Vec<u64> = shuffled().collect();
    by_turns(
        ROUNDS,
        || on_threads(threads, |part| get_all(&cached, part_of(&ids, part, threads).copied())),
        || {
            on_threads(threads, |part| {
                part_of(&ids, part, threads).for_each(|id| found(quick.get(id)));
                Ok(())
            })
        },
    )
}

pub fn texts(threads: usize) -> Result<Sides> {
    let (cached, quick) = (ours::<Account>(CAPACITY), quick_cache::sync::Cache::new(CAPACITY));
    for id in 0..ENTRIES {
        let account = account(id);
        runtime()?.block_on(cached.put(Arc::clone(&account)))?;
        quick.insert(account.name.clone(), account);
    }
    let names: Vec<String> = shuffled().map(name).collect();
    by_turns(
        ROUNDS,
        || on_threads(threads, |part| get_all(&cached, part_of(&names, part, threads).map(String::as_str))),
        || {
            on_threads(threads, |part| {
                part_of(&names, part, threads).for_each(|name| found(quick.get(name.as_str())));
                Ok(())
            })
        },
    )
}

pub fn moka() -> Result<Sides> {
    let (cached, moka) = (ours::<User>(CAPACITY), moka_cache::<User>(CAPACITY));
    for id in 0..ENTRIES {
        let user = user(id);
        runtime()?.block_on(cached.put(Arc::clone(&user)))?;
        moka.insert(id, user);
    }
    moka.run_pending_tasks();
    let ids: Vec<u64> = shuffled().collect();
    by_turns(
        ROUNDS,
        || on_threads(1, |_| get_all(&cached, ids.iter().copied())),
        || {
            on_threads(1, |_| {
                ids.iter().for_each(|id| found(moka.get(id)));
                Ok(())
            })
        },
    )
}

fn get_all<E, L>(cached: &Cached<E, MemoryStore>, ids: impl Iterator<Item = L>) -> Result<()>
where
    E: kv_runtime::KvEntity,
    L: Lookup<E::Id>,
{
    runtime()?.block_on(async {
        for id in ids {
            found(cached.get(id).await?);
        }
        Ok(())
    })
}

/// All that is compared are hits.
fn found<T>(value: Option<T>) {
    assert!(black_box(value).is_some());
}

/// Each thread begins elsewhere, and asks for all.
fn part_of<T>(ids: &[T], part: usize, parts: usize) -> impl Iterator<Item = &T> {
    let start = ids.len() / parts * part;
    ids[start..].iter().chain(&ids[..start])
}

/// How long a thread takes for one of its gets, in nanoseconds, while the others do the same.
fn on_threads(threads: usize, work: impl Fn(usize) -> Result<()> + Sync) -> Result<f64> {
    let barrier = Barrier::new(threads);
    let nanos = |part| {
        barrier.wait();
        #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
        let start = Instant::now();
        work(part).map_err(|error| error.to_string())?;
        Ok::<f64, String>(start.elapsed().as_nanos() as f64 / ENTRIES as f64)
    };
    let each: Result<Vec<f64>, String> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|part| scope.spawn(move || nanos(part))).collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a thread panicked".to_owned())))
            .collect()
    });
    let each = each?;
    Ok(each.iter().sum::<f64>() / each.len() as f64)
}
