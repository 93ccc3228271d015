//! Who updates one record is served in turn; and nobody waits for a caller that is not polled.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kv_runtime::layer::{
    Fault, FaultStore, Gate, NamespaceStore, ObservedStore, Operation, RetryStore, TimeoutStore,
};
use kv_runtime::store::{AnyStore, AtomicStore, MemoryStore};
use kv_runtime::{Clock, Collection, Error, Kv, ManualClock, Timer};

use crate::entities::Counter;
use crate::{Outcome, START};

const TASKS: u64 = 64;
const BY_EACH: u64 = 5;

type Update = Pin<Box<dyn Future<Output = Result<Counter, Error>>>>;

/// Counts with 64 tasks, each with its own collection, and says how many updates
/// failed.
async fn count<S: AtomicStore>(collection: impl Fn() -> Collection<Counter, S>) -> Result<u64, Error> {
    let counters = collection();
    counters.put(&Counter { name: "hits".to_owned(), count: 0 }).await?;
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let counters = collection();
            tokio::spawn(async move {
                let mut failed = 0;
                for _ in 0..BY_EACH {
                    failed += u64::from(counters.update("hits", |counter| counter.count += 1).await.is_err());
                }
                failed
            })
        })
        .collect();
    let mut failed = 0;
    for task in tasks {
        failed += task.await.expect("a task does not panic");
    }
    let made = counters.get("hits").await?.map(|counter| counter.count);
    assert_eq!(made, Some(TASKS * BY_EACH - failed));
    Ok(failed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_for_each_request_is_as_fair_as_one_for_all() -> Outcome {
    let (kv, _, _dir) = crate::redb()?;
    let store = kv.store().clone();
    assert_eq!(count(|| Kv::new(store.clone()).collection()).await?, 0);
    let tenant = || Kv::new(NamespaceStore::new(store.clone(), "acme")).collection();
    assert_eq!(count(tenant).await?, 0);
    let nested = || {
        let tenants = NamespaceStore::new(AnyStore::from(store.clone()), "tenant");
        Kv::new(NamespaceStore::new(tenants, "acme")).collection()
    };
    assert_eq!(count(nested).await?, 0);
    let patient = || {
        let patient = TimeoutStore::new(FaultStore::new(store.clone()), Duration::from_secs(60));
        Kv::new(ObservedStore::new(RetryStore::new(patient))).collection()
    };
    assert_eq!(count(patient).await?, 0);
    Ok(())
}

#[tokio::test]
async fn one_thread_serves_all_in_turn() -> Outcome {
    let (kv, _, _dir) = crate::redb()?;
    let store = kv.store().clone();
    assert_eq!(count(|| Kv::new(store.clone()).collection()).await?, 0);
    Ok(())
}

/// An update that has lost a race, taken its turn, and stands at its second commit; it is never
/// polled again.
async fn stalled(kv: &Kv<FaultStore<MemoryStore>>) -> Result<Update, Error> {
    let counters = kv.collection::<Counter>();
    counters.put(&Counter { name: "hits".to_owned(), count: 0 }).await?;
    let (first, second) = (Gate::new(), Gate::new());
    let faults = kv.store().faults();
    faults.add(Fault::hold(&first).on(&[Operation::Commit]).times(1));
    faults.add(Fault::hold(&second).on(&[Operation::Commit]).times(1));
    let slow = counters.clone();
    let mut slow: Update = Box::pin(async move { slow.update("hits", |counter| counter.count += 1).await });
    let mut context = Context::from_waker(Waker::noop());
    assert!(slow.as_mut().poll(&mut context).is_pending());
    counters.put(&Counter { name: "hits".to_owned(), count: 10 }).await?; // it will lose this race
    first.open();
    assert!(slow.as_mut().poll(&mut context).is_pending());
    Ok(slow)
}

#[tokio::test]
async fn an_update_that_is_not_polled_keeps_nobody_waiting() -> Outcome {
    // Whether the clock is the system's, a test's that does not move, or has no timer.
    let clocks =
        [Clock::system(), Clock::from(&ManualClock::new(START)), Clock::system().with_timer(Timer::none())];
    for clock in clocks {
        let kv = Kv::new(FaultStore::new(MemoryStore::with_clock(clock)));
        let counters = kv.collection::<Counter>();
        let slow = stalled(&kv).await?;
        let fast = async {
            for _ in 0..20 {
                counters.update("hits", |counter| counter.count += 1).await?;
            }
            // Other records do not wait at all.
            for id in 0..256 {
                let name = format!("other {id}");
                let create = || Counter { name: name.clone(), count: 0 };
                counters.upsert(name.as_str(), create, |_| ()).await?;
            }
            Ok::<_, Error>(())
        };
        tokio::time::timeout(Duration::from_secs(1), fast).await.map_err(|_| "it hangs")??;
        assert_eq!(counters.get("hits").await?.map(|counter| counter.count), Some(30));
        drop(slow);
    }
    Ok(())
}

#[tokio::test]
async fn what_was_not_polled_for_long_goes_on_where_it_was() -> Outcome {
    let kv = Kv::new(FaultStore::new(MemoryStore::new()));
    let counters = kv.collection::<Counter>();
    let slow = stalled(&kv).await?;
    counters.update("hits", |counter| counter.count += 1).await?;
    // Its gate is still closed: the commit that waits there is dropped with it, and nothing of it
    // is written.
    drop(slow);
    assert_eq!(counters.update("hits", |counter| counter.count += 1).await?.count, 12);
    Ok(())
}

/// A stream of updates, and an update in the body of its loop: the others of the stream are not
/// polled meanwhile.
#[tokio::test]
async fn an_update_beside_a_stream_of_updates_ends() -> Outcome {
    let (kv, _, _dir) = crate::redb()?;
    let counters = kv.collection::<Counter>();
    counters.put(&Counter { name: "hits".to_owned(), count: 0 }).await?;
    let run = async {
        let mut buffered: Vec<Update> = Vec::new();
        for _ in 0..50 {
            while buffered.len() < 8 {
                let counters = counters.clone();
                buffered.push(Box::pin(async move { counters.update("hits", |it| it.count += 1).await }));
            }
            first_of(&mut buffered).await?;
            counters.update("hits", |counter| counter.count += 1).await?;
        }
        Ok::<_, Error>(())
    };
    tokio::time::timeout(Duration::from_secs(20), run).await.map_err(|_| "it hangs")??;
    Ok(())
}

/// The first of these that ends, which is taken out.
async fn first_of<T>(buffered: &mut Vec<Pin<Box<dyn Future<Output = T>>>>) -> T {
    std::future::poll_fn(|context| {
        for place in 0..buffered.len() {
            if let Poll::Ready(ended) = buffered[place].as_mut().poll(context) {
                drop(buffered.remove(place));
                return Poll::Ready(ended);
            }
        }
        Poll::Pending
    })
    .await
}
