//! Hits: 100,000 entries, asked for in no order, by one thread or by several at once.
//!
//! Each entity names the one that is asked for next, so each that is got is looked at, as in any program. A loop that looks at nothing
//! that it gets leaves the processor to work on several gets at once, and measures how many of them fit into it: the case `unread-u64-1`.

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::time::Instant;

use kv_runtime::cache::Cached;
use kv_runtime::store::MemoryStore;

use crate::sides::{
    Account, CAPACITY, ENTRIES, User, account, moka as moka_cache, name, ours, runtime, user,
};
use crate::support::{Result, Sides, by_turns};

const ROUNDS: usize = 25;

pub fn numbers(threads: usize) -> Result<Sides> {
    let (cached, quick) = both()?;
    by_turns(
        ROUNDS,
        || on_threads(threads, |start| follow(&cached, start)),
        || on_threads(threads, |start| follow_numbers(start, |id| quick.get(&id))),
    )
}

pub fn texts(threads: usize) -> Result<Sides> {
    let (cached, quick) = (ours::<Account>(CAPACITY), quick_cache::sync::Cache::new(CAPACITY));
    for id in 0..ENTRIES {
        let account = account(id);
        runtime()?.block_on(cached.put(Arc::clone(&account)))?;
        quick.insert(account.name.clone(), account);
    }
    by_turns(
        ROUNDS,
        || {
            on_threads(threads, |start| {
                runtime()?.block_on(async {
                    let mut account = hit(cached.get(&name(start)).await?);
                    for _ in 0..ENTRIES {
                        account = hit(cached.get(&account.next).await?);
                    }
                    Ok(())
                })
            })
        },
        || {
            on_threads(threads, |start| {
                let mut account: Arc<Account> = hit(quick.get(name(start).as_str()));
                for _ in 0..ENTRIES {
                    account = hit(quick.get(account.next.as_str()));
                }
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
    by_turns(
        ROUNDS,
        || on_threads(1, |start| follow(&cached, start)),
        || on_threads(1, |start| follow_numbers(start, |id| moka.get(&id))),
    )
}

/// Numbers, and nothing is looked at.
pub fn unread() -> Result<Sides> {
    let (cached, quick) = both()?;
    let ids: Vec<u64> =
        std::iter::successors(Some(0), |&id| Some(user(id).next)).take(ENTRIES as usize).collect();
    by_turns(
        ROUNDS,
        || {
            on_threads(1, |_| {
                runtime()?.block_on(async {
                    for &id in &ids {
                        assert!(black_box(cached.get(id).await?).is_some());
                    }
                    Ok(())
                })
            })
        },
        || {
            on_threads(1, |_| {
                ids.iter().for_each(|id| assert!(black_box(quick.get(id)).is_some()));
                Ok(())
            })
        },
    )
}

type Quick = quick_cache::sync::Cache<u64, Arc<User>>;

/// The same users on both sides.
fn both() -> Result<(Cached<User, MemoryStore>, Quick)> {
    let (cached, quick) = (ours::<User>(CAPACITY), Quick::new(CAPACITY));
    let runtime = runtime()?;
    for id in 0..ENTRIES {
        let user = user(id);
        runtime.block_on(cached.put(Arc::clone(&user)))?;
        quick.insert(id, user);
    }
    Ok((cached, quick))
}

fn follow(cached: &Cached<User, MemoryStore>, start: u64) -> Result<()> {
    runtime()?.block_on(async {
        let mut next = start;
        for _ in 0..ENTRIES {
            next = hit(cached.get(next).await?).next;
        }
        assert_eq!(next, start);
        Ok(())
    })
}

fn follow_numbers(start: u64, get: impl Fn(u64) -> Option<Arc<User>>) -> Result<()> {
    let mut next = start;
    for _ in 0..ENTRIES {
        next = hit(get(next)).next;
    }
    assert_eq!(next, start);
    Ok(())
}

/// All that is compared are hits.
fn hit<T>(value: Option<T>) -> T {
    value.unwrap_or_else(|| panic!("a miss"))
}

/// How long a thread takes for one of its gets, in nanoseconds, while the others do the same. Each begins elsewhere, and asks for all.
fn on_threads(threads: usize, work: impl Fn(u64) -> Result<()> + Sync) -> Result<f64> {
    let barrier = Barrier::new(threads);
    let nanos = |part: usize| {
        let start_at = ENTRIES / threads as u64 * part as u64;
        barrier.wait();
        #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
        let start = Instant::now();
        work(start_at).map_err(|error| error.to_string())?;
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
