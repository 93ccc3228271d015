//! A filled record expires by the cache's TTL. A record that a caller wrote does not, and is never
//! stale.

use std::time::Duration;

use kv_runtime::cache::{Cache, Cached, Loaded};
use kv_runtime::key::Key;
use kv_runtime::layer::{Fault, Operation};
use kv_runtime::store::{MemoryStore, StoreExt};
use kv_runtime::{Clock, Error, Kv, KvEntity, ManualClock, Source};

use crate::{Calls, MINUTE, Outcome, START, Store, User, exact, kv};

const HOUR: Duration = Duration::from_secs(3_600);

#[derive(KvEntity, Debug, Clone, PartialEq, Default)]
#[kv(prefix = "page", ttl = "2h", group = "text", group(name = "views"))]
struct Page {
    #[kv(id)]
    id: u64,
    text: String,
    #[kv(group = "views")]
    views: u64,
}

async fn filled(kv: &Kv<Store>) -> Result<Cached<User, Store>, Error> {
    let users = kv.collection::<User>().cached(exact().stale_for(HOUR));
    users.get_or_load(1, Calls::default().give(User::new(1, "Ada"))).await?;
    Ok(users)
}

#[tokio::test]
async fn what_a_caller_changes_does_not_end_with_the_fill() -> Outcome {
    for way in 0..5 {
        let (kv, clock) = kv();
        let users = filled(&kv).await?;
        let plain = kv.collection::<User>();
        match way {
            0 => drop(users.update(1, |user| user.visits = 1).await?),
            1 => drop(plain.update(1, |user| user.visits = 1).await?),
            2 => drop(users.update_last_write_wins(1, |user| user.visits = 1).await?),
            3 => drop(plain.upsert(1, User::default, |user| user.visits = 1).await?),
            _ => users.put(User { visits: 1, ..User::new(1, "Ada") }).await?,
        }
        clock.advance(600 * MINUTE);
        assert_eq!(plain.get(1).await?.expect("it was changed").visits, 1, "way {way}");
        let head = kv.store().head(&Key::from_text("user:1")).await?.expect("it is there");
        assert_eq!(head.metadata.foreign("cacheFill"), None, "way {way}");
        // `with_ttl` sets another expiry.
        users.with_ttl(MINUTE).update(1, |user| user.visits = 2).await?;
        clock.advance(MINUTE);
        assert_eq!(users.get(1).await?, None);
    }
    // A change that changes nothing is none, and leaves the fill's.
    let (kv, clock) = kv();
    let users = filled(&kv).await?;
    users.update(1, |_| ()).await?;
    clock.advance(5 * MINUTE);
    assert_eq!(kv.collection::<User>().get(1).await?, None);
    Ok(())
}

#[tokio::test]
async fn of_an_entity_of_groups_none_goes_before_the_others() -> Outcome {
    for last_wins in [false, true] {
        let (kv, clock) = kv();
        let pages = kv.collection::<Page>().cached(exact());
        let load = || async { Ok::<_, Error>(Page { id: 1, text: "text".to_owned(), views: 0 }) };
        pages.get_or_load(1, load).await?;
        clock.advance(MINUTE);
        if last_wins {
            pages.update_last_write_wins(1, |page| page.views = 7).await?;
        } else {
            pages.update(1, |page| page.views = 7).await?;
        }
        clock.advance(2 * HOUR - MINUTE);
        let page = kv.collection::<Page>().get(1).await?.expect("it lives for two hours");
        assert_eq!((page.text.as_str(), page.views), ("text", 7));
        for group in ["page:1:text", "page:1:views"] {
            let head = kv.store().head(&Key::from_text(group)).await?.expect("it is there");
            assert_eq!(head.expires_at, Some(START.saturating_add(MINUTE + 2 * HOUR)), "{group}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn only_what_a_fill_wrote_is_stale_beyond_its_expiry() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().stale_for(HOUR));
    users.with_ttl(2 * MINUTE).put(User::new(1, "true for two minutes")).await?;
    // Read from the store by another cache, too.
    let other = kv.collection::<User>().cached(exact().stale_for(HOUR));
    other.get(1).await?;
    other.get_many([1]).await?;
    let filled = filled(&kv.clone()).await?;
    drop(filled);
    clock.advance(10 * MINUTE);
    kv.store().faults().add(Fault::fail());
    for cache in [&users, &other] {
        assert!(cache.get(1).await.is_err());
        assert!(cache.get_many([1]).await.is_err());
    }
    Ok(())
}

#[tokio::test]
async fn what_a_fill_wrote_may_be_stale_also_when_it_was_read_from_the_store() -> Outcome {
    let (kv, clock) = kv();
    let users = filled(&kv).await?;
    let down = || async { Err::<User, _>(std::io::Error::other("down")) };
    // Two caches read it from the store before it expires.
    clock.advance(4 * MINUTE);
    let other = kv.collection::<User>().cached(exact().stale_for(HOUR));
    for cache in [&users, &other] {
        assert_eq!(cache.get_detailed(1).await?.source, Source::Store);
    }
    clock.advance(2 * MINUTE);
    for cache in [&users, &other] {
        assert_eq!(cache.get_or_load_detailed(1, down).await?.source, Source::Stale);
    }
    Ok(())
}

#[tokio::test]
async fn a_fill_marks_only_what_it_shortens() -> Outcome {
    let (kv, _) = kv();
    let pages = kv.collection::<Page>().cached(exact());
    for (id, ttl, is_marked) in [(1, 3 * HOUR, false), (2, HOUR, true)] {
        let load =
            move || async move { Ok::<_, Error>(Loaded::new(Page { id, ..Page::default() }).store_ttl(ttl)) };
        pages.get_or_load(id, load).await?;
        let head = kv.store().head(&Key::from_text(format!("page:{id}:text"))).await?;
        let head = head.expect("it was filled");
        assert_eq!(head.metadata.foreign("cacheFill").is_some(), is_marked);
        assert_eq!(head.expires_at, Some(START.saturating_add(ttl.min(2 * HOUR))));
    }
    Ok(())
}

#[tokio::test]
async fn a_refresh_that_loses_its_fill_says_so() -> Outcome {
    let (kv, _) = kv();
    let make = || kv.collection::<User>().cached(exact());
    let (here, there) = (make(), make());
    let load = move || async move {
        there.get_or_load(1, Calls::default().give(User::new(1, "old"))).await?;
        Ok::<_, Error>(User::new(1, "new"))
    };
    let lost = here.refresh_from(1, load).await;
    assert!(matches!(&lost, Err(error @ Error::Conflict { .. }) if error.is_retryable()), "{lost:?}");
    // The next read asks the store.
    assert_eq!(here.get_detailed(1).await?.source, Source::Store);
    assert_eq!(here.refresh_from(1, Calls::default().give(User::new(1, "new"))).await?.name, "new");
    assert_eq!(kv.collection::<User>().get(1).await?.expect("it was filled").name, "new");

    // A write through the same cache, a store that cannot be read, a store that cannot be written.
    let inner = here.clone();
    let load = move || async move {
        inner.put(User::new(1, "put")).await?;
        Ok::<_, Error>(User::new(1, "origin"))
    };
    assert!(matches!(here.refresh_from(1, load).await, Err(Error::Conflict { .. })));
    assert_eq!(here.get(1).await?.expect("it was put").name, "put");
    for operation in [Operation::GetMany, Operation::Commit] {
        kv.store().faults().add(Fault::fail().on(&[operation]).times(1));
        let failed = here.refresh_from(1, Calls::default().give(User::new(1, "newer"))).await;
        assert!(failed.is_err(), "{operation:?}");
    }
    // Where nothing is to be filled there is nothing to lose.
    let unfilled = kv.collection::<User>().cached(exact().without_filling());
    assert!(unfilled.refresh_from(1, Calls::default().give(User::new(1, "newer"))).await.is_ok());
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_weighed_weighs_one() -> Outcome {
    let clock = ManualClock::new(START);
    let kv = Kv::new(MemoryStore::with_clock(Clock::from(&clock)));
    let weigh = |user: &User| if user.name == "heavy" { 100 } else { panic!("no scales") };
    let users = kv.collection::<User>().cached(Cache::new().max_weight(10_000, weigh));
    users.put(User::new(1, "Ada")).await?;
    users.put(User::new(2, "heavy")).await?;
    assert_eq!(users.get_or_load(3, Calls::default().give(User::new(3, "Bea"))).await?.name, "Bea");
    assert!(users.peek(1).is_some() && users.peek(3).is_some());
    let stats = users.stats();
    assert_eq!((stats.weigh_panics, stats.entries, stats.weight), (2, 3, 1 + 100 + 1));
    assert!(stats.to_string().contains("`weigh` panicked"), "{stats}");
    Ok(())
}
