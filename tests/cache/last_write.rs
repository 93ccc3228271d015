//! Changes without a condition, through a cache: on a store without compare-and-swap there are no
//! others.

use std::sync::Arc;

use kv_runtime::cache::Cached;
use kv_runtime::layer::{Fault, Gate, Operation};
use kv_runtime::{Error, Source, store};

use crate::{MINUTE, Outcome, SECOND, User, elsewhere, exact, kv};

fn visits(user: Option<Arc<User>>) -> Option<u64> {
    user.map(|user| user.visits)
}

/// Any store will do.
async fn visit<S: store::Store>(users: &Cached<User, S>) -> Result<Arc<User>, Error> {
    users.update_last_write_wins(1, |user| user.visits += 1).await
}

#[tokio::test]
async fn a_change_is_seen_at_once() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    assert!(matches!(visit(&users).await, Err(Error::NotFound { .. })));
    let created = users.upsert_last_write_wins(1, || User::new(1, "Ada"), |user| user.visits += 1).await?;
    assert_eq!(created.visits, 0);
    // Another process writes: the change is made to what the store has.
    elsewhere(&kv).collection::<User>().update(1, |user| user.visits = 7).await?;
    let changed = visit(&users).await?;
    assert_eq!(changed.visits, 8);
    assert!(Arc::ptr_eq(&changed, &users.get(1).await?.expect("it is there")));
    assert_eq!(users.get_detailed(1).await?.source, Source::Memory);
    let given_up = users.try_update_last_write_wins(1, |_| Err(Error::NotFound { at: Box::default() })).await;
    assert!(matches!(given_up, Err(Error::NotFound { .. })));
    let visited = |user: &mut User| {
        user.visits += 1;
        Ok::<_, Error>(())
    };
    users.try_update_last_write_wins(1, visited).await?;
    assert_eq!(visits(users.get(1).await?), Some(9));
    assert_eq!(kv.collection::<User>().get(1).await?.map(|user| user.visits), Some(9));
    Ok(())
}

#[tokio::test]
async fn a_read_that_a_change_overtakes_is_not_held() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    elsewhere(&kv).collection().put(&User::new(1, "Ada")).await?;
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).after().on(&[Operation::Get]).times(1));
    let reader = users.clone();
    let read = tokio::spawn(async move { reader.get(1).await });
    gate.arrived().await;
    visit(&users).await?;
    gate.open();
    assert_eq!(visits(read.await??), Some(0));
    assert_eq!((visits(users.peek(1)), users.stats().detached), (Some(1), 1));
    Ok(())
}

#[tokio::test]
async fn of_a_change_and_a_write_that_meet_neither_is_held() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    users.put(User::new(1, "Ada")).await?;
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Put]).times(1));
    let writer = users.clone();
    let change = tokio::spawn(async move { visit(&writer).await });
    gate.arrived().await;
    users.put(User::new(1, "Bea")).await?;
    gate.open();
    change.await??;
    // The last write won, and the call reports nothing else.
    assert_eq!(users.peek(1), None);
    assert_eq!(users.get(1).await?.map(|user| user.name.clone()).as_deref(), Some("Ada"));
    Ok(())
}

#[tokio::test]
async fn a_change_that_fails_or_is_dropped_leaves_nothing_behind() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    users.put(User::new(1, "Ada")).await?;
    kv.store().faults().add(Fault::fail().after().on(&[Operation::Put]).times(1));
    assert!(visit(&users).await.is_err());
    assert_eq!((users.peek(1), visits(users.get(1).await?)), (None, Some(1)));
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).after().on(&[Operation::Put]).times(1));
    let writer = users.clone();
    let change = tokio::spawn(async move { visit(&writer).await });
    gate.arrived().await;
    change.abort();
    assert!(change.await.is_err());
    assert_eq!((users.peek(1), visits(users.get(1).await?)), (None, Some(2)));
    Ok(())
}

#[tokio::test]
async fn what_is_held_of_a_change_ends_with_its_record() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact());
    users.with_ttl(30 * SECOND).put(User::new(1, "Ada")).await?;
    clock.advance(10 * SECOND);
    visit(&users).await?;
    clock.advance(20 * SECOND - SECOND);
    assert_eq!(visits(users.get(1).await?), Some(1));
    clock.advance(SECOND);
    assert_eq!(users.get(1).await?, None);
    // A TTL of one call starts again.
    users.with_ttl(30 * SECOND).upsert_last_write_wins(1, || User::new(1, "Bea"), |_| ()).await?;
    clock.advance(29 * SECOND);
    assert!(users.peek(1).is_some());
    clock.advance(SECOND);
    assert_eq!(users.peek(1), None);
    Ok(())
}

#[tokio::test]
async fn a_touch_forgets_what_may_be_newer_than_what_it_wrote() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact()).with_ttl(10 * MINUTE);
    assert!(!users.touch_last_write_wins(1).await?);
    users.put(User::new(1, "new")).await?;
    // A store whose reads may be old gives this.
    elsewhere(&kv).collection::<User>().with_ttl(10 * MINUTE).put(&User::new(1, "old")).await?;
    clock.advance(30 * SECOND);
    assert!(users.with_touch_interval(MINUTE).touch_last_write_wins(1).await?);
    assert_eq!(users.peek(1).expect("nothing was written").name, "new");
    assert!(users.touch_last_write_wins(1).await?);
    assert_eq!(users.peek(1), None);
    clock.advance(10 * MINUTE - SECOND);
    assert_eq!(users.get(1).await?.expect("it was extended").name, "old");
    Ok(())
}
