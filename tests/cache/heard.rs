//! A cache hears whatever else its process writes through the same handle of the engine.

use std::sync::Arc;

use kv_runtime::cache::Cached;
use kv_runtime::layer::{Fault, FaultStore, Gate, NamespaceStore, Operation};
use kv_runtime::store::{MemoryStore, SETTLES_AFTER, Store as _, StoreExt};
use kv_runtime::{Clock, Error, Kv, KvEntity, ManualClock, Result};

use crate::shared::SharedStore;
use crate::{MINUTE, Outcome, SECOND, START, Store, User, ends, exact, kv};

fn name_of(user: Option<Arc<User>>) -> Option<String> {
    user.map(|user| user.name.clone())
}

fn held<S: kv_runtime::store::Store>(users: &Cached<User, S>) -> Option<String> {
    name_of(users.peek(1))
}

/// A view of the user without its name.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user")]
struct Visits {
    #[kv(id)]
    id: u64,
    visits: u64,
}

type Users = Cached<User, MemoryStore>;

/// Two handles on one engine, each with a cache, and both caches hold user 1.
async fn two_handles() -> Result<(Kv<MemoryStore>, Users, Users)> {
    let store = MemoryStore::with_clock(Clock::from(&ManualClock::new(START)));
    let (kv, other) = (Kv::new(store.clone()), Kv::new(store));
    let here = kv.collection::<User>().cached(exact().negative_ttl(MINUTE));
    let there = other.collection::<User>().cached(exact().negative_ttl(MINUTE));
    here.put(User::new(1, "old")).await?;
    there.get(1).await?;
    assert_eq!((held(&here).as_deref(), held(&there).as_deref()), (Some("old"), Some("old")));
    Ok((kv, here, there))
}

#[tokio::test]
async fn every_way_of_writing_reaches_the_caches_of_every_handle() -> Outcome {
    let put = User::new(1, "new");
    for way in 0..12 {
        let (kv, here, there) = two_handles().await?;
        let users = kv.collection::<User>();
        match way {
            0 => users.put(&put).await?,
            1 => users.put_many([put.clone(), User::new(2, "other")]).await?,
            2 => drop(users.update(1, |user| user.name = "new".to_owned()).await?),
            3 => drop(users.upsert(1, || put.clone(), |user| user.name = "new".to_owned()).await?),
            4 => drop(users.update_last_write_wins(1, |user| user.name = "new".to_owned()).await?),
            5 => kv.transact(async |tx| tx.put(&put)).await?,
            6 => users.delete(1).await?,
            7 => users.delete_many([1]).await?,
            8 => here.collection().put(&put).await?,
            9 => here.put(put.clone()).await?,
            10 => {
                let load = || async { Ok::<_, Error>(User::new(1, "new")) };
                here.refresh_from(1, load).await?;
            }
            _ => {
                kv.collection::<Visits>().update(1, |user| user.visits = 7).await?;
            }
        }
        let stored = users.get(1).await?.map(Arc::new);
        assert_eq!(there.peek(1), None, "way {way}");
        assert_eq!(there.get(1).await?, stored, "way {way}");
        assert_eq!(here.get(1).await?, stored, "way {way}");
        // The cache that wrote holds what it wrote.
        assert_eq!(here.stats().detached, 0, "way {way}");
        assert!(!matches!(way, 9 | 10) || here.stats().store_hits == 0, "way {way}");
    }
    Ok(())
}

#[tokio::test]
async fn a_known_absence_ends_when_another_one_writes() -> Outcome {
    let (kv, _, there) = two_handles().await?;
    assert_eq!(there.get(2).await?, None);
    kv.collection().insert(&User::new(2, "new")).await?;
    assert_eq!(name_of(there.get(2).await?).as_deref(), Some("new"));
    Ok(())
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", version = 2)]
struct Renamed {
    #[kv(id)]
    id: u64,
    #[kv(renamed(since = 2, from = "name"))]
    called: String,
    visits: u64,
}

#[tokio::test]
async fn a_backfill_reaches_a_cache() -> Outcome {
    let (kv, _, there) = two_handles().await?;
    let report = kv.collection::<Renamed>().migrate_all().run().await?;
    assert_eq!(report.migrated, 1);
    assert_eq!(there.peek(1), None);
    Ok(())
}

/// What a load migrates and writes back, or fills, is its own: it is held.
#[tokio::test]
async fn what_a_load_writes_does_not_detach_it() -> Outcome {
    let kv = Kv::new(MemoryStore::new());
    kv.collection().put(&User::new(1, "old")).await?;
    let users = kv.collection::<Renamed>().cached(exact());
    assert!(users.get(1).await?.is_some());
    assert_eq!(kv.write_back_stats().written, 1);
    let load = || async { Ok::<_, Error>(Renamed { id: 2, called: "origin".to_owned(), visits: 0 }) };
    users.get_or_load(2, load).await?;
    assert_eq!(users.stats().store_fills, 1);
    assert!(users.peek(1).is_some() && users.peek(2).is_some());
    assert_eq!(users.stats().detached, 0);
    Ok(())
}

#[tokio::test]
async fn namespaces_hear_of_their_own_keys_alone() -> Outcome {
    let store = MemoryStore::new();
    let tenant = |name: &str| Kv::new(NamespaceStore::new(store.clone(), name));
    let cached = |kv: &Kv<NamespaceStore<MemoryStore>>| kv.collection::<User>().cached(exact());
    let (acme, bolt) = (tenant("acme"), tenant("bolt"));
    let (in_acme, in_bolt) = (cached(&acme), cached(&bolt));
    in_acme.put(User::new(1, "acme")).await?;
    in_bolt.put(User::new(1, "bolt")).await?;
    // Through another handle on the same namespace, and then in one whose name is escaped.
    tenant("acme").collection().put(&User::new(1, "new")).await?;
    assert_eq!((held(&in_acme), held(&in_bolt).as_deref()), (None, Some("bolt")));
    tenant("acme:user").collection().put(&User::new(1, "other")).await?;
    assert_eq!(name_of(in_acme.get(1).await?).as_deref(), Some("new"));
    assert_eq!(held(&in_bolt).as_deref(), Some("bolt"));
    // A namespace within another one.
    let nested = |store| NamespaceStore::new(NamespaceStore::new(store, "tenant"), "acme");
    let inner = Kv::new(nested(store.clone())).collection::<User>().cached(exact());
    inner.put(User::new(1, "inner")).await?;
    Kv::new(nested(store.clone())).transact(async |tx| tx.delete::<User>(1)).await?;
    assert_eq!((held(&inner), held(&in_acme).as_deref()), (None, Some("new")));
    Ok(())
}

/// The next read sees the stored record, and does not return before the gate is opened.
fn hold_next_read(kv: &Kv<Store>) -> Gate {
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).after().on(&[Operation::Get]).times(1));
    gate
}

#[tokio::test]
async fn a_read_that_another_ones_write_overtakes_is_not_held() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    kv.collection().put(&User::new(1, "old")).await?;
    let gate = hold_next_read(&kv);
    let reader = users.clone();
    let read = tokio::spawn(async move { reader.get(1).await });
    gate.arrived().await;
    kv.collection().put(&User::new(1, "new")).await?;
    assert_eq!(name_of(users.get(1).await?).as_deref(), Some("new"));
    gate.open();
    assert_eq!(name_of(read.await??).as_deref(), Some("old"));
    assert_eq!(held(&users).as_deref(), Some("new"));
    Ok(())
}

#[tokio::test]
async fn what_is_read_during_another_ones_write_is_not_held() -> Outcome {
    for is_made in [false, true] {
        let (kv, _) = kv();
        let users = kv.collection::<User>().cached(exact());
        users.put(User::new(1, "old")).await?;
        let gate = Gate::new();
        let hold = Fault::hold(&gate).on(&[Operation::Put]).times(1);
        kv.store().faults().add(if is_made { hold.after() } else { hold });
        let writer = kv.clone();
        let put = tokio::spawn(async move { writer.collection().put(&User::new(1, "new")).await });
        gate.arrived().await;
        let stored = if is_made { "new" } else { "old" };
        assert_eq!(name_of(users.get(1).await?).as_deref(), Some(stored));
        assert_eq!(held(&users), None, "made: {is_made}");
        gate.open();
        put.await??;
        assert_eq!(name_of(users.get(1).await?).as_deref(), Some("new"));
        assert_eq!(held(&users).as_deref(), Some("new"));
    }
    Ok(())
}

/// A write that is dropped may still be made until the store has settled.
#[tokio::test]
async fn after_a_dropped_write_nothing_is_held_until_the_store_has_settled() -> Outcome {
    let clock = ManualClock::new(START);
    let kv = Kv::new(FaultStore::new(SharedStore::new(&clock)));
    let users = kv.collection::<User>().cached(exact());
    users.put(User::new(1, "old")).await?;
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Put]).times(1));
    let writer = kv.clone();
    let put = tokio::spawn(async move { writer.collection().put(&User::new(1, "new")).await });
    gate.arrived().await;
    put.abort();
    assert!(put.await.is_err_and(|error| error.is_cancelled()));
    assert!(users.get(1).await?.is_some());
    assert_eq!(held(&users), None);
    clock.advance(SETTLES_AFTER);
    users.get(1).await?;
    assert!(held(&users).is_some());
    Ok(())
}

#[tokio::test]
async fn after_an_unknown_outcome_nothing_is_held_until_the_store_has_settled() -> Outcome {
    let clock = ManualClock::new(START);
    let kv = Kv::new(FaultStore::new(SharedStore::new(&clock)));
    let users = kv.collection::<User>().cached(exact());
    users.put(User::new(1, "old")).await?;
    kv.store().faults().add(Fault::fail().after().on(&[Operation::Delete]).times(1));
    assert!(kv.collection::<User>().delete(1).await.is_err());
    assert_eq!(users.get(1).await?, None);
    users.collection().put(&User::new(1, "new")).await?;
    users.get(1).await?;
    assert_eq!(held(&users), None);
    clock.advance(SETTLES_AFTER);
    users.get(1).await?;
    assert!(held(&users).is_some());
    Ok(())
}

/// An insert that meets one has written nothing.
#[tokio::test]
async fn a_conflict_restores_what_its_beginning_took() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact());
    let brief = kv.collection::<User>().with_ttl(MINUTE / 2).cached(exact());
    users.put(User::new(1, "old")).await?;
    brief.put(User::new(2, "brief")).await?;
    for id in [1, 2] {
        let refused = kv.collection().insert(&User::new(id, "new")).await;
        assert!(matches!(refused, Err(Error::AlreadyExists { .. })));
    }
    assert_eq!(held(&users).as_deref(), Some("old"));
    assert!(brief.peek(2).is_some());
    // It lives as long as it would have.
    clock.advance(MINUTE / 2);
    assert!(brief.peek(2).is_none() && users.peek(1).is_some());
    clock.advance(MINUTE / 2);
    assert!(users.peek(1).is_none());
    Ok(())
}

#[tokio::test]
async fn what_another_write_or_an_invalidation_meets_is_not_restored() -> Outcome {
    for way in 0..4 {
        let (kv, clock) = kv();
        let users = kv.collection::<User>().with_ttl(5 * MINUTE).cached(exact());
        users.put(User::new(1, "old")).await?;
        let gate = Gate::new();
        kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Commit]).times(1));
        let writer = kv.clone();
        let insert = tokio::spawn(async move { writer.collection().insert(&User::new(1, "new")).await });
        gate.arrived().await;
        match way {
            0 => kv.collection().put(&User::new(1, "other")).await?,
            1 => users.invalidate(1),
            2 => users.invalidate_all(),
            // The record may have expired by now, and the entry would not end with it.
            _ => {
                clock.set_time_of_day(clock.now().saturating_add(MINUTE));
                users.put(User::new(3, "steps")).await?;
                assert!(users.get(3).await?.is_some());
                clock.set_time_of_day(clock.now().saturating_add(MINUTE));
                assert!(users.get(3).await?.is_some());
            }
        }
        gate.open();
        assert!(matches!(insert.await?, Err(Error::AlreadyExists { .. })));
        assert_eq!(held(&users), None, "way {way}");
    }
    Ok(())
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "session", ttl = "1m")]
struct Session {
    #[kv(id)]
    id: u64,
}

#[tokio::test]
async fn a_touch_moves_only_the_expiry() -> Outcome {
    let (kv, clock) = kv();
    let sessions = kv.collection::<Session>().cached(exact().memory_ttl(10 * MINUTE));
    sessions.put(Session { id: 1 }).await?;
    clock.advance(MINUTE / 2);
    assert!(kv.collection::<Session>().touch(1).await?);
    assert!(sessions.peek(1).is_some(), "it is still the same");
    // Until the expiry that the memory knew.
    clock.advance(MINUTE / 2);
    assert!(sessions.peek(1).is_none());
    assert!(sessions.get(1).await?.is_some());
    clock.advance(MINUTE / 2 - SECOND);
    assert!(sessions.peek(1).is_some());
    // One that finds none says that there is none.
    sessions.invalidate(1);
    clock.advance(SECOND);
    assert!(!kv.collection::<Session>().touch(1).await?);
    assert_eq!(sessions.get(1).await?, None);
    Ok(())
}

/// A fill of a pure cache overwrites whatever there is, so a write of another one waits for it.
#[tokio::test]
async fn a_fill_that_began_before_does_not_undo_another_ones_write() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact().pure_cache());
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Put]).times(1));
    let loader = users.clone();
    let load = tokio::spawn(async move {
        loader.get_or_load(1, || async { Ok::<_, Error>(User::new(1, "origin")) }).await
    });
    gate.arrived().await;
    let writer = kv.clone();
    let put = tokio::spawn(async move { writer.collection().put(&User::new(1, "new")).await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    gate.open();
    load.await??;
    put.await??;
    assert_eq!(kv.collection::<User>().get(1).await?.map(|user| user.name).as_deref(), Some("new"));
    assert_eq!(name_of(users.get(1).await?).as_deref(), Some("new"));
    Ok(())
}

/// Each would wait for the other one.
#[tokio::test]
async fn fills_of_two_caches_do_not_wait_for_each_other() -> Outcome {
    let (kv, _) = kv();
    let cached = || kv.collection::<User>().cached(exact().pure_cache());
    let (here, there) = (cached(), cached());
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Put]).times(2));
    let load = |users: &Cached<User, Store>, name: &'static str| {
        let users = users.clone();
        tokio::spawn(async move {
            users.get_or_load(1, move || async move { Ok::<_, Error>(User::new(1, name)) }).await
        })
    };
    let (one, other) = (load(&here, "here"), load(&there, "there"));
    ends(gate.arrived()).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    gate.open();
    for load in ends(async { [one.await, other.await] }).await {
        load??;
    }
    let stored = kv.collection::<User>().get(1).await?.map(|user| user.name);
    assert_eq!((name_of(here.get(1).await?), name_of(there.get(1).await?)), (stored.clone(), stored));
    Ok(())
}

/// What is written by the methods of a store is not heard, so the writer says so.
#[tokio::test]
async fn after_a_gap_nothing_is_held() -> Outcome {
    let (kv, here, there) = two_handles().await?;
    assert_eq!(there.get(2).await?, None);
    for id in [1, 2] {
        let key = kv.collection::<User>().key(id);
        let records = kv.collection::<User>().records_of(&User::new(id, "raw"))?;
        kv.store().put_many(records).await?;
        drop(key);
    }
    assert_eq!(name_of(there.get(1).await?).as_deref(), Some("old"));
    assert_eq!(there.get(2).await?, None);
    kv.store().info().write_hub().gap();
    for users in [&here, &there] {
        assert_eq!(name_of(users.get(1).await?).as_deref(), Some("raw"));
        assert_eq!(name_of(users.get(2).await?).as_deref(), Some("raw"));
    }
    Ok(())
}

/// A handle does not keep the memory of caches that are gone, and nobody waits for them.
#[tokio::test]
async fn a_cache_that_is_gone_hears_nothing() -> Outcome {
    let (kv, here, there) = two_handles().await?;
    let shown = || format!("{:?}", kv.store().info().write_hub());
    assert_eq!(shown(), "WriteHub { listeners: 2, .. }");
    let user = here.peek(1);
    drop((here, there));
    assert_eq!(shown(), "WriteHub { listeners: 0, .. }");
    assert_eq!(user.map(|user| Arc::strong_count(&user)), Some(1));
    kv.collection().put(&User::new(1, "new")).await?;
    Ok(())
}
