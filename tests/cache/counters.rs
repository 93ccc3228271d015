//! Each number of `CacheStats` counts one thing, and nothing else moves it.

use kv_runtime::cache::{BackgroundFuture, Cache, CacheStats, Cached};
use kv_runtime::layer::{Fault, Gate, Operation};
use kv_runtime::{Error, Source};

use crate::{Calls, MINUTE, Outcome, SECOND, Store, User, elsewhere, exact, kv};

type Users = Cached<User, Store>;

fn spawn(task: BackgroundFuture) {
    tokio::spawn(task);
}

async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}

fn down() -> std::future::Ready<Result<User, std::io::Error>> {
    std::future::ready(Err(std::io::Error::other("down")))
}

fn nobody() -> std::future::Ready<Result<Option<User>, std::io::Error>> {
    std::future::ready(Ok(None))
}

/// What has been counted since the last look.
struct Look<'a> {
    users: &'a Users,
    last: CacheStats,
}

impl<'a> Look<'a> {
    fn at(users: &'a Users) -> Self {
        Self { users, last: users.stats() }
    }

    /// The numbers have moved as `change` says, and no others have.
    #[track_caller]
    fn moved(&mut self, change: impl FnOnce(&mut CacheStats)) {
        let mut expected = self.last;
        change(&mut expected);
        self.last = self.users.stats();
        assert_eq!(self.last, expected);
    }
}

fn users(kv: &kv_runtime::Kv<Store>, cache: Cache<User>) -> Users {
    kv.collection::<User>().cached(cache.pause(SECOND))
}

#[tokio::test]
async fn reads() -> Outcome {
    let (kv, _) = kv();
    let users = users(&kv, exact());
    let mut look = Look::at(&users);
    elsewhere(&kv).collection().put_many([User::new(1, "Ada"), User::new(2, "Bea")]).await?;
    look.moved(|_| ());
    users.get(1).await?;
    look.moved(|it| (it.store_hits, it.entries, it.weight) = (1, 1, 1));
    users.get(1).await?;
    look.moved(|it| it.memory_hits += 1);
    users.get_detailed(1).await?;
    look.moved(|it| it.memory_hits += 1);
    users.get(3).await?;
    look.moved(|it| (it.store_misses, it.negatives) = (1, 1));
    users.get(3).await?;
    look.moved(|it| it.negative_hits += 1);
    // Each id of a batch counts: in memory, absent, known to be absent, in the store.
    users.get_many([1, 4, 3, 2]).await?;
    look.moved(|it| {
        it.memory_hits += 1;
        it.store_misses += 1;
        it.negative_hits += 1;
        it.store_hits += 1;
        (it.entries, it.weight, it.negatives) = (2, 2, 2);
    });
    users.get_or(4, User::default()).await;
    look.moved(|it| (it.negative_hits, it.fallbacks_served) = (it.negative_hits + 1, 1));
    users.refresh(1).await?;
    look.moved(|it| it.store_hits += 1);
    users.peek(9);
    look.moved(|_| ());
    users.peek(1);
    look.moved(|it| it.memory_hits += 1);
    users.invalidate(1);
    look.moved(|it| (it.entries, it.weight) = (1, 1));
    users.invalidate_all();
    look.moved(|it| (it.entries, it.weight, it.negatives) = (0, 0, 0));
    Ok(())
}

#[tokio::test]
async fn writes() -> Outcome {
    let (kv, _) = kv();
    let weigh = |user: &User| user.name.len() as u64;
    let users = users(&kv, exact().max_weight(1_000, weigh));
    let mut look = Look::at(&users);
    users.put(User::new(1, "Ada")).await?;
    look.moved(|it| (it.entries, it.weight) = (1, 3));
    users.update(1, |user| user.name.push_str("laide")).await?;
    look.moved(|it| it.weight = 8);
    users.insert(User::new(2, "Bea")).await?;
    look.moved(|it| (it.entries, it.weight) = (2, 11));
    users.delete(2).await?;
    look.moved(|it| (it.entries, it.weight, it.negatives) = (1, 8, 1));
    users.upsert(2, || User::new(2, "B"), |_| ()).await?;
    look.moved(|it| (it.entries, it.weight, it.negatives) = (2, 9, 0));
    // An entity whose `weigh` panics has the weight 1.
    let users = self::users(&kv, exact().max_weight(1_000, |_: &User| panic!("no weight")));
    let mut look = Look::at(&users);
    users.put(User::new(3, "Cem")).await?;
    look.moved(|it| (it.entries, it.weight, it.weigh_panics) = (1, 1, 1));
    Ok(())
}

#[tokio::test]
async fn loads() -> Outcome {
    let (kv, _) = kv();
    let users = users(&kv, exact());
    let (mut look, calls) = (Look::at(&users), Calls::default());
    users.get_or_load(1, calls.give(User::new(1, "Ada"))).await?;
    look.moved(|it| {
        (it.store_misses, it.origin_loads, it.store_fills) = (1, 1, 1);
        (it.entries, it.weight) = (1, 1);
    });
    users.get_or_load(1, calls.give(User::new(1, "Ada"))).await?;
    look.moved(|it| it.memory_hits += 1);
    elsewhere(&kv).collection().put(&User::new(2, "Bea")).await?;
    users.get_or_load(2, calls.give(User::new(2, "nobody"))).await?;
    look.moved(|it| (it.store_hits, it.entries, it.weight) = (1, 2, 2));
    users.get_or_load(3, nobody).await?;
    look.moved(|it| (it.store_misses, it.origin_loads, it.negatives) = (2, 2, 1));
    users.get_or_load(3, nobody).await?;
    look.moved(|it| it.negative_hits += 1);
    let many = |ids: Vec<u64>| async move {
        Ok::<_, Error>(
            ids.into_iter().filter(|id| *id != 5).map(|id| User::new(id, "new")).collect::<Vec<_>>(),
        )
    };
    // One held, one that the origin has not either, one that it has, one that is known.
    users.get_or_load_many([1, 5, 4, 3], many).await?;
    look.moved(|it| {
        it.memory_hits += 1;
        it.negative_hits += 1;
        it.store_misses += 2;
        it.origin_loads += 2;
        it.store_fills += 1;
        (it.entries, it.weight, it.negatives) = (3, 3, 2);
    });
    users.refresh_from(1, calls.give(User::new(1, "Cem"))).await?;
    look.moved(|it| (it.origin_loads, it.store_fills) = (it.origin_loads + 1, it.store_fills + 1));
    Ok(())
}

#[tokio::test]
async fn failures_of_the_store() -> Outcome {
    let (kv, clock) = kv();
    let users = users(&kv, exact().stale_for(10 * MINUTE));
    users.put(User::new(1, "Ada")).await?;
    clock.advance(MINUTE);
    kv.store().faults().add(Fault::fail());
    let mut look = Look::at(&users);
    assert_eq!(users.get_detailed(1).await?.source, Source::Stale);
    look.moved(|it| (it.store_errors, it.stale_served, it.negatives) = (1, 1, 1));
    users.get(1).await?;
    look.moved(|it| (it.paused, it.stale_served) = (1, 2));
    users.get_many([1]).await?;
    look.moved(|it| (it.paused, it.stale_served) = (2, 3));
    // Nothing is stale: the store is asked each time.
    assert!(users.get(2).await.is_err());
    look.moved(|it| (it.store_errors, it.negatives) = (2, 2));
    assert!(users.get_many([2, 3]).await.is_err());
    look.moved(|it| (it.store_errors, it.negatives) = (3, 3));
    users.get_or(2, User::default()).await;
    look.moved(|it| (it.store_errors, it.fallbacks_served) = (4, 1));
    // A load goes on to the origin, and leaves the store alone.
    let calls = Calls::default();
    users.get_or_load(4, calls.give(User::new(4, "Dee"))).await?;
    look.moved(|it| {
        (it.store_errors, it.origin_loads) = (5, 1);
        (it.entries, it.weight) = (2, 2);
    });
    Ok(())
}

#[tokio::test]
async fn failures_of_the_origin() -> Outcome {
    let (kv, clock) = kv();
    let users = users(&kv, exact());
    let mut look = Look::at(&users);
    assert!(users.get_or_load(1, down).await.is_err());
    look.moved(|it| (it.store_misses, it.origin_loads, it.origin_errors, it.negatives) = (1, 1, 1, 1));
    assert!(users.get_or_load(1, down).await.is_err());
    look.moved(|it| it.paused = 1);
    let many_down = |_| async { Err::<Vec<User>, _>(std::io::Error::other("down")) };
    assert!(users.get_or_load_many([1], many_down).await.is_err());
    look.moved(|it| it.paused = 2);
    clock.advance(SECOND);
    // One call of the origin for two ids.
    assert!(users.get_or_load_many([1, 2], many_down).await.is_err());
    look.moved(|it| (it.store_misses, it.origin_loads, it.origin_errors, it.negatives) = (3, 3, 2, 2));
    Ok(())
}

#[tokio::test]
async fn fills() -> Outcome {
    let (kv, _) = kv();
    let users = users(&kv, exact());
    let (mut look, plain) = (Look::at(&users), elsewhere(&kv).collection::<User>());
    // Another program writes while the origin is asked.
    let other = plain.clone();
    let load = || async move {
        other.put(&User::new(1, "theirs")).await?;
        Ok::<_, Error>(User::new(1, "ours"))
    };
    users.get_or_load(1, load).await?;
    // Memory keeps nothing of a lost fill.
    look.moved(|it| (it.store_misses, it.origin_loads, it.store_fills_lost) = (1, 1, 1));
    assert_eq!(plain.get(1).await?.map(|user| user.name).as_deref(), Some("theirs"));
    kv.store().faults().add(Fault::fail_for_good().on(&[Operation::Commit]));
    users.get_or_load(2, Calls::default().give(User::new(2, "Bea"))).await?;
    look.moved(|it| {
        (it.store_misses, it.origin_loads, it.store_fills_failed) = (2, 2, 1);
        (it.entries, it.weight) = (1, 1);
    });
    Ok(())
}

#[tokio::test]
async fn what_goes_on_at_the_same_time() -> Outcome {
    let (kv, clock) = kv();
    let users = users(&kv, exact().refresh_ahead(0.5).spawner(spawn));
    elsewhere(&kv).collection().put(&User::new(1, "Ada")).await?;
    let mut look = Look::at(&users);
    // Two who miss the same id are one read.
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Get]).times(1));
    let [first, second] =
        [users.clone(), users.clone()].map(|it| tokio::spawn(async move { it.get(1).await }));
    gate.arrived().await;
    until(|| users.stats().shared_waits == 1).await;
    gate.open();
    assert_eq!((first.await??.is_some(), second.await??.is_some()), (true, true));
    look.moved(|it| {
        (it.store_hits, it.shared_waits) = (1, 1);
        (it.entries, it.weight) = (1, 1);
    });
    // One that is due is served, and read again behind.
    clock.advance(MINUTE / 2);
    users.get(1).await?;
    until(|| users.stats().store_hits == 2).await;
    look.moved(|it| (it.memory_hits, it.refreshes, it.store_hits) = (1, 1, 2));
    // A read that a write has met is kept nowhere.
    users.invalidate(1);
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).after().on(&[Operation::Get]).times(1));
    let reader = users.clone();
    let read = tokio::spawn(async move { reader.get(1).await });
    gate.arrived().await;
    users.put(User::new(1, "Bea")).await?;
    gate.open();
    assert!(read.await??.is_some());
    look.moved(|it| (it.store_hits, it.detached) = (3, 1));
    Ok(())
}
