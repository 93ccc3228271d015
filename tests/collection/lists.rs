//! Lists show exactly the collection's own entities, in pages that count entities.

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{AtomicStore, Cursor, StoreExt};
use kv_runtime::{Error, Kv, KvEntity, ManualClock};

use crate::entities::{Counter, Member, User};
use crate::{Outcome, on_every_store};

on_every_store!(
    pages_count_entities_and_end,
    a_list_stops_at_any_level,
    a_list_shows_its_own_prefix_alone,
    a_cursor_is_bound_to_its_list,
    ordered_ids_are_listed_as_numbers,
    a_stream_shows_all_and_keeps_its_limit,
    an_anchor_without_group_is_listed
);

async fn pages_count_entities_and_end<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let users = kv.collection::<User>();
    users.put_many((0..25).map(User::new)).await?;
    for limit in [1, 7, 25, 26] {
        let (mut shown, mut pages, mut cursor) = (Vec::new(), 0, None);
        loop {
            let page = users.list().limit(limit).cursor(cursor).page().await?;
            assert!(page.entities.len() <= limit);
            shown.extend(page.entities);
            pages += 1;
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        shown.sort_by_key(|user| user.id);
        assert_eq!(shown, (0..25).map(User::new).collect::<Vec<_>>());
        // Behind the last anchor lie keys of its other groups, which may take one more page to pass
        // over.
        let full = 25_usize.div_ceil(limit);
        assert!((full..=full + 1).contains(&pages), "{pages} pages of {limit}");
    }
    Ok(())
}

async fn a_list_stops_at_any_level<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let members = kv.collection::<Member>();
    for (org, team, user) in [("1", 1, 1), ("1", 1, 2), ("1", 12, 3), ("12", 1, 4), ("1:1", 1, 5)] {
        members.put(&Member { org: org.to_owned(), team, user, role: "guest".to_owned() }).await?;
    }
    let users = async |list: kv_runtime::List<Member, S>| {
        let mut users: Vec<_> = list.page().await?.entities.into_iter().map(|member| member.user).collect();
        users.sort();
        Ok::<_, Error>(users)
    };
    assert_eq!(users(members.list()).await?, [1, 2, 3, 4, 5]);
    assert_eq!(users(members.list().within("1")).await?, [1, 2, 3]);
    let twelve = String::from("12");
    assert_eq!(users(members.list().within(&twelve)).await?, [4]);
    assert_eq!(users(members.list().within(("1", 1))).await?, [1, 2]);
    assert_eq!(users(members.list().within(("1:1", 1))).await?, [5]);
    assert_eq!(users(members.list().within("2")).await?, [0_i64; 0]);
    Ok(())
}

async fn a_list_shows_its_own_prefix_alone<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection::<User>().put_many((0..3).map(User::new)).await?;
    let foreign = NewRecord::new("{}", Metadata::default());
    for key in [
        "user-archive:1:profile",
        "user:007:profile",
        "user:1",
        "use:1:profile",
        "user:1:profile:x",
        "user::profile",
    ] {
        kv.store().put(Key::from_text(key), foreign.clone()).await?;
    }
    let page = kv.collection::<User>().list().page().await?;
    assert_eq!((page.entities.len(), page.failed.len(), page.skipped), (3, 0, 2));
    Ok(())
}

async fn a_cursor_is_bound_to_its_list<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let members = kv.collection::<Member>();
    for user in 0..3 {
        members.put(&Member { org: "a".to_owned(), team: 1, user, role: String::new() }).await?;
    }
    let cursor = members.list().limit(1).page().await?.cursor.expect("there are more");
    let handed_back = Cursor::from_text(cursor.as_str().to_owned());
    assert_eq!(members.list().cursor(handed_back).page().await?.entities.len(), 2);
    let garbled = Cursor::from_text(format!("{}0", cursor.as_str()));
    for (list, cursor) in [
        (members.list().within("a"), cursor.clone()),
        (members.list(), garbled),
        (members.list(), Cursor::from_text("")),
        (members.list(), Cursor::from_text("ü".repeat(20))),
    ] {
        let error = list.cursor(cursor).page().await.expect_err("is not of this list");
        assert!(matches!(error, Error::InvalidCursor { .. }), "{error}");
        assert!(error.to_string().starts_with("Member `member:"), "{error}");
        assert!(!error.to_string().contains("secret"), "the ids are plain: {error}");
    }
    Ok(())
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "reading")]
struct Reading {
    #[kv(id, ordered)]
    at: i64,
}

async fn ordered_ids_are_listed_as_numbers<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let readings = kv.collection::<Reading>();
    let sorted = [i64::MIN, -100, -1, 0, 5, 10, 700, i64::MAX];
    readings.put_many(sorted.into_iter().rev().map(|at| Reading { at })).await?;
    assert_eq!(readings.list().ids().page().await?.ids, sorted);
    let entities = readings.list().page().await?.entities;
    assert_eq!(entities.iter().map(|reading| reading.at).collect::<Vec<_>>(), sorted);
    Ok(())
}

async fn a_stream_shows_all_and_keeps_its_limit<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let counters = kv.collection::<Counter>();
    counters.put_many((0..2_500).map(|count| Counter { name: count.to_string(), count })).await?;
    let count = async |mut ids: kv_runtime::IdStream<String>| {
        let mut seen = std::collections::HashSet::new();
        while let Some(id) = ids.next().await {
            assert!(seen.insert(id?));
        }
        Ok::<_, Error>(seen.len())
    };
    assert_eq!(count(counters.list().ids().stream()).await?, 2_500);
    assert_eq!(count(counters.list().limit(1_001).ids().stream()).await?, 1_001);
    let mut all = counters.list().stream();
    let mut sum = 0;
    while let Some(counter) = all.next().await {
        sum += counter?.count;
    }
    assert_eq!(sum, (0..2_500_u64).sum::<u64>());
    Ok(())
}

/// The anchor has no group in its key, so its keys lie among those of the other group.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "doc")]
#[kv(group(name = "body"))]
struct Doc {
    #[kv(id)]
    id: u32,
    title: String,
    #[kv(group = "body")]
    text: String,
}

async fn an_anchor_without_group_is_listed<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let docs = kv.collection::<Doc>();
    let all: Vec<Doc> =
        (1..=12).map(|id| Doc { id, title: format!("title {id}"), text: format!("text {id}") }).collect();
    docs.put_many(&all).await?;
    assert!(kv.store().read(&Key::from_text("doc:1")).await?.is_some());
    let (mut shown, mut cursor) = (Vec::new(), None);
    loop {
        let page = docs.list().limit(5).cursor(cursor).page().await?;
        assert_eq!((page.skipped, page.failed.len()), (0, 0));
        assert!(page.entities.len() <= 5);
        shown.extend(page.entities);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    shown.sort_by_key(|doc| doc.id);
    assert_eq!(shown, all);
    Ok(())
}
