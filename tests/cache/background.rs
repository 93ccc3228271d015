//! What goes on while nobody waits for it, and how long anybody waits.

use std::sync::Arc;

use kv_runtime::cache::{BackgroundFuture, Cached};
use kv_runtime::layer::{Fault, Gate, Operation};
use kv_runtime::store::MemoryStore;
use kv_runtime::{Clock, Error, Kv, Source, Timer};

use crate::{Calls, MINUTE, Outcome, SECOND, START, Store, User, block_on, elsewhere, exact, kv};

fn spawn(task: BackgroundFuture) {
    tokio::spawn(task);
}

async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_refresh_comes_before_the_end() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().refresh_ahead(0.5).spawner(spawn));
    users.put(User::new(1, "old")).await?;
    elsewhere(&kv).collection().put(&User::new(1, "new")).await?;
    clock.advance(MINUTE / 2 - SECOND);
    assert_eq!(users.get(1).await?.expect("it is fresh").name, "old");
    assert_eq!(users.stats().refreshes, 0);
    clock.advance(SECOND);
    // The caller gets the cached value at once, and the next caller gets the loaded one.
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Get]).times(1));
    for _ in 0..3 {
        assert_eq!(users.get(1).await?.expect("it is fresh").name, "old");
    }
    gate.arrived().await;
    gate.open();
    until(|| users.peek(1).is_some_and(|user| user.name == "new")).await;
    assert_eq!((users.stats().refreshes, users.stats().store_hits), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_refresh_that_fails_leaves_what_is_there_and_pauses() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().refresh_ahead(0.5).spawner(spawn));
    users.put(User::new(1, "old")).await?;
    clock.advance(MINUTE / 2);
    kv.store().faults().add(Fault::fail());
    users.get(1).await?;
    until(|| users.stats().store_errors == 1).await;
    for _ in 0..3 {
        assert_eq!(users.get_detailed(1).await?.source, Source::Memory);
    }
    assert_eq!(users.stats().refreshes, 1);
    clock.advance(SECOND);
    users.get(1).await?;
    assert_eq!(users.stats().refreshes, 2);
    Ok(())
}

#[tokio::test]
async fn a_refresh_goes_on_to_the_origin_before_the_store_expires() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().refresh_ahead(0.5).spawner(spawn));
    let calls = Calls::default();
    users.get_or_load(1, calls.give(User::new(1, "old"))).await?;
    // Each half minute memory is refreshed from the store, as long as that has half of its five
    // minutes left.
    for refreshes in 1..=6 {
        clock.advance(MINUTE / 2);
        users.get_or_load(1, calls.give(User::new(1, "new"))).await?;
        until(|| users.stats().store_hits + users.stats().store_fills == refreshes + 1).await;
        assert_eq!(calls.count(), if refreshes < 6 { 1 } else { 2 });
    }
    assert_eq!(users.peek(1).map(|user| user.name.clone()).as_deref(), Some("new"));
    assert_eq!(kv.collection::<User>().get(1).await?.map(|user| user.name).as_deref(), Some("new"));
    Ok(())
}

#[test]
fn without_what_runs_a_task_nothing_runs_behind() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().refresh_ahead(0.5).soft_timeout(SECOND));
    block_on(async {
        users.put(User::new(1, "old")).await?;
        clock.advance(MINUTE / 2);
        assert_eq!(users.get_detailed(1).await?.source, Source::Memory);
        clock.advance(MINUTE / 2);
        assert_eq!(users.get_detailed(1).await?.source, Source::Store);
        assert_eq!(users.stats().refreshes, 0);
        Ok(())
    })
}

#[tokio::test]
async fn on_tokio_no_spawner_has_to_be_given() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().refresh_ahead(0.5));
    users.put(User::new(1, "old")).await?;
    elsewhere(&kv).collection().put(&User::new(1, "new")).await?;
    clock.advance(MINUTE / 2);
    assert_eq!(users.get(1).await?.expect("it is fresh").name, "old");
    until(|| users.peek(1).is_some_and(|user| user.name == "new")).await;
    assert_eq!(users.stats().refreshes, 1);
    Ok(())
}

fn slow() -> (Kv<Store>, kv_runtime::ManualClock, Cached<User, Store>) {
    let (kv, clock) = kv();
    let cache = exact().stale_for(5 * MINUTE).soft_timeout(SECOND).hard_timeout(10 * SECOND).spawner(spawn);
    let users = kv.collection::<User>().cached(cache);
    (kv, clock, users)
}

#[tokio::test]
async fn after_the_soft_timeout_what_is_stale_is_served_and_the_load_goes_on() -> Outcome {
    let (kv, clock, users) = slow();
    users.put(User::new(1, "old")).await?;
    elsewhere(&kv).collection().put(&User::new(1, "new")).await?;
    clock.advance(MINUTE);
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Get]).times(1));
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let users = users.clone();
            tokio::spawn(async move { users.get_detailed(1).await })
        })
        .collect();
    gate.arrived().await;
    until(|| users.stats().shared_waits == 2).await;
    clock.advance(SECOND);
    for caller in callers {
        let stale = caller.await??;
        assert_eq!((stale.source, stale.value.expect("stale").name.as_str()), (Source::Stale, "old"));
        assert!(matches!(stale.error, Some(Error::TimedOut { limit: SECOND, .. })), "{:?}", stale.error);
    }
    gate.open();
    until(|| users.peek(1).is_some_and(|user| user.name == "new")).await;
    assert_eq!(users.stats().store_hits, 1);
    Ok(())
}

#[tokio::test]
async fn a_hard_timeout_ends_the_load_for_all() -> Outcome {
    let (kv, clock, users) = slow();
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Get]));
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let users = users.clone();
            tokio::spawn(async move { users.get_or_detailed(1, User::default()).await })
        })
        .collect();
    gate.arrived().await;
    until(|| users.stats().shared_waits == 2).await;
    clock.advance(10 * SECOND);
    for caller in callers {
        let fallback = caller.await?;
        assert_eq!((fallback.source, fallback.value.id), (Source::Fallback, 1));
        let limit = 10 * SECOND;
        assert!(matches!(fallback.error, Some(Error::TimedOut { limit: passed, .. }) if passed == limit));
    }
    // Nothing is stale, so the store is asked again.
    kv.store().faults().clear();
    assert_eq!(users.get_detailed(1).await?.source, Source::Store);
    Ok(())
}

#[tokio::test]
async fn an_origin_that_hangs_costs_one_call_in_a_pause() -> Outcome {
    let (_kv, clock, users) = slow();
    let calls = Calls::default();
    let hang = |calls: &Calls| {
        let calls = calls.clone();
        || async move {
            calls.note();
            std::future::pending::<Result<User, Error>>().await
        }
    };
    let caller = {
        let (users, hang) = (users.clone(), hang(&calls));
        tokio::spawn(async move { users.get_or_load(1, hang).await })
    };
    until(|| calls.count() == 1).await;
    clock.advance(10 * SECOND);
    assert!(matches!(caller.await?, Err(Error::TimedOut { .. })));
    for _ in 0..5 {
        assert!(matches!(users.get_or_load(1, hang(&calls)).await, Err(Error::TimedOut { .. })));
    }
    clock.advance(SECOND);
    assert_eq!(users.get_or_load(1, calls.give(User::new(1, "Ada"))).await?.name, "Ada");
    assert_eq!(calls.count(), 2);
    Ok(())
}

#[tokio::test]
async fn a_store_that_hangs_does_not_keep_what_the_origin_gave() -> Outcome {
    let (kv, clock, users) = slow();
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Commit]));
    let caller = {
        let (users, give) = (users.clone(), Calls::default().give(User::new(1, "Ada")));
        tokio::spawn(async move { users.get_or_load(1, give).await })
    };
    gate.arrived().await;
    assert_eq!(users.peek(1).expect("memory comes first").name, "Ada");
    clock.advance(10 * SECOND);
    assert_eq!(caller.await??.name, "Ada");
    assert_eq!(users.stats().store_fills_failed, 1);
    Ok(())
}

#[tokio::test]
async fn without_a_timer_a_timeout_is_an_error_that_says_so() -> Outcome {
    let clock = Clock::system().with_timer(Timer::none());
    let users = Kv::new(MemoryStore::with_clock(clock)).collection().cached(exact().hard_timeout(SECOND));
    users.put(User::new(1, "Ada")).await?;
    assert!(users.get(1).await?.is_some());
    assert!(matches!(users.get(2).await, Err(Error::NoTimer { .. })));
    Ok(())
}

/// No runtime at all: an executor of one thread that knows no tokio.
#[test]
fn it_works_without_a_runtime() -> Outcome {
    let clock = kv_runtime::ManualClock::new(START);
    let users = Kv::new(MemoryStore::with_clock(Clock::from(&clock))).collection().cached(exact());
    let mut work = Box::pin(async {
        users.put(User::new(1, "Ada")).await?;
        users.get_or_load(2, Calls::default().give(User::new(2, "Bea"))).await?;
        clock.advance(MINUTE);
        Ok::<_, Error>((users.get(1).await?, users.get(2).await?))
    });
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(found) = Future::poll(work.as_mut(), &mut context) else {
        return Err("a store in memory does not wait".into());
    };
    let (first, second) = found?;
    let name = |user: Option<Arc<User>>| user.map(|user| user.name.clone());
    assert_eq!((name(first).as_deref(), name(second).as_deref()), (Some("Ada"), Some("Bea")));
    Ok(())
}
