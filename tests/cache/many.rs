//! Many ids at once, with all that one id has: TTLs of the loader's, refresh ahead, timeouts,
//! failures.

use std::sync::{Arc, Mutex};

use kv_runtime::cache::{BackgroundFuture, Loaded};
use kv_runtime::key::Key;
use kv_runtime::layer::{Fault, FaultStore, Gate, Operation};
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{Limits, MemoryStore, StoreExt};
use kv_runtime::{Codec, Error, Kv, Source};

use crate::{MINUTE, Outcome, SECOND, User, elsewhere, exact, kv};

fn spawn(task: BackgroundFuture) {
    tokio::spawn(task);
}

async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}

/// The ids of each call of an origin.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<Vec<u64>>>>);

impl Asked {
    fn calls(&self) -> Vec<Vec<u64>> {
        self.0.lock().expect("nothing panics").clone()
    }

    /// A loader that knows everybody by this name.
    fn give(
        &self,
        name: &'static str,
    ) -> impl FnMut(Vec<u64>) -> std::future::Ready<Result<Vec<User>, Error>> + Send + 'static {
        let asked = self.clone();
        move |ids| {
            let users = ids.iter().map(|id| User::new(*id, name)).collect();
            asked.0.lock().expect("nothing panics").push(ids);
            std::future::ready(Ok(users))
        }
    }
}

fn names(found: &[Option<Arc<User>>]) -> Vec<Option<&str>> {
    found.iter().map(|user| user.as_ref().map(|user| user.name.as_str())).collect()
}

#[tokio::test]
async fn a_loader_sets_the_ttls_of_each() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact());
    let load = |ids: Vec<u64>| async move {
        let one = |id| {
            let given = Loaded::new(Arc::new(User::new(id, "Ada")));
            if id == 1 { given.memory_ttl(SECOND).store_ttl(3 * SECOND) } else { given }
        };
        Ok::<_, Error>(ids.into_iter().map(one).collect::<Vec<_>>())
    };
    users.get_or_load_many([1, 2], load).await?;
    clock.advance(SECOND);
    assert_eq!(users.get_detailed(1).await?.source, Source::Store);
    assert_eq!(users.get_detailed(2).await?.source, Source::Memory);
    clock.advance(2 * SECOND);
    assert_eq!(names(&users.get_many([1, 2]).await?), [None, Some("Ada")]);
    Ok(())
}

#[tokio::test]
async fn what_is_due_is_loaded_behind_in_one_batch() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().refresh_ahead(0.5).spawner(spawn));
    for id in 1..=3 {
        users.put(User::new(id, "old")).await?;
        elsewhere(&kv).collection().put(&User::new(id, "new")).await?;
    }
    clock.advance(MINUTE / 2);
    elsewhere(&kv).collection().put(&User::new(4, "new")).await?;
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).on(&[Operation::GetMany]).times(1));
    let reader = users.clone();
    let read = tokio::spawn(async move { reader.get_many([1, 4, 2, 1, 3]).await });
    gate.arrived().await;
    gate.open();
    let old = Some("old");
    assert_eq!(names(&read.await??), [old, Some("new"), old, old, old]);
    until(|| (1..=3).all(|id| users.peek(id).is_some_and(|user| user.name == "new"))).await;
    assert_eq!((users.stats().refreshes, users.stats().store_hits), (3, 4));
    Ok(())
}

#[tokio::test]
async fn a_refresh_of_many_goes_on_to_the_origin_before_the_store_expires() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().refresh_ahead(0.5).spawner(spawn));
    let asked = Asked::default();
    users.get_or_load_many([1, 2], asked.give("old")).await?;
    for refreshes in 1..=6 {
        clock.advance(MINUTE / 2);
        // Who is new is loaded at once, and does not wait for what is refreshed.
        let ids = if refreshes < 6 { vec![1, 2] } else { vec![1, 3, 2] };
        let found = users.get_or_load_many(ids, asked.give("new")).await?;
        assert_eq!(found[0].as_ref().map(|user| user.name.as_str()), Some("old"));
        until(|| users.stats().store_hits + users.stats().store_fills >= 2 * (refreshes + 1)).await;
    }
    until(|| users.peek(2).is_some_and(|user| user.name == "new")).await;
    let mut calls = asked.calls();
    calls[1..].sort();
    assert_eq!(calls, [vec![1, 2], vec![1, 2], vec![3]]);
    until(|| users.stats().store_fills == 5).await;
    assert_eq!(kv.collection::<User>().get(2).await?.map(|user| user.name).as_deref(), Some("new"));
    Ok(())
}

#[tokio::test]
async fn after_the_soft_timeout_all_ids_get_stale_entities() -> Outcome {
    let (kv, clock) = kv();
    let cache = exact().stale_for(5 * MINUTE).soft_timeout(SECOND).hard_timeout(10 * SECOND).spawner(spawn);
    let users = kv.collection::<User>().cached(cache);
    users.put(User::new(1, "old")).await?;
    users.put(User::new(2, "old")).await?;
    clock.advance(MINUTE);
    users.put(User::new(3, "fresh")).await?;
    elsewhere(&kv).collection().put(&User::new(1, "new")).await?;
    elsewhere(&kv).collection().put(&User::new(4, "new")).await?;
    let held = |ids: &'static [u64]| {
        let gate = Gate::new();
        kv.store().faults().add(Fault::hold(&gate).on(&[Operation::GetMany]).times(1));
        let reader = users.clone();
        (gate, tokio::spawn(async move { reader.get_many(ids).await }))
    };
    let (gate, read) = held(&[1, 2, 3]);
    gate.arrived().await;
    clock.advance(SECOND);
    assert_eq!(names(&read.await??), [Some("old"), Some("old"), Some("fresh")]);
    assert_eq!(users.stats().stale_served, 2);
    gate.open();
    until(|| users.peek(1).is_some_and(|user| user.name == "new")).await;

    // Of one there is nothing stale, so that the caller has to wait for the batch.
    clock.advance(MINUTE);
    let (gate, read) = held(&[1, 4]);
    gate.arrived().await;
    clock.advance(2 * SECOND);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(!read.is_finished());
    gate.open();
    assert_eq!(names(&read.await??), [Some("new"), Some("new")]);
    Ok(())
}

#[tokio::test]
async fn an_origin_that_fails_takes_nothing_from_what_the_store_had() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    elsewhere(&kv).collection().put(&User::new(1, "Ada")).await?;
    let down = |_| std::future::ready(Err::<Vec<User>, _>(std::io::Error::other("down")));
    let failed = users.get_or_load_many([1, 2], down).await;
    let Err(Error::Load { at, .. }) = &failed else { panic!("{failed:?}") };
    assert_eq!(at.key.as_deref(), Some("user:2"));
    assert_eq!(names(&users.get_or_load_many([1], down).await?), [Some("Ada")]);
    let stats = users.stats();
    assert_eq!((stats.memory_hits, stats.store_hits, stats.origin_errors), (1, 1, 1));
    Ok(())
}

/// During the pause after a failure, a stale entity is served without another call of the store.
#[tokio::test]
async fn a_store_in_its_pause_is_not_asked_for_many() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().stale_for(5 * MINUTE).pause(SECOND));
    users.put(User::new(1, "Ada")).await?;
    users.put(User::new(2, "Bea")).await?;
    clock.advance(MINUTE);
    kv.store().faults().add(Fault::fail());
    let stale = [Some("Ada"), Some("Bea")];
    assert_eq!(names(&users.get_many([1, 2]).await?), stale);
    assert_eq!(kv.store().faults().struck(), 1);
    for _ in 0..3 {
        assert_eq!(names(&users.get_many([1, 2]).await?), stale);
    }
    assert_eq!((kv.store().faults().struck(), users.stats().paused), (1, 6));
    // Without a stale entity the store is asked again, for that id alone.
    assert!(users.get_many([1, 3]).await.is_err());
    assert_eq!((kv.store().faults().struck(), users.stats().paused), (2, 7));
    clock.advance(SECOND);
    assert_eq!(names(&users.get_many([1, 2]).await?), stale);
    assert_eq!(kv.store().faults().struck(), 3);
    Ok(())
}

/// During the pause, the origin is not asked again for the ids that it failed for.
#[tokio::test]
async fn an_origin_in_its_pause_is_not_asked_for_many() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().pause(SECOND));
    let down = |_| std::future::ready(Err::<Vec<User>, _>(std::io::Error::other("down")));
    assert!(users.get_or_load_many([1], down).await.is_err());
    let asked = Asked::default();
    // The first one's failure is the error, and the others are loaded.
    assert!(matches!(users.get_or_load_many([1, 2], asked.give("Ada")).await, Err(Error::Load { .. })));
    assert_eq!((asked.calls(), users.peek(2).is_some()), (vec![vec![2]], true));
    clock.advance(SECOND);
    assert_eq!(names(&users.get_or_load_many([1, 2], asked.give("Ada")).await?), [Some("Ada"); 2]);
    assert_eq!(asked.calls(), [vec![2], vec![1]]);
    Ok(())
}

/// Answers keep their order when the store takes fewer ids at once than were asked for.
#[tokio::test]
async fn more_ids_than_the_store_takes_at_once() -> Outcome {
    for taken in [1, 2, 3, 6, 7] {
        let store = MemoryStore::new();
        let capabilities = store.capabilities().limits(Limits::new().batches(taken, taken));
        let kv = Kv::new(FaultStore::new(store).pretending(capabilities));
        let users = kv.collection::<User>().cached(exact());
        elsewhere(&kv).collection().put_many([1, 2, 5].map(|id| User::new(id, "stored"))).await?;
        let (stored, given) = (Some("stored"), Some("given"));
        let found = users.get_many([1, 2, 3, 4, 5, 6]).await?;
        assert_eq!(names(&found), [stored, stored, None, None, stored, None]);
        users.invalidate_all();
        let asked = Asked::default();
        let found = users.get_or_load_many([6, 5, 4, 3, 2, 1], asked.give("given")).await?;
        assert_eq!(names(&found), [given, stored, given, given, stored, stored]);
        assert!(found.iter().flatten().map(|user| user.id).eq((1..=6).rev()));
        assert_eq!(asked.calls(), [vec![6, 4, 3]]);
        assert_eq!(names(&users.get_many(1..=6).await?), [stored, stored, given, given, stored, given]);
        assert_eq!(kv.collection::<User>().list().ids().page().await?.ids, [1, 2, 3, 4, 5, 6]);
    }
    Ok(())
}

/// Also where no caller waits for the load of another, as in a Worker.
#[tokio::test]
async fn an_id_that_is_asked_for_twice_is_loaded_once_and_answered_twice() -> Outcome {
    for cache in [exact(), exact().without_shared_loads()] {
        let (kv, _) = kv();
        let users = kv.collection::<User>().cached(cache);
        let asked = Asked::default();
        let found = users.get_or_load_many([7, 8, 7], asked.give("given")).await?;
        assert_eq!(names(&found), [Some("given"); 3]);
        assert_eq!(asked.calls(), [vec![7, 8]]);
        assert_eq!(names(&users.get_many([7, 8, 7]).await?), [Some("given"); 3]);
        users.invalidate_all();
        assert_eq!(names(&users.get_many([7, 9, 7, 9]).await?), [Some("given"), None, Some("given"), None]);
        assert_eq!(users.stats().store_hits, 1);
        assert!(kv.collection::<User>().exists(7).await?);
    }
    Ok(())
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_a_miss_of_its_id_alone() -> Outcome {
    let (kv, _) = kv();
    let damaged = NewRecord::new("{", Metadata::new(1, Codec::Json));
    kv.store().inner().put(Key::from_text("user:2"), damaged).await?;
    elsewhere(&kv).collection().put_many([1, 3].map(|id| User::new(id, "stored"))).await?;
    let users = kv.collection::<User>().cached(exact());
    let asked = Asked::default();
    let found = users.get_or_load_many([1, 2, 3, 4], asked.give("given")).await?;
    assert_eq!(names(&found), [Some("stored"), Some("given"), Some("stored"), Some("given")]);
    assert_eq!(asked.calls(), [vec![2, 4]]);
    let stats = users.stats();
    assert_eq!((stats.store_hits, stats.store_errors, stats.store_fills), (2, 1, 1));
    // It is left as it is.
    let left = kv.store().inner().read(&Key::from_text("user:2")).await?;
    assert_eq!(left.map(|record| record.value.to_vec()), Some(b"{".to_vec()));
    Ok(())
}
