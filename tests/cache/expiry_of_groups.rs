//! An entity of several groups leaves the memory when the first of its groups expires, whichever
//! call brought it there.

use kv_runtime::store::StoreExt;
use std::time::Duration;

use kv_runtime::cache::{Cache, Cached};
use kv_runtime::key::Key;
use kv_runtime::{KvEntity, Source, Timestamp};

use crate::{Outcome, SECOND, START, Store, kv};

/// The anchor expires first, and a group beside it later.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "early", group = "head", ttl = "10s")]
#[kv(group(name = "body", ttl = "30s"))]
struct EarlyAnchor {
    #[kv(id)]
    id: u64,
    head: u64,
    #[kv(group = "body")]
    body: u64,
}

/// An optional group expires before the anchor.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "late", group = "head", ttl = "30s")]
#[kv(group(name = "body", ttl = "10s", optional))]
struct LateAnchor {
    #[kv(id)]
    id: u64,
    head: u64,
    #[kv(group = "body")]
    body: u64,
}

/// How an entity comes into the memory.
#[derive(Clone, Copy, Debug)]
enum Way {
    Put,
    Insert,
    Upsert,
    UpsertUnseen,
    Update,
    UpdateUnseen,
    Get,
    GetMany,
    Refresh,
    Load,
    LoadMany,
    LoadOfWhatTheStoreHas,
    LoadManyOfWhatTheStoreHas,
}

const WAYS: [Way; 13] = [
    Way::Put,
    Way::Insert,
    Way::Upsert,
    Way::UpsertUnseen,
    Way::Update,
    Way::UpdateUnseen,
    Way::Get,
    Way::GetMany,
    Way::Refresh,
    Way::Load,
    Way::LoadMany,
    Way::LoadOfWhatTheStoreHas,
    Way::LoadManyOfWhatTheStoreHas,
];

macro_rules! brings {
    ($name:ident, $entity:ident) => {
        async fn $name(things: &Cached<$entity, Store>, way: Way) -> kv_runtime::Result<()> {
            let new = || $entity { id: 1, head: 1, body: 1 };
            let load = move || async move { Ok::<_, std::io::Error>(new()) };
            let load_many = move |_| async move { Ok::<_, std::io::Error>(vec![new()]) };
            let begins_in_the_store = !matches!(
                way,
                Way::Put | Way::Insert | Way::Upsert | Way::UpsertUnseen | Way::Load | Way::LoadMany
            );
            if begins_in_the_store {
                things.collection().put(&new()).await?;
            }
            match way {
                Way::Put => things.put(new()).await?,
                Way::Insert => things.insert(new()).await?,
                Way::Upsert => drop(things.upsert(1, new, |_| ()).await?),
                Way::UpsertUnseen => drop(things.upsert_last_write_wins(1, new, |_| ()).await?),
                // One group is written, and the other one stays.
                Way::Update => drop(things.update(1, |it| it.body += 1).await?),
                Way::UpdateUnseen => drop(things.update_last_write_wins(1, |it| it.head += 1).await?),
                Way::Get => drop(things.get(1).await?),
                Way::GetMany => drop(things.get_many([1]).await?),
                Way::Refresh => drop(things.refresh(1).await?),
                Way::Load | Way::LoadOfWhatTheStoreHas => drop(things.get_or_load(1, load).await?),
                Way::LoadMany | Way::LoadManyOfWhatTheStoreHas => {
                    drop(things.get_or_load_many([1], load_many).await?);
                }
            }
            Ok(())
        }
    };
}

brings!(bring_early, EarlyAnchor);
brings!(bring_late, LateAnchor);

fn cache<E>() -> Cache<E> {
    Cache::new().memory_ttl(3_600 * SECOND).jitter(0.0)
}

const MILLISECOND: Duration = Duration::from_millis(1);

#[tokio::test]
async fn it_ends_with_an_anchor_that_expires_first() -> Outcome {
    for way in WAYS {
        let (kv, clock) = kv();
        let things = kv.collection::<EarlyAnchor>().cached(cache());
        bring_early(&things, way).await?;
        clock.advance(10 * SECOND - MILLISECOND);
        assert_eq!(things.get_detailed(1).await?.source, Source::Memory, "{way:?}");
        clock.advance(MILLISECOND);
        assert_eq!(things.peek(1), None, "{way:?}");
        assert_eq!(things.get(1).await?, None, "{way:?}");
    }
    Ok(())
}

#[tokio::test]
async fn it_ends_with_a_group_that_expires_before_its_anchor() -> Outcome {
    for way in WAYS {
        let (kv, clock) = kv();
        let things = kv.collection::<LateAnchor>().cached(cache());
        bring_late(&things, way).await?;
        clock.advance(10 * SECOND - MILLISECOND);
        assert_eq!(things.get_detailed(1).await?.source, Source::Memory, "{way:?}");
        clock.advance(MILLISECOND);
        assert_eq!(things.peek(1), None, "{way:?}");
        // The store has the rest of it until the anchor expires.
        assert_eq!(things.get(1).await?.map(|it| it.body), Some(0), "{way:?}");
        clock.advance(20 * SECOND - MILLISECOND);
        assert_eq!(things.get_detailed(1).await?.source, Source::Memory, "{way:?}");
        clock.advance(MILLISECOND);
        assert_eq!(things.get(1).await?, None, "{way:?}");
    }
    Ok(())
}

/// An update does not prolong the groups that it leaves alone.
#[tokio::test]
async fn an_update_leaves_the_end_where_it_was() -> Outcome {
    for unseen in [false, true] {
        let (kv, clock) = kv();
        let things = kv.collection::<EarlyAnchor>().cached(cache());
        things.put(EarlyAnchor { id: 1, head: 1, body: 1 }).await?;
        clock.advance(5 * SECOND);
        for change in [|it: &mut EarlyAnchor| it.head += 1, |it: &mut EarlyAnchor| it.body += 1] {
            if unseen {
                things.update_last_write_wins(1, change).await?;
            } else {
                things.update(1, change).await?;
            }
        }
        clock.advance(5 * SECOND);
        assert_eq!((things.peek(1), things.get(1).await?), (None, None));
    }
    Ok(())
}

/// A group that an update adds may be the first to expire.
#[tokio::test]
async fn an_update_that_adds_a_group_counts_its_time() -> Outcome {
    let (kv, clock) = kv();
    let things = kv.collection::<LateAnchor>().cached(cache());
    things.put(LateAnchor { id: 1, head: 1, body: 1 }).await?;
    kv.store().delete(Key::from_text("late:1:body")).await?;
    clock.advance(15 * SECOND);
    things.update(1, |it| it.body = 7).await?;
    clock.advance(10 * SECOND - MILLISECOND);
    assert_eq!(things.peek(1).map(|it| it.body), Some(7));
    clock.advance(MILLISECOND);
    assert_eq!(things.get(1).await?.map(|it| it.body), Some(0));
    Ok(())
}

/// A touch leaves the end in memory where it was. Then the store is asked, which knows the new one.
#[tokio::test]
async fn a_touch_makes_it_end_with_the_first_group() -> Outcome {
    let (kv, clock) = kv();
    let things = kv.collection::<EarlyAnchor>().cached(cache());
    things.put(EarlyAnchor { id: 1, head: 1, body: 1 }).await?;
    clock.advance(5 * SECOND);
    assert!(things.touch(1).await?);
    clock.advance(5 * SECOND - MILLISECOND);
    assert_eq!(things.get_detailed(1).await?.source, Source::Memory);
    clock.advance(MILLISECOND);
    assert_eq!(things.get_detailed(1).await?.source, Source::Store);
    clock.advance(5 * SECOND - MILLISECOND);
    assert_eq!(things.get_detailed(1).await?.source, Source::Memory);
    clock.advance(MILLISECOND);
    assert_eq!((things.peek(1), things.get(1).await?), (None, None));
    Ok(())
}

/// The anchor expires by a field, and the group beside it by a TTL.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "pass", group = "terms")]
#[kv(group(name = "log", ttl = "30s", optional))]
struct Pass {
    #[kv(id)]
    id: u64,
    #[kv(expires_at)]
    until: Option<Timestamp>,
    #[kv(group = "log")]
    uses: u64,
}

#[tokio::test]
async fn a_field_and_a_ttl_end_it_whichever_comes_first() -> Outcome {
    for (until, ends) in [(Some(10), 10), (Some(90), 30), (None, 30)] {
        let (kv, clock) = kv();
        let passes = kv.collection::<Pass>().cached(cache());
        let until = until.map(|after| START.saturating_add(after * SECOND));
        passes.put(Pass { id: 1, until, uses: 1 }).await?;
        passes.update(1, |pass| pass.uses += 1).await?;
        clock.advance(ends * SECOND - MILLISECOND);
        assert_eq!(passes.get_detailed(1).await?.source, Source::Memory, "{until:?}");
        clock.advance(MILLISECOND);
        assert_eq!(passes.peek(1), None, "{until:?}");
    }
    Ok(())
}

/// A fill bounds each group's expiry by `store_ttl`. A group that expires earlier keeps its expiry.
#[tokio::test]
async fn a_fill_gives_each_group_the_earlier_end() -> Outcome {
    for (until, terms, log) in [(Some(10), 10, 20), (Some(20), 20, 20), (Some(90), 20, 20), (None, 20, 20)] {
        for many in [false, true] {
            let (kv, _) = kv();
            let passes = kv.collection::<Pass>().cached(cache().store_ttl(20 * SECOND));
            let pass =
                Pass { id: 1, until: until.map(|after| START.saturating_add(after * SECOND)), uses: 1 };
            if many {
                let load = move |_| std::future::ready(Ok::<_, std::io::Error>(vec![pass.clone()]));
                passes.get_or_load_many([1], load).await?;
            } else {
                passes.get_or_load(1, async move || Ok::<_, std::io::Error>(pass)).await?;
            }
            for (group, ends) in [("terms", terms), ("log", log)] {
                let head = kv.store().head(&Key::from_text(format!("pass:1:{group}"))).await?;
                let expires_at = head.ok_or("it is filled")?.expires_at;
                assert_eq!(expires_at, Some(START.saturating_add(ends * SECOND)), "{until:?} {group}");
            }
        }
    }
    Ok(())
}
