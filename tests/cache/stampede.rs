//! One load for any number of callers, however it ends and whichever callers leave.

use std::sync::Arc;

use kv_runtime::cache::Cached;
use kv_runtime::{Error, Source};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::{Calls, Outcome, SECOND, Store, User, block_on, exact, kv, parked};

const CALLERS: usize = 10_000;

type Users = Cached<User, Store>;
type Loaded = Result<Arc<User>, Error>;

/// Lets the origin answer once all callers wait.
async fn all_callers(
    users: &Users,
    calls: &Calls,
    answer: fn() -> Result<User, std::io::Error>,
) -> Vec<Loaded> {
    let go = Arc::new(Semaphore::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (users, calls, go) = (users.clone(), calls.clone(), Arc::clone(&go));
        callers.spawn(async move {
            let load = move || async move {
                calls.note();
                let _permit = go.acquire().await;
                answer()
            };
            users.get_or_load(1, load).await
        });
    }
    while users.stats().shared_waits < CALLERS as u64 - 1 {
        tokio::task::yield_now().await;
    }
    go.add_permits(1);
    callers.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_misses_are_one_load() {
    let (kv, _) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    let loaded = all_callers(&users, &calls, || Ok(User::new(1, "Ada"))).await;
    let first = users.peek(1).expect("it is held");
    assert!(loaded.iter().all(|user| user.as_ref().is_ok_and(|user| Arc::ptr_eq(user, &first))));
    assert_eq!((loaded.len(), calls.count(), users.stats().origin_loads), (CALLERS, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_fails_is_one_load_and_all_get_its_error() {
    let (kv, clock) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    let refused = || Err(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
    for loaded in all_callers(&users, &calls, refused).await {
        let Err(Error::Load { source, at, retryable: true }) = loaded else { panic!("{loaded:?}") };
        let source = source.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        assert_eq!(
            (source, at.key.as_deref()),
            (Some(std::io::ErrorKind::ConnectionRefused), Some("user:1"))
        );
    }
    assert_eq!(calls.count(), 1);
    // The same error until the pause is over, then the origin is asked again.
    assert!(matches!(users.get_or_load(1, calls.give(User::new(1, "Ada"))).await, Err(Error::Load { .. })));
    clock.advance(SECOND);
    assert!(users.get_or_load(1, calls.give(User::new(1, "Ada"))).await.is_ok());
    assert_eq!((calls.count(), users.stats().paused), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loader_that_panics_is_one_load_and_an_error() {
    let (kv, _) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    let loaded = all_callers(&users, &calls, || panic!("secret words")).await;
    for loaded in &loaded {
        let Err(error @ Error::Load { source, .. }) = loaded else { panic!("{loaded:?}") };
        assert!(!format!("{error} {source} {error:?}").contains("secret"), "{error:?}");
    }
    assert_eq!((loaded.len(), calls.count()), (CALLERS, 1));
}

#[tokio::test]
async fn an_entity_with_another_id_is_the_loaders_mistake() {
    let (kv, _) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    let error = users.get_or_load(1, calls.give(User::new(2, "Bob"))).await.expect_err("it is not 1");
    assert!(matches!(&error, Error::Load { at, .. } if at.key.as_deref() == Some("user:1")), "{error:?}");
    assert!(!error.is_retryable() && error.to_string().ends_with("fix the loader; retrying will not help"));
    // It is kept under neither id.
    assert!(users.peek(1).is_none() && users.peek(2).is_none());
    assert!(kv.collection::<User>().get_many([1, 2]).await.is_ok_and(|found| found == [None, None]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_dropped_the_load_goes_on() -> Outcome {
    let (kv, _) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    let mut rng = fastrand::Rng::with_seed(7);
    let mut callers = Vec::with_capacity(CALLERS);
    // No load ends before callers have gone, however slow the machine is.
    let (go, going) = tokio::sync::watch::channel(false);
    for _ in 0..CALLERS {
        let (users, calls, mut going) = (users.clone(), calls.clone(), going.clone());
        let caller = tokio::spawn(async move {
            let load = || async move {
                calls.note();
                going.wait_for(|go| *go).await.ok();
                Ok::<_, Error>(User::new(1, "Ada"))
            };
            users.get_or_load(1, load).await
        });
        // Three of four go, the one that began the load perhaps, too.
        callers.push((caller, rng.u8(0..4) > 0));
    }
    while users.stats().shared_waits < CALLERS as u64 - 1 {
        tokio::task::yield_now().await;
    }
    callers.iter().filter(|(_, goes)| *goes).for_each(|(caller, _)| caller.abort());
    go.send(true).ok();
    let mut dropped = 0;
    for (caller, goes) in callers {
        match tokio::time::timeout(60 * SECOND, caller).await.expect("nobody waits for ever") {
            Ok(loaded) => assert_eq!(loaded?.name, "Ada"),
            Err(error) => {
                assert!(goes && error.is_cancelled(), "{error}");
                dropped += 1;
            }
        }
    }
    assert!(dropped > 0);
    assert_eq!(calls.count(), 1);
    assert_eq!(users.get_detailed(1).await?.source, Source::Memory);
    Ok(())
}

#[test]
fn without_a_task_a_load_goes_on_as_long_as_anybody_waits() -> Outcome {
    let (kv, _) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    let (go, going) = tokio::sync::watch::channel(false);
    let call = || {
        let (users, calls, mut going) = (users.clone(), calls.clone(), going.clone());
        parked(async move {
            let load = || async move {
                calls.note();
                going.wait_for(|go| *go).await.ok();
                Ok::<_, Error>(User::new(1, "Ada"))
            };
            users.get_or_load(1, load).await
        })
    };
    let (leader, second, third) = (call(), call(), call());
    drop(leader);
    drop(second);
    let fourth = call();
    drop(third);
    assert_eq!(calls.count(), 1);
    drop(fourth);
    // The last caller dropped the load, so this one begins another.
    let fifth = call();
    assert_eq!(calls.count(), 2);
    go.send(true).ok();
    assert_eq!(block_on(fifth)?.name, "Ada");
    Ok(())
}

/// Callers that come after a load was taken over wait for that load.
#[tokio::test]
async fn a_load_that_was_taken_over_is_one_load() -> Outcome {
    let (kv, _) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    let (go, going) = tokio::sync::watch::channel(false);
    let caller = || {
        let (users, calls, mut going) = (users.clone(), calls.clone(), going.clone());
        tokio::spawn(async move {
            let load = || async move {
                calls.note();
                going.wait_for(|go| *go).await.ok();
                Ok::<_, Error>(User::new(1, "Ada"))
            };
            users.get_or_load(1, load).await
        })
    };
    let settled = async || {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    };
    let leader = caller();
    settled().await;
    let successor = caller();
    settled().await;
    leader.abort();
    settled().await;
    let late = [caller(), caller(), caller()];
    settled().await;
    go.send(true)?;
    assert_eq!(successor.await??.name, "Ada");
    for caller in late {
        assert_eq!(caller.await??.name, "Ada");
    }
    // The load that was dropped with its caller, and the one that took its place.
    assert!(calls.count() <= 2, "{} loads", calls.count());
    Ok(())
}

#[tokio::test]
async fn batches_that_overlap_do_not_wait_for_each_other() -> Outcome {
    let (kv, _) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    let batch = |ids: Vec<u64>| {
        let (users, calls) = (users.clone(), calls.clone());
        tokio::spawn(async move {
            let load = move |ids: Vec<u64>| {
                calls.note();
                async move {
                    tokio::task::yield_now().await;
                    Ok::<_, Error>(ids.into_iter().map(|id| User::new(id, "Ada")).collect())
                }
            };
            users.get_or_load_many(ids, load).await
        })
    };
    let (up, down) = (batch(vec![1, 2, 3, 4]), batch(vec![4, 3, 5, 1]));
    let dropped = batch(vec![6, 1]);
    tokio::task::yield_now().await;
    dropped.abort();
    let late = batch(vec![6, 5]);
    for (found, ids) in [(up, [1, 2, 3, 4].as_slice()), (down, &[4, 3, 5, 1]), (late, &[6, 5])] {
        let found: Vec<u64> = found.await??.iter().flatten().map(|user| user.id).collect();
        assert_eq!(found, ids);
    }
    assert!((2..=4).contains(&calls.count()), "{}", calls.count());
    Ok(())
}
