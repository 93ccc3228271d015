//! Each race between a load and a write, scripted: no old value stays in memory or store.

use kv_runtime::cache::Cached;
use kv_runtime::layer::{Fault, Gate, Operation};
use kv_runtime::{Error, Kv};
use tokio::sync::oneshot;

use crate::{Calls, Outcome, Store, User, exact, kv};

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

/// A read that has seen what stands in the store, and has not come back yet.
async fn read_on_its_way(
    kv: &Kv<Store>,
    users: &Users,
) -> (Gate, tokio::task::JoinHandle<Result<Option<std::sync::Arc<User>>, Error>>) {
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
    kv.collection().put(&User::new(1, "old")).await?;
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
    kv.collection().put(&User::new(1, "old")).await?;
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
    kv.collection().put(&User::new(1, "old")).await?;
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
    kv.collection().put(&User::new(1, "old")).await?;
    let put = Gate::new();
    kv.store().faults().add(Fault::hold(&put).on(&[Operation::Put]).times(1));
    let writer = users.clone();
    let write = tokio::spawn(async move { writer.put(User::new(1, "new")).await });
    put.arrived().await;
    // The read begins and ends while the write goes on: it may not be held, since the write may come at any moment.
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

/// A load from an origin that has been asked, and gives "old" when it is told to.
async fn load_on_its_way(
    users: &Users,
) -> (oneshot::Sender<()>, tokio::task::JoinHandle<Result<std::sync::Arc<User>, Error>>) {
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
    kv.collection().put(&User::new(1, "new")).await?;
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
    kv.collection().put(&User::new(1, "standing")).await?;
    let others = kv.collection::<User>();
    let load = || async move {
        others.delete(1).await?;
        Ok::<_, Error>(User::new(1, "old"))
    };
    users.refresh_from(1, load).await?;
    assert_eq!(stored_name(&kv).await?, None);
    assert_eq!(users.stats().store_fills_lost, 1);
    Ok(())
}

#[tokio::test]
async fn a_delete_waits_for_the_fill_that_came_first() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    let (commit, calls) = (Gate::new(), Calls::default());
    kv.store().faults().add(Fault::hold(&commit).on(&[Operation::Commit]).times(1));
    let (loader, given) = (users.clone(), calls.give(User::new(1, "old")));
    let load = tokio::spawn(async move { loader.get_or_load(1, given).await });
    commit.arrived().await;
    let deleter = users.clone();
    let delete = tokio::spawn(async move { deleter.delete(1).await });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(!delete.is_finished());
    // Other ids do not wait for it.
    users.delete(2).await?;
    commit.open();
    load.await??;
    delete.await??;
    assert_eq!((users.peek(1), stored_name(&kv).await?), (None, None));
    Ok(())
}

#[tokio::test]
async fn a_fill_that_is_dropped_holds_up_nobody() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    let (commit, calls) = (Gate::new(), Calls::default());
    kv.store().faults().add(Fault::hold(&commit).on(&[Operation::Commit]).times(1));
    let (loader, given) = (users.clone(), calls.give(User::new(1, "old")));
    let load = tokio::spawn(async move { loader.get_or_load(1, given).await });
    commit.arrived().await;
    load.abort();
    assert!(load.await.is_err());
    users.delete(1).await?;
    assert_eq!(users.get_or_load(1, calls.give(User::new(1, "new"))).await?.name, "new");
    assert_eq!(stored_name(&kv).await?.as_deref(), Some("new"));
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
