//! Callers that are not polled and tasks that do not run block no other call.

use std::sync::{Arc, Mutex};

use kv_runtime::Error;
use kv_runtime::cache::{BackgroundFuture, Cache, Cached};
use kv_runtime::layer::{Fault, Gate, Operation};
use tokio::sync::oneshot;

use crate::{Calls, MINUTE, Outcome, SECOND, Store, User, block_on, elsewhere, ends, exact, kv, parked};

type Users = Cached<User, Store>;

/// A load whose caller has gone as far as the origin, and is not polled again.
fn parked_load(users: &Users, calls: &Calls) -> (oneshot::Sender<()>, impl Future<Output = ()> + use<>) {
    let (go, going) = oneshot::channel::<()>();
    let (loader, calls) = (users.clone(), calls.clone());
    let load = parked(async move {
        let load = || async move {
            calls.note();
            going.await.ok();
            Ok::<_, Error>(User::new(1, "Ada"))
        };
        loader.get_or_load(1, load).await
    });
    (go, async move { drop(load.await) })
}

/// All that others may do while a load of 1 stands still.
async fn others_go_on(users: &Users, calls: &Calls) -> Outcome {
    let many = |ids: Vec<u64>| async move {
        Ok::<_, Error>(ids.into_iter().map(|id| User::new(id, "Bea")).collect::<Vec<_>>())
    };
    let found = users.get_or_load_many([2, 1, 3], many).await?;
    assert_eq!(
        found.iter().flatten().map(|user| user.name.as_str()).collect::<Vec<_>>(),
        ["Bea", "Ada", "Bea"]
    );
    assert_eq!(users.get_or_load(1, calls.give(User::new(1, "Cem"))).await?.name, "Ada");
    assert_eq!(calls.count(), 1);
    users.put(User::new(1, "put")).await?;
    assert_eq!(users.update(1, |user| user.visits += 1).await?.visits, 1);
    users.delete(1).await?;
    assert_eq!(users.get(1).await?, None);
    Ok(())
}

#[test]
fn a_load_whose_caller_is_not_polled_is_driven_by_those_who_wait() -> Outcome {
    let (kv, _) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    let (go, leader) = parked_load(&users, &calls);
    go.send(()).ok();
    block_on(others_go_on(&users, &calls))?;
    block_on(leader);
    Ok(())
}

#[tokio::test]
async fn on_tokio_a_task_drives_it() -> Outcome {
    let (kv, _) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    let (go, leader) = parked_load(&users, &calls);
    go.send(()).ok();
    while users.peek(1).is_none() {
        tokio::task::yield_now().await;
    }
    ends(others_go_on(&users, &calls)).await?;
    ends(leader).await;
    Ok(())
}

#[test]
fn a_batch_whose_caller_is_not_polled_holds_up_none_of_its_ids() -> Outcome {
    let (kv, _) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    let (go, going) = oneshot::channel::<()>();
    let mut going = Some(going);
    let (loader, noted) = (users.clone(), calls.clone());
    let leader = parked(async move {
        let load = move |ids: Vec<u64>| {
            let (noted, going) = (noted.clone(), going.take());
            async move {
                noted.note();
                if let Some(going) = going {
                    going.await.ok();
                }
                Ok::<_, Error>(ids.into_iter().map(|id| User::new(id, "Ada")).collect::<Vec<_>>())
            }
        };
        loader.get_or_load_many([1, 2, 3], load).await
    });
    go.send(()).ok();
    for id in [2, 1, 3] {
        assert_eq!(block_on(users.get_or_load(id, calls.give(User::new(id, "Bea"))))?.name, "Ada");
    }
    assert_eq!(calls.count(), 1);
    assert_eq!(block_on(leader)?.len(), 3);
    Ok(())
}

#[test]
fn a_read_whose_caller_is_not_polled_holds_up_no_other() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    block_on(elsewhere(&kv).collection().put(&User::new(1, "Ada")))?;
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Get, Operation::GetMany]).times(2));
    let (first, second) = (users.clone(), users.clone());
    let one = parked(async move { first.get(1).await });
    let many = parked(async move { second.get_many([1, 2]).await });
    gate.open();
    assert_eq!(block_on(users.get(1))?.map(|user| user.name.clone()).as_deref(), Some("Ada"));
    assert_eq!(block_on(users.get_many([2, 1]))?.iter().flatten().count(), 1);
    drop((one, many));
    Ok(())
}

/// Tasks that an executor was given and has not run.
#[derive(Clone, Default)]
struct Forgotten(Arc<Mutex<Vec<BackgroundFuture>>>);

type Spawner = Box<dyn Fn(BackgroundFuture) + Send + Sync>;

fn spawners() -> Vec<(&'static str, Spawner)> {
    let forgotten = Forgotten::default();
    let ended = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let handle = ended.handle().clone();
    ended.shutdown_background();
    vec![
        ("never runs it", Box::new(move |task| forgotten.0.lock().expect("nothing panics").push(task))),
        ("drops it", Box::new(drop)),
        ("panics", Box::new(|_| panic!("no more tasks"))),
        ("has ended", Box::new(move |task| drop(handle.spawn(task)))),
    ]
}

#[tokio::test]
async fn a_spawner_that_does_not_run_its_task_hangs_nobody() -> Outcome {
    for (name, spawner) in spawners() {
        let (kv, clock) = kv();
        let cache = exact().stale_for(MINUTE).soft_timeout(SECOND).refresh_ahead(0.5).spawner(spawner);
        let (users, calls) = (kv.collection::<User>().cached(cache), Calls::default());
        let slow = |name: &'static str| {
            let calls = calls.clone();
            move || async move {
                calls.note();
                tokio::task::yield_now().await;
                Ok::<_, Error>(User::new(1, name))
            }
        };
        assert_eq!(ends(users.get_or_load(1, slow("one"))).await?.name, "one", "{name}");
        // What is fresh is served although its refresh gets nowhere.
        clock.advance(MINUTE / 2);
        for _ in 0..3 {
            assert_eq!(ends(users.get_or_load(1, slow("two"))).await?.name, "one", "{name}");
        }
        // Once it is not, a caller drives the load that no task ran, or begins one.
        clock.advance(MINUTE / 2);
        elsewhere(&kv).collection::<User>().delete(1).await?;
        assert_eq!(ends(users.get_or_load(1, slow("two"))).await?.name, "two", "{name}");
        let (parked_caller, others) = (users.clone(), users.clone());
        users.invalidate(1);
        elsewhere(&kv).collection::<User>().delete(1).await?;
        let load = slow("three");
        let leader = parked(async move { parked_caller.get_or_load(1, load).await });
        assert_eq!(ends(others.get_or_load(1, slow("four"))).await?.name, "three", "{name}");
        ends(users.delete(1)).await?;
        assert_eq!(ends(leader).await?.name, "three", "{name}");
    }
    Ok(())
}

/// A task that goes on once and never again.
#[tokio::test]
async fn a_task_that_is_not_polled_any_more_holds_up_nobody() -> Outcome {
    let (kv, _) = kv();
    let spawner = |mut task: BackgroundFuture| {
        let _ = task.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        std::mem::forget(task);
    };
    let users = kv.collection::<User>().cached(exact().spawner(spawner));
    let (go, going) = oneshot::channel::<()>();
    let load = || async move {
        going.await.ok();
        tokio::task::yield_now().await;
        Ok::<_, Error>(User::new(1, "Ada"))
    };
    let loader = users.clone();
    let leader = parked(async move { loader.get_or_load(1, load).await });
    let waiter = tokio::spawn({
        let users = users.clone();
        async move { users.get_or_load(1, || async { Ok::<_, Error>(User::new(1, "Bea")) }).await }
    });
    tokio::task::yield_now().await;
    go.send(()).ok();
    assert_eq!(ends(waiter).await??.name, "Ada");
    drop(leader);
    Ok(())
}

#[test]
fn a_runtime_that_shuts_down_leaves_its_loads_to_others() -> Outcome {
    let (kv, _) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    let first = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build()?;
    let (loader, noted) = (users.clone(), calls.clone());
    first.block_on(async {
        let load = || async move {
            noted.note();
            // It needs the runtime that ends.
            tokio::time::sleep(60 * SECOND).await;
            Ok::<_, Error>(User::new(1, "Ada"))
        };
        let caller = tokio::spawn(async move { loader.get_or_load(1, load).await });
        while calls.count() == 0 {
            tokio::task::yield_now().await;
        }
        drop(caller);
    });
    let second = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let (waiting, given) = (users.clone(), calls.give(User::new(1, "Bea")));
    let waiter = second.spawn(async move { waiting.get_or_load(1, given).await });
    second.block_on(tokio::task::yield_now());
    first.shutdown_background();
    assert_eq!(second.block_on(ends(waiter))??.name, "Bea");
    assert_eq!(calls.count(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_has_one_deadline_and_waiting_callers_get_the_value_before_the_store_is_filled() -> Outcome {
    let store = kv_runtime::layer::FaultStore::new(kv_runtime::store::MemoryStore::new());
    store.faults().add(Fault::hang().on(&[Operation::Commit]));
    let users = kv_runtime::Kv::new(store).collection::<User>().cached(Cache::new().hard_timeout(5 * SECOND));
    let begun = tokio::time::Instant::now();
    let load = || async {
        tokio::time::sleep(4 * SECOND).await;
        Ok::<_, Error>(User::new(1, "Ada"))
    };
    let many = |ids: Vec<u64>| async move {
        tokio::time::sleep(4 * SECOND).await;
        Ok::<_, Error>(ids.into_iter().map(|id| User::new(id, "Ada")).collect::<Vec<_>>())
    };
    let after = |wait: std::time::Duration| tokio::time::sleep(wait);
    let (leader, waiter, batch, of_batch) = tokio::join!(
        async { (users.get_or_load(1, load).await, begun.elapsed()) },
        async {
            after(SECOND).await;
            (users.get_or_load(1, load).await, begun.elapsed())
        },
        async { (users.get_or_load_many([2, 3], many).await, begun.elapsed()) },
        async {
            after(SECOND).await;
            (users.get_or_load(3, load).await, begun.elapsed())
        },
    );
    assert_eq!((leader.0?.name.as_str(), leader.1.as_secs()), ("Ada", 5));
    assert_eq!((waiter.0?.name.as_str(), waiter.1.as_secs()), ("Ada", 4));
    assert_eq!((batch.0?.len(), batch.1.as_secs()), (2, 5));
    assert_eq!((of_batch.0?.id, of_batch.1.as_secs()), (3, 4));
    assert_eq!(users.stats().store_fills_failed, 3);
    Ok(())
}
