//! Tiers and their times.

use std::sync::Arc;

use kv_runtime::cache::{Cache, Loaded};
use kv_runtime::key::EntityId;
use kv_runtime::layer::{Fault, Operation};
use kv_runtime::{Error, KvEntity, Source};

use crate::{Calls, MINUTE, Outcome, SECOND, User, elsewhere, exact, kv};

#[tokio::test]
async fn a_second_get_does_not_ask_the_store() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact());
    elsewhere(&kv).collection().put(&User::new(1, "Ada")).await?;
    let first = users.get(1).await?.expect("it is there");
    kv.store().faults().add(Fault::fail());
    let second = users.get(1).await?.expect("it is in memory");
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(users.get_detailed(1).await?.source, Source::Memory);
    clock.advance(MINUTE);
    assert!(matches!(users.get(1).await, Err(Error::Store { .. })));
    let stats = users.stats();
    assert_eq!((stats.memory_hits, stats.store_hits, stats.store_errors), (2, 1, 1));
    Ok(())
}

#[tokio::test]
async fn an_origin_fills_both_tiers() -> Outcome {
    let (kv, clock) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    let user = users.get_or_load(1, calls.give(User::new(1, "Ada"))).await?;
    assert_eq!(user.name, "Ada");
    assert_eq!(kv.collection::<User>().get(1).await?.as_ref(), Some(&*user));
    // Memory, the store, then the origin again.
    clock.advance(MINUTE - SECOND);
    let again = users.get_or_load_detailed(1, calls.give(User::default())).await?;
    assert_eq!(again.source, Source::Memory);
    clock.advance(SECOND);
    let again = users.get_or_load_detailed(1, calls.give(User::default())).await?;
    assert_eq!((again.source, &*again.value), (Source::Store, &*user));
    clock.advance(4 * MINUTE);
    assert_eq!(kv.collection::<User>().get(1).await?, None);
    let again = users.get_or_load_detailed(1, calls.give(User::new(1, "Bea"))).await?;
    assert_eq!((again.source, again.value.name.as_str(), calls.count()), (Source::Origin, "Bea", 2));
    Ok(())
}

#[tokio::test]
async fn a_field_that_is_not_stored_is_the_loaders_as_long_as_memory_holds_it() -> Outcome {
    #[derive(KvEntity, Debug)]
    #[kv(prefix = "page")]
    struct Page {
        #[kv(id)]
        id: u64,
        #[kv(skip)]
        took_millis: u64,
    }
    let (kv, clock) = kv();
    let pages = kv.collection::<Page>().cached(Cache::new().memory_ttl(MINUTE).jitter(0.0));
    pages.get_or_load(1, || async { Ok::<_, Error>(Page { id: 1, took_millis: 9 }) }).await?;
    assert_eq!(pages.get(1).await?.map(|page| page.took_millis), Some(9));
    clock.advance(MINUTE);
    assert_eq!(pages.get(1).await?.map(|page| page.took_millis), Some(0));
    Ok(())
}

#[tokio::test]
async fn a_loader_says_how_long_and_that_there_is_none() -> Outcome {
    let (kv, clock) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    let given = Loaded::new(User::new(1, "Ada")).memory_ttl(SECOND).store_ttl(3 * SECOND);
    users.get_or_load(1, || async { Ok::<_, Error>(given) }).await?;
    clock.advance(SECOND);
    assert_eq!(users.get_detailed(1).await?.source, Source::Store);
    clock.advance(2 * SECOND);
    assert_eq!(users.get(1).await?, None);

    let nothing = |calls: &Calls| {
        let calls = calls.clone();
        move || {
            calls.note();
            std::future::ready(Ok::<_, Error>(None::<User>))
        }
    };
    for _ in 0..3 {
        assert_eq!(users.get_or_load(2, nothing(&calls)).await?, None);
    }
    assert_eq!((calls.count(), users.stats().negative_hits), (1, 2));
    // A loader that knows no absence gets an error.
    let error = users.get_or_load(2, calls.give(User::new(2, "Bea"))).await;
    assert!(matches!(error, Err(Error::NotFound { .. })), "{error:?}");
    clock.advance(10 * SECOND);
    assert_eq!(users.get_or_load(2, calls.give(User::new(2, "Bea"))).await?.name, "Bea");
    Ok(())
}

#[tokio::test]
async fn a_write_is_seen_at_once() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    assert_eq!(users.get(1).await?, None);
    users.insert(User::new(1, "Ada")).await?;
    assert_eq!(users.get_detailed(1).await?.source, Source::Memory);
    users.put(User::new(1, "Bea")).await?;
    assert_eq!(users.get(1).await?.expect("it is there").name, "Bea");
    let updated = users.update(1, |user| user.visits += 1).await?;
    assert!(Arc::ptr_eq(&updated, &users.get(1).await?.expect("it is there")));
    users.upsert(2, || User::new(2, "Cem"), |user| user.visits += 1).await?;
    assert_eq!(users.peek(2).map(|user| user.visits), Some(0));
    assert!(matches!(
        users.try_update(2, |_| Err(Error::NotFound { at: Box::default() })).await,
        Err(Error::NotFound { .. })
    ));
    users.delete(1).await?;
    assert_eq!(users.get(1).await?, None);
    assert_eq!(users.stats().store_misses, 1);
    Ok(())
}

#[tokio::test]
async fn update_never_reads_memory() -> Outcome {
    let (kv, _) = kv();
    let users = kv.collection::<User>().cached(exact());
    users.put(User::new(1, "Ada")).await?;
    // Another process writes.
    elsewhere(&kv).collection::<User>().update(1, |user| user.visits = 7).await?;
    let updated = users.update(1, |user| user.visits += 1).await?;
    assert_eq!(updated.visits, 8);
    Ok(())
}

#[tokio::test]
async fn a_failing_store_is_passed_over_to_the_origin() -> Outcome {
    let (kv, _) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    kv.store().faults().add(Fault::fail());
    let user = users.get_or_load_detailed(1, calls.give(User::new(1, "Ada"))).await?;
    assert_eq!(user.source, Source::Origin);
    assert_eq!(users.get(1).await?.expect("in memory").name, "Ada");
    assert_eq!(users.stats().store_fills, 0);
    Ok(())
}

#[tokio::test]
async fn stale_rather_than_down() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().stale_for(MINUTE));
    users.put(User::new(1, "Ada")).await?;
    kv.store().faults().add(Fault::fail().on(&[Operation::Get]));
    clock.advance(MINUTE);
    for _ in 0..3 {
        let stale = users.get_detailed(1).await?;
        assert_eq!((stale.source, stale.value.expect("it is stale").name.as_str()), (Source::Stale, "Ada"));
        assert!(matches!(stale.error, Some(Error::Store { .. })), "{:?}", stale.error);
    }
    // One call in a pause.
    assert_eq!((users.stats().store_errors, users.stats().paused, users.stats().stale_served), (1, 2, 3));
    clock.advance(SECOND);
    assert_eq!(users.get_or_detailed(1, User::default()).await.source, Source::Stale);
    assert_eq!(users.stats().store_errors, 2);
    clock.advance(MINUTE - SECOND);
    let fallback = users.get_or_detailed(1, User::new(0, "nobody")).await;
    assert_eq!((fallback.source, &*fallback.value), (Source::Fallback, &User::new(1, "nobody")));
    assert!(fallback.error.is_some());
    Ok(())
}

/// A record that the store has lost may replace a failing origin, and nothing else.
#[tokio::test]
async fn an_absence_in_the_store_leaves_the_stale_entity_for_an_outage_of_the_origin() -> Outcome {
    let (kv, clock) = kv();
    let cache = || exact().memory_ttl(MINUTE / 2).store_ttl(10 * MINUTE).stale_for(60 * MINUTE);
    let users = kv.collection::<User>().cached(cache());
    let down = || async { Err::<Option<User>, _>("the origin is down") };
    let calls = Calls::default();
    users.get_or_load(1, calls.give(User::new(1, "Ada"))).await?;
    clock.advance(12 * MINUTE);
    for _ in 0..3 {
        let stale = users.get_or_load_detailed(1, down).await?;
        assert_eq!((stale.source, stale.value.map(|user| user.id)), (Source::Stale, Some(1)));
        clock.advance(2 * SECOND);
        // The store has none any more, and says so, remembered or not.
        for _ in 0..2 {
            let fallback = users.get_or_detailed(1, User::default()).await;
            assert!(fallback.source == Source::Fallback && fallback.error.is_none());
            assert_eq!(
                (users.get(1).await?, users.get_many([1]).await?, users.peek(1)),
                (None, vec![None], None)
            );
            clock.advance(11 * SECOND);
        }
        assert_eq!(users.refresh(1).await?, None);
        clock.advance(MINUTE);
    }
    // Nor does it come back to reads when the store fails.
    kv.store().faults().add(Fault::fail());
    assert_eq!(users.get_or_detailed(1, User::default()).await.source, Source::Fallback);
    assert!(users.get(1).await.is_err() && users.get_many([1]).await.is_err());
    assert_eq!(users.get_or_load_detailed(1, down).await?.source, Source::Stale);
    kv.store().faults().clear();
    // The origin goes first where it has an answer.
    clock.advance(SECOND);
    let served = users.get_or_load_detailed(1, calls.give(User::new(1, "Bea"))).await?;
    assert_eq!((served.source, served.value.name.as_str(), calls.count()), (Source::Origin, "Bea", 2));

    // What is fresh in memory and gone from the store is stale from then on, and no longer than it
    // would have been.
    elsewhere(&kv).collection::<User>().delete(1).await?;
    assert_eq!((users.refresh(1).await?, users.get(1).await?), (None, None));
    assert_eq!(users.get_or_load_detailed(1, down).await?.source, Source::Stale);
    clock.advance(61 * MINUTE);
    assert!(users.get_or_load(1, down).await.is_err());

    // A delete through the cache, and an origin that has none, leave nothing.
    users.put(User::new(1, "Cem")).await?;
    users.delete(1).await?;
    assert!(users.get_or_load(1, down).await.is_err());
    clock.advance(MINUTE);
    users.put(User::new(1, "Cem")).await?;
    users.refresh_from(1, || async { Ok::<_, Error>(None::<User>) }).await?;
    clock.advance(MINUTE);
    assert!(users.get_or_load(1, down).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_fallback_is_not_kept_as_truth() -> Outcome {
    let (kv, _) = kv();
    let plain = kv.collection::<User>();
    assert_eq!(plain.get_or(3, User::new(0, "nobody")).await, User::new(3, "nobody"));
    let served = plain.get_or_detailed(3, User::default()).await;
    assert!(served.source == Source::Fallback && served.error.is_none());
    let users = plain.clone().cached(exact());
    assert_eq!(users.get_or(3, User::new(0, "nobody")).await.id, 3);
    assert_eq!((users.get(3).await?, plain.get(3).await?), (None, None));
    Ok(())
}

#[tokio::test]
async fn many_ids_are_one_batch_and_one_call() -> Outcome {
    let (kv, _) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    users.put(User::new(1, "Ada")).await?;
    elsewhere(&kv).collection().put(&User::new(2, "Bea")).await?;
    let noted = calls.clone();
    let load = move |ids: Vec<u64>| {
        noted.note();
        assert_eq!(ids, [3, 4]);
        std::future::ready(Ok::<_, Error>(vec![User::new(4, "Dee")]))
    };
    let found = users.get_or_load_many([1, 2, 3, 4, 1, 4], load).await?;
    let names: Vec<_> = found.iter().map(|user| user.as_ref().map(|user| user.name.as_str())).collect();
    assert_eq!(names, [Some("Ada"), Some("Bea"), None, Some("Dee"), Some("Ada"), Some("Dee")]);
    assert_eq!((calls.count(), kv.collection::<User>().get(4).await?.map(|user| user.id)), (1, Some(4)));
    kv.store().faults().add(Fault::fail());
    let found = users.get_many([4, 3, 2]).await?;
    assert_eq!(found.iter().flatten().map(|user| user.id).collect::<Vec<_>>(), [4, 2]);
    Ok(())
}

#[tokio::test]
async fn refresh_asks_on() -> Outcome {
    let (kv, _) = kv();
    let (users, calls) = (kv.collection::<User>().cached(exact()), Calls::default());
    users.put(User::new(1, "Ada")).await?;
    elsewhere(&kv).collection().put(&User::new(1, "Bea")).await?;
    assert_eq!(users.refresh(1).await?.expect("it is there").name, "Bea");
    users.refresh_from(1, calls.give(User::new(1, "Cem"))).await?;
    assert_eq!(users.peek(1).expect("it is held").name, "Cem");
    assert_eq!(kv.collection::<User>().get(1).await?.expect("it is filled").name, "Cem");
    let gone = users.refresh_from(1, || std::future::ready(Ok::<_, Error>(None::<User>))).await?;
    assert_eq!((gone, kv.collection::<User>().get(1).await?), (None, None));
    users.put(User::new(1, "Ada")).await?;
    users.invalidate(1);
    assert_eq!(users.peek(1), None);
    users.get(1).await?;
    users.invalidate_all();
    assert_eq!((users.peek(1), users.stats().entries), (None, 0));
    Ok(())
}

/// An entity by text, and one by two ids.
#[derive(KvEntity, Debug)]
#[kv(prefix = "member")]
struct Member {
    #[kv(id)]
    org: String,
    #[kv(id)]
    user: u64,
    role: String,
}

#[tokio::test]
async fn every_form_of_an_id_finds_the_entry() -> Outcome {
    let (kv, _) = kv();
    let members = kv.collection::<Member>().cached(Cache::new());
    members.put(Member { org: "acme".to_owned(), user: 7, role: "owner".to_owned() }).await?;
    let id = ("acme".to_owned(), 7);
    assert!(members.peek(("acme", 7)).is_some() && members.peek(id.as_id_ref()).is_some());
    assert_eq!(members.get_many([&id]).await?.len(), 1);
    assert_eq!(members.get_many([id]).await?.len(), 1);
    assert!(members.peek(("acme", 8)).is_none() && members.peek(("acm", 7)).is_none());
    assert_eq!(members.get(("acme", 7)).await?.map(|member| member.role.clone()).as_deref(), Some("owner"));
    assert_eq!(members.stats().store_hits, 0);
    Ok(())
}
