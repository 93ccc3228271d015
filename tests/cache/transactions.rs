//! A cache hears of the transactions of its handle: it serves nothing that one has changed.

use std::sync::Arc;

use kv_runtime::cache::Cached;
use kv_runtime::layer::{Fault, FaultStore, Gate, Operation};
use kv_runtime::store::{MemoryStore, SETTLES_AFTER};
use kv_runtime::{Error, Kv, KvEntity, ManualClock};

use crate::shared::SharedStore;
use crate::{MINUTE, Outcome, START, Store, User, ends, exact, kv};

/// Renames user 1 in a transaction.
async fn rename(kv: &Kv<Store>, name: &str) -> Result<(), Error> {
    kv.transact(async |tx| tx.update::<User>(1, |user| user.name = name.to_owned()).await.map(drop)).await
}

async fn until(holds: impl Fn() -> bool) {
    ends(async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

fn name_of(user: Option<Arc<User>>) -> Option<String> {
    user.map(|user| user.name.clone())
}

fn held(users: &Cached<User, Store>) -> Option<String> {
    name_of(users.peek(1))
}

#[tokio::test]
async fn every_cache_of_the_handle_hears_of_every_kind_of_write() -> Outcome {
    let (kv, _) = kv();
    // Made before the caches and from a clone: the handle is the same.
    let other = kv.clone();
    let (users, twin) = (
        kv.collection::<User>().cached(exact().negative_ttl(MINUTE)),
        other.collection::<User>().cached(exact().negative_ttl(MINUTE)),
    );
    for cache in [&users, &twin] {
        assert_eq!(name_of(cache.get(1).await?), None);
    }
    let insert = kv.transact(async |tx| tx.insert(&User::new(1, "inserted")));
    insert.await?;
    for cache in [&users, &twin] {
        assert_eq!(name_of(cache.get(1).await?).as_deref(), Some("inserted"));
    }
    rename(&kv, "updated").await?;
    for cache in [&users, &twin] {
        assert_eq!(held(cache), None);
        assert_eq!(name_of(cache.get(1).await?).as_deref(), Some("updated"));
    }
    other.transact(async |tx| tx.put(&User::new(1, "put"))).await?;
    for cache in [&users, &twin] {
        assert_eq!(name_of(cache.get(1).await?).as_deref(), Some("put"));
    }
    kv.transact(async |tx| tx.delete::<User>(1)).await?;
    for cache in [&users, &twin] {
        assert_eq!(name_of(cache.get(1).await?), None);
    }
    Ok(())
}

#[tokio::test]
async fn what_a_transaction_only_reads_stays_in_memory() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    users.put(User::new(1, "read")).await?;
    users.put(User::new(2, "written")).await?;
    kv.transact(async |tx| {
        let read = tx.get::<User>(1).await?.unwrap_or_default();
        tx.update::<User>(2, |user| user.name = read.name).await.map(drop)
    })
    .await?;
    assert_eq!(held(&users).as_deref(), Some("read"));
    assert!(users.peek(2).is_none());
    // Neither one that writes nothing.
    let nothing = kv.transact(async |tx| tx.update::<User>(1, |_| ()).await.map(drop));
    nothing.await?;
    assert_eq!(held(&users).as_deref(), Some("read"));
    Ok(())
}

/// Its groups have views.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "page", group = "head", view = "PageHead", group(name = "body", view = "PageBody"))]
struct Page {
    #[kv(id)]
    id: u64,
    title: String,
    #[kv(group = "body")]
    text: String,
}

#[tokio::test]
async fn a_write_of_a_view_concerns_the_entity_and_the_other_way_round() -> Outcome {
    let kv = Kv::new(MemoryStore::new());
    let (pages, heads) =
        (kv.collection::<Page>().cached(exact()), kv.collection::<PageHead>().cached(exact()));
    pages.put(Page { id: 1, title: "title".to_owned(), text: "old".to_owned() }).await?;
    kv.transact(async |tx| tx.update::<PageBody>(1, |body| body.text = "new".to_owned()).await.map(drop))
        .await?;
    assert_eq!(pages.get(1).await?.map(|page| page.text.clone()).as_deref(), Some("new"));
    heads.get(1).await?;
    kv.transact(async |tx| tx.update::<Page>(1, |page| page.title = "other".to_owned()).await.map(drop))
        .await?;
    assert_eq!(heads.get(1).await?.map(|head| head.title.clone()).as_deref(), Some("other"));
    assert_eq!(pages.get(1).await?.map(|page| page.title.clone()).as_deref(), Some("other"));
    Ok(())
}

/// The next read sees the stored record, and does not return before the gate is opened.
fn hold_next_read(kv: &Kv<Store>) -> Gate {
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).after().on(&[Operation::Get]).times(1));
    gate
}

#[tokio::test]
async fn a_read_that_a_transaction_overtakes_is_not_held() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    kv.collection().put(&User::new(1, "old")).await?;
    let gate = hold_next_read(&kv);
    let reader = users.clone();
    let read = tokio::spawn(async move { reader.get(1).await });
    gate.arrived().await;
    rename(&kv, "new").await?;
    // Nobody who comes after the transaction waits for the old read.
    assert_eq!(name_of(users.get(1).await?).as_deref(), Some("new"));
    gate.open();
    assert_eq!(name_of(read.await??).as_deref(), Some("old"));
    assert_eq!(held(&users).as_deref(), Some("new"));
    Ok(())
}

#[tokio::test]
async fn a_refresh_that_a_transaction_overtakes_is_not_held() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().refresh_ahead(0.5));
    users.put(User::new(1, "old")).await?;
    clock.advance(MINUTE / 2);
    let gate = hold_next_read(&kv);
    assert_eq!(name_of(users.get(1).await?).as_deref(), Some("old"));
    gate.arrived().await;
    rename(&kv, "new").await?;
    assert_eq!(held(&users), None);
    gate.open();
    until(|| users.stats().detached == 1).await;
    assert_eq!(held(&users), None);
    assert_eq!(name_of(users.get(1).await?).as_deref(), Some("new"));
    Ok(())
}

/// What is read while the commit is under way is returned and not held, whether the engine has made
/// the commit or not.
#[tokio::test]
async fn what_is_read_during_the_commit_is_not_held() -> Outcome {
    for is_made in [false, true] {
        let (kv, _) = kv();
        let users = kv.collection::<User>().cached(exact());
        users.put(User::new(1, "old")).await?;
        let gate = Gate::new();
        let hold = Fault::hold(&gate).on(&[Operation::Commit]).times(1);
        kv.store().faults().add(if is_made { hold.after() } else { hold });
        let writer = kv.clone();
        let renamed = tokio::spawn(async move { rename(&writer, "new").await });
        gate.arrived().await;
        let stored = if is_made { "new" } else { "old" };
        assert_eq!(name_of(users.get(1).await?).as_deref(), Some(stored));
        assert_eq!(held(&users), None, "made: {is_made}");
        gate.open();
        renamed.await??;
        assert_eq!(name_of(users.get(1).await?).as_deref(), Some("new"));
        assert_eq!(held(&users).as_deref(), Some("new"));
    }
    Ok(())
}

#[tokio::test]
async fn after_an_attempt_that_lost_the_cache_holds_again() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    users.put(User::new(1, "old")).await?;
    let lost = kv.transact(async |tx| {
        let mut user = tx.get::<User>(1).await?.unwrap_or_default();
        kv.collection::<User>().update(1, |user| user.visits += 1).await?;
        user.name = "new".to_owned();
        tx.save(&user)
    });
    assert!(matches!(lost.await, Err(Error::Conflict { .. })));
    assert_eq!(name_of(users.get(1).await?).as_deref(), Some("old"));
    assert_eq!(held(&users).as_deref(), Some("old"));
    Ok(())
}

/// The cache cannot know whether the store has the old or the new record, or will have it later.
#[tokio::test]
async fn after_an_unknown_outcome_nothing_is_held_until_the_store_has_settled() -> Outcome {
    let clock = ManualClock::new(START);
    let kv = Kv::new(FaultStore::new(SharedStore::new(&clock)));
    let users = kv.collection::<User>().cached(exact());
    users.put(User::new(1, "old")).await?;
    // Of a put without a read, nothing shows what has become of the commit.
    kv.store().faults().add(Fault::fail().after().on(&[Operation::Commit]).times(1));
    let lost = kv.transact(async |tx| tx.put(&User::new(1, "new")));
    assert!(matches!(lost.await, Err(Error::OutcomeUnknown { .. })));
    assert!(users.peek(1).is_none());
    assert!(users.get(1).await?.is_some());
    assert!(users.peek(1).is_none());
    clock.advance(SETTLES_AFTER);
    assert_eq!(users.get(1).await?.map(|user| user.name.clone()).as_deref(), Some("new"));
    assert!(users.peek(1).is_some());
    Ok(())
}

/// A fill of a pure cache overwrites whatever there is, so the transaction waits for it.
#[tokio::test]
async fn a_fill_that_began_before_does_not_undo_a_transaction() -> Outcome {
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
    let put = tokio::spawn(async move { writer.transact(async |tx| tx.put(&User::new(1, "new"))).await });
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
