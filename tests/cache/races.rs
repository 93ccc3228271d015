//! Each race between a load and a write, scripted: no old value stays in memory or store.

use std::sync::Arc;

use kv_runtime::cache::Cached;
use kv_runtime::layer::{Fault, Gate, Operation};
use kv_runtime::{Error, Kv};
use tokio::sync::oneshot;

use crate::{Calls, Outcome, Store, User, elsewhere, ends, exact, kv};

type Users = Cached<User, Store>;

fn name_of(user: Option<&User>) -> Option<&str> {
    user.map(|user| user.name.as_str())
}

/// What memory says, or the store where memory has nothing.
async fn cached_name(users: &Users) -> Result<Option<String>, Error> {
    Ok(name_of(users.get(1).await?.as_deref()).map(str::to_owned))
}

async fn stored_name(kv: &Kv<Store>) -> Result<Option<String>, Error> {
    Ok(name_of(kv.collection::<User>().get(1).await?.as_ref()).map(str::to_owned))
}

/// A read that has seen the stored record, and has not returned yet.
async fn read_on_its_way(
    kv: &Kv<Store>,
    users: &Users,
) -> (Gate, tokio::task::JoinHandle<Result<Option<Arc<User>>, Error>>) {
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).after().on(&[Operation::Get]).times(1));
    let reader = users.clone();
    let read = tokio::spawn(async move { reader.get(1).await });
    gate.arrived().await;
    (gate, read)
}

#[tokio::test]
async fn a_read_that_a_put_overtakes_is_not_held() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    elsewhere(&kv).collection().put(&User::new(1, "old")).await?;
    let (gate, read) = read_on_its_way(&kv, &users).await;
    users.put(User::new(1, "new")).await?;
    // Neither now nor when nothing is in memory does anybody wait for the old read.
    assert_eq!(cached_name(&users).await?.as_deref(), Some("new"));
    users.invalidate(1);
    assert_eq!(cached_name(&users).await?.as_deref(), Some("new"));
    gate.open();
    assert_eq!(name_of(read.await??.as_deref()), Some("old"));
    assert_eq!(users.peek(1).map(|user| user.name.clone()).as_deref(), Some("new"));
    assert_eq!(users.stats().detached, 1);
    Ok(())
}

#[tokio::test]
async fn a_read_that_a_delete_overtakes_is_not_held() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    elsewhere(&kv).collection().put(&User::new(1, "old")).await?;
    let (gate, read) = read_on_its_way(&kv, &users).await;
    users.delete(1).await?;
    gate.open();
    read.await??;
    assert_eq!((users.peek(1), cached_name(&users).await?), (None, None));
    Ok(())
}

#[tokio::test]
async fn a_read_of_nothing_that_an_insert_overtakes_is_not_held() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    let (gate, read) = read_on_its_way(&kv, &users).await;
    users.insert(User::new(1, "new")).await?;
    gate.open();
    assert_eq!(read.await??, None);
    assert_eq!(cached_name(&users).await?.as_deref(), Some("new"));
    Ok(())
}

#[tokio::test]
async fn a_read_that_is_invalidated_is_not_held() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    elsewhere(&kv).collection().put(&User::new(1, "old")).await?;
    let (gate, read) = read_on_its_way(&kv, &users).await;
    users.invalidate(1);
    gate.open();
    read.await??;
    assert_eq!(users.peek(1), None);

    let (gate, read) = read_on_its_way(&kv, &users).await;
    users.invalidate_all();
    gate.open();
    read.await??;
    assert_eq!(users.peek(1), None);
    Ok(())
}

#[tokio::test]
async fn a_write_that_is_dropped_is_not_missed() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    users.put(User::new(1, "old")).await?;
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).after().on(&[Operation::Put]).times(1));
    let writer = users.clone();
    let write = tokio::spawn(async move { writer.put(User::new(1, "new")).await });
    gate.arrived().await;
    // It is in the store, and its caller goes before it hears of it.
    write.abort();
    assert!(write.await.is_err());
    assert_eq!(cached_name(&users).await?.as_deref(), Some("new"));
    Ok(())
}

#[tokio::test]
async fn a_read_that_meets_a_write_that_is_dropped_is_not_held() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    elsewhere(&kv).collection().put(&User::new(1, "old")).await?;
    let put = Gate::new();
    kv.store().faults().add(Fault::hold(&put).on(&[Operation::Put]).times(1));
    let writer = users.clone();
    let write = tokio::spawn(async move { writer.put(User::new(1, "new")).await });
    put.arrived().await;
    // The read begins and ends while the write goes on: it may not be held, since the write may
    // come at any moment.
    assert_eq!(cached_name(&users).await?.as_deref(), Some("old"));
    assert_eq!(users.peek(1), None);
    let (read_gate, read) = read_on_its_way(&kv, &users).await;
    put.open();
    write.await??;
    assert_eq!(cached_name(&users).await?.as_deref(), Some("new"));
    read_gate.open();
    read.await??;
    assert_eq!(cached_name(&users).await?.as_deref(), Some("new"));
    Ok(())
}

#[tokio::test]
async fn of_two_writes_that_meet_neither_is_held() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    let first = Gate::new();
    kv.store().faults().add(Fault::hold(&first).after().on(&[Operation::Put]).times(1));
    let writer = users.clone();
    let write = tokio::spawn(async move { writer.put(User::new(1, "first")).await });
    first.arrived().await;
    users.put(User::new(1, "second")).await?;
    first.open();
    write.await??;
    assert_eq!(users.peek(1), None);
    assert_eq!(cached_name(&users).await?.as_deref(), Some("second"));
    Ok(())
}

#[tokio::test]
async fn an_unknown_outcome_is_looked_up() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    users.put(User::new(1, "old")).await?;
    kv.store().faults().add(Fault::fail().after().on(&[Operation::Commit]).times(1));
    let unknown = users.update(1, |user| user.name = "new".to_owned()).await;
    assert!(matches!(unknown, Err(Error::OutcomeUnknown { .. })), "{unknown:?}");
    assert_eq!(cached_name(&users).await?.as_deref(), Some("new"));
    Ok(())
}

/// A load from an origin that has been asked, and returns "old" on command.
async fn load_on_its_way(
    users: &Users,
) -> (oneshot::Sender<()>, tokio::task::JoinHandle<Result<Arc<User>, Error>>) {
    let (go, going) = oneshot::channel();
    let (asked, is_asked) = oneshot::channel();
    let loader = users.clone();
    let load = tokio::spawn(async move {
        let load = || async move {
            asked.send(()).ok();
            going.await.ok();
            Ok::<_, Error>(User::new(1, "old"))
        };
        loader.get_or_load(1, load).await
    });
    is_asked.await.ok();
    (go, load)
}

#[tokio::test]
async fn an_origin_that_a_put_overtakes_fills_neither_tier() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    let (go, load) = load_on_its_way(&users).await;
    users.put(User::new(1, "new")).await?;
    go.send(()).ok();
    assert_eq!(load.await??.name, "old");
    assert_eq!(cached_name(&users).await?.as_deref(), Some("new"));
    assert_eq!(stored_name(&kv).await?.as_deref(), Some("new"));
    Ok(())
}

#[tokio::test]
async fn an_origin_that_a_delete_overtakes_fills_neither_tier() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    let (go, load) = load_on_its_way(&users).await;
    users.delete(1).await?;
    go.send(()).ok();
    load.await??;
    assert_eq!((users.peek(1), stored_name(&kv).await?), (None, None));
    Ok(())
}

#[tokio::test]
async fn a_fill_leaves_what_another_process_wrote() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    let (go, load) = load_on_its_way(&users).await;
    elsewhere(&kv).collection().put(&User::new(1, "new")).await?;
    go.send(()).ok();
    load.await??;
    assert_eq!(stored_name(&kv).await?.as_deref(), Some("new"));
    assert_eq!((users.stats().store_fills, users.stats().store_fills_lost), (0, 1));
    Ok(())
}

#[tokio::test]
async fn a_fill_does_not_bring_back_what_another_process_deleted() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    elsewhere(&kv).collection().put(&User::new(1, "standing")).await?;
    let others = elsewhere(&kv).collection::<User>();
    let load = || async move {
        others.delete(1).await?;
        Ok::<_, Error>(User::new(1, "old"))
    };
    // It says that the store does not hold what it gave.
    let lost = users.refresh_from(1, load).await;
    assert!(matches!(lost, Err(Error::Conflict { .. })), "{lost:?}");
    assert_eq!(stored_name(&kv).await?, None);
    assert_eq!((users.peek(1), users.stats().store_fills_lost), (None, 1));
    Ok(())
}

/// A fill that was allowed before a write begins, and is still on its way to the store.
async fn fill_on_its_way(
    kv: &Kv<Store>,
    users: &Users,
) -> (Gate, tokio::task::JoinHandle<Result<Arc<User>, Error>>) {
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Commit]).times(1));
    let (loader, given) = (users.clone(), Calls::default().give(User::new(1, "old")));
    let load = tokio::spawn(async move { loader.get_or_load(1, given).await });
    gate.arrived().await;
    (gate, load)
}

#[tokio::test]
async fn a_delete_voids_the_fill_that_came_first_and_does_not_wait_for_it() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    let (gate, load) = fill_on_its_way(&kv, &users).await;
    ends(users.delete(1)).await?;
    gate.open();
    assert_eq!(load.await??.name, "old");
    assert_eq!((users.peek(1), stored_name(&kv).await?), (None, None));
    assert_eq!(users.stats().store_fills_lost, 1);
    Ok(())
}

#[tokio::test]
async fn a_fill_that_hangs_holds_up_nobody() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    let (gate, load) = fill_on_its_way(&kv, &users).await;
    load.abort();
    assert!(load.await.is_err());
    ends(users.delete(1)).await?;
    let given = Calls::default().give(User::new(1, "new"));
    assert_eq!(ends(users.get_or_load(1, given)).await?.name, "new");
    assert_eq!(stored_name(&kv).await?.as_deref(), Some("new"));
    // The first one comes too late.
    gate.open();
    while users.stats().store_fills_lost == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stored_name(&kv).await?.as_deref(), Some("new"));
    Ok(())
}

#[tokio::test]
async fn a_fill_does_not_bring_back_what_was_written_and_deleted_meanwhile() -> Outcome {
    let (kv, _) = kv();
    let other = elsewhere(&kv);
    // By another cache, by a collection, by a batch, and as what has expired at once.
    for way in 0..4 {
        let here = kv.collection::<User>().cached(exact());
        let (there, plain) = (other.collection::<User>().cached(exact()), other.collection::<User>());
        let (go, load) = load_on_its_way(&here).await;
        there.put(User::new(1, "written")).await?;
        match way {
            0 => there.delete(1).await?,
            1 => plain.delete(1).await?,
            2 => plain.delete_many([1]).await?,
            _ => plain.with_ttl(std::time::Duration::ZERO).put(&User::new(1, "over")).await?,
        }
        go.send(()).ok();
        load.await??;
        assert_eq!(stored_name(&kv).await?, None, "way {way}");
        assert_eq!((here.stats().store_fills, here.stats().store_fills_lost), (0, 1));
    }
    // An id that was left alone is filled.
    let (go, load) = load_on_its_way(&kv.collection::<User>().cached(exact())).await;
    elsewhere(&kv).collection::<User>().delete(2).await?;
    go.send(()).ok();
    load.await??;
    assert_eq!(stored_name(&kv).await?.as_deref(), Some("old"));
    Ok(())
}

#[tokio::test]
async fn the_same_holds_for_a_batch_and_for_a_file() -> Outcome {
    let folder = tempfile::tempdir()?;
    let kv = Kv::new(kv_runtime::store::RedbStore::open(folder.path().join("kv.redb"))?);
    let (here, others) = (kv.collection::<User>().cached(exact()), kv.collection::<User>());
    let load = move |ids: Vec<u64>| {
        let others = others.clone();
        async move {
            others.put(&User::new(1, "written")).await?;
            others.delete(1).await?;
            Ok::<_, Error>(ids.into_iter().map(|id| User::new(id, "old")).collect::<Vec<_>>())
        }
    };
    here.get_or_load_many([1, 2], load).await?;
    let stored = kv.collection::<User>().get_many([1, 2]).await?;
    assert_eq!(stored, [None, Some(User::new(2, "old"))]);
    Ok(())
}

#[tokio::test]
async fn a_read_does_not_undo_what_an_origin_gave_meanwhile() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    let (gate, read) = read_on_its_way(&kv, &users).await;
    users.get_or_load(1, Calls::default().give(User::new(1, "new"))).await?;
    gate.open();
    assert_eq!(read.await??, None);
    assert_eq!(cached_name(&users).await?.as_deref(), Some("new"));
    Ok(())
}

/// A refresh whose origin has been asked, and says on command that there is nothing. Another
/// process has deleted the record that the memory still holds.
async fn refresh_on_its_way(
    kv: &Kv<Store>,
    users: &Users,
) -> Result<(oneshot::Sender<()>, tokio::task::JoinHandle<Result<Option<Arc<User>>, Error>>), Error> {
    users.put(User::new(1, "old")).await?;
    elsewhere(kv).collection::<User>().delete(1).await?;
    let (go, going) = oneshot::channel();
    let (asked, is_asked) = oneshot::channel();
    let refresher = users.clone();
    let refresh = tokio::spawn(async move {
        let load = || async move {
            asked.send(()).ok();
            going.await.ok();
            Ok::<Option<User>, Error>(None)
        };
        refresher.refresh_from(1, load).await
    });
    is_asked.await.ok();
    assert_eq!(name_of(users.peek(1).as_deref()), Some("old"));
    Ok((go, refresh))
}

#[tokio::test]
async fn a_refresh_that_another_overtakes_leaves_nothing_older() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    let (go, refresh) = refresh_on_its_way(&kv, &users).await?;
    let down = || async { Err::<User, _>(std::io::Error::other("down for a moment")) };
    assert!(users.refresh_from(1, down).await.is_err());
    go.send(()).ok();
    assert_eq!(refresh.await??, None);
    assert_eq!(users.get(1).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_refresh_that_a_failed_write_overtakes_leaves_nothing_older() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    let (go, refresh) = refresh_on_its_way(&kv, &users).await?;
    assert!(matches!(users.update(1, |user| user.visits += 1).await, Err(Error::NotFound { .. })));
    go.send(()).ok();
    assert_eq!(refresh.await??, None);
    assert_eq!(users.get(1).await?, None);
    Ok(())
}
