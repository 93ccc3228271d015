//! Lookups of indexes that are not unique.

use std::ops::Bound;

use kv_runtime::store::MemoryStore;
use kv_runtime::{Collection, Error, Kv, Timestamp};

use crate::user::User;

type Outcome = Result<(), Error>;

async fn users() -> Result<Collection<User, MemoryStore>, Error> {
    let users = Kv::new(MemoryStore::new()).collection();
    let all = [
        User::of(1, "GB", Some("London")),
        User::of(2, "GB", Some("Aberdeen")),
        User::of(10, "GB", Some("London")),
        User::of(9, "GB", None),
        User::of(3, "DE", Some("Berlin")),
        User::of(4, "GB", Some("Oban")),
        User::of(5, "G", Some("B!London")),
    ];
    users.put_many(all).await?;
    Ok(users)
}

fn ids(users: Vec<User>) -> Vec<u64> {
    users.into_iter().map(|user| user.id).collect()
}

#[tokio::test]
async fn results_come_in_index_order_and_then_in_id_order() -> Outcome {
    let users = users().await?;
    let by_city = users.by(User::BY_CITY);
    assert_eq!(ids(by_city.clone().page().await?.entities), [3, 5, 9, 2, 1, 10, 4]);
    assert_eq!(ids(by_city.clone().rev().page().await?.entities), [4, 10, 1, 2, 9, 5, 3]);
    assert_eq!(ids(by_city.clone().within("GB").page().await?.entities), [9, 2, 1, 10, 4]);
    assert_eq!(ids(by_city.clone().within("GB").equal(Some("London")).page().await?.entities), [1, 10]);
    assert_eq!(ids(by_city.clone().within("GB").equal(None).page().await?.entities), [9]);
    assert_eq!(ids(by_city.clone().equal(("GB", Some("Oban"))).page().await?.entities), [4]);
    assert_eq!(ids(by_city.clone().within("GB").range("A".."M").page().await?.entities), [2, 1, 10]);
    assert_eq!(ids(by_city.clone().within("GB").range(..="London").page().await?.entities), [2, 1, 10]);
    assert_eq!(ids(by_city.clone().within("GB").range("London"..).page().await?.entities), [1, 10, 4]);
    assert_eq!(ids(by_city.clone().within("GB").starts_with("Lon").page().await?.entities), [1, 10]);
    assert_eq!(ids(by_city.clone().starts_with("G").page().await?.entities), [5, 9, 2, 1, 10, 4]);
    let excluded = (std::ops::Bound::Excluded("London"), std::ops::Bound::Unbounded);
    assert_eq!(ids(by_city.within("GB").range(excluded).page().await?.entities), [4]);
    Ok(())
}

#[tokio::test]
async fn moments_have_ranges() -> Outcome {
    let users = users().await?;
    let at = Timestamp::from_millis;
    let recent = users.by(User::SIGNED_UP).range(at(4)..);
    assert_eq!(ids(recent.clone().page().await?.entities), [4, 5, 9, 10]);
    assert_eq!(recent.clone().count().await?, 4);
    assert_eq!(recent.clone().limit(3).count().await?, 3);
    let mut stream = recent.rev().ids().stream();
    let mut found = Vec::new();
    while let Some(id) = stream.next().await {
        found.push(id?);
    }
    assert_eq!(found, [10, 9, 5, 4]);
    assert_eq!(ids(users.by(User::SIGNED_UP).range(at(9)..at(4)).page().await?.entities), [0; 0]);
    Ok(())
}

#[tokio::test]
async fn cursors_survive_writes_and_lead_on() -> Outcome {
    let users = users().await?;
    for is_reverse in [false, true] {
        let lookup = || {
            let lookup = users.by(User::BY_CITY).within("GB").limit(2);
            if is_reverse { lookup.rev() } else { lookup }
        };
        let first = lookup().page().await?;
        let cursor = first.cursor.clone();
        let mut found = ids(first.entities);
        // The last user of the page goes, and so does its entry.
        let last = found.last().copied().unwrap_or_default();
        let gone = users.get(last).await?;
        users.delete(last).await?;
        let mut cursor = cursor;
        while let Some(next) = cursor {
            let page = lookup().cursor(next).page().await?;
            found.extend(ids(page.entities));
            cursor = page.cursor;
        }
        let expected = if is_reverse { [4, 10, 1, 2, 9] } else { [9, 2, 1, 10, 4] };
        assert_eq!(found, expected);
        users.put_many(gone).await?;
    }
    let page = users.by(User::BY_CITY).within("GB").limit(2).page().await?;
    let other = users.by(User::BY_CITY).within("DE").cursor(page.cursor.clone()).page().await;
    assert!(matches!(other, Err(Error::InvalidCursor { .. })), "{other:?}");
    let other = users.by(User::BY_CITY).within("GB").rev().cursor(page.cursor).page().await;
    assert!(matches!(other, Err(Error::InvalidCursor { .. })), "{other:?}");
    Ok(())
}

#[tokio::test]
async fn a_cursor_shows_no_value() -> Outcome {
    let users = users().await?;
    let page = users.by(User::SIGNED_UP).limit(1).page().await?;
    let cursor = page.cursor.expect("there is more");
    assert!(!cursor.as_str().contains('1'), "{}", cursor.as_str());
    let rest = users.by(User::SIGNED_UP).cursor(cursor).page().await?;
    assert_eq!(rest.entities.len(), 6);
    let page = users.by(User::BY_CITY).limit(1).page().await?;
    let shown = page.cursor.expect("there is more");
    assert!(shown.as_str().contains("Berlin"), "this index says `shown`");
    Ok(())
}

#[tokio::test]
async fn long_texts_are_found_and_are_in_range() -> Outcome {
    let users = Kv::new(MemoryStore::new()).collection::<User>();
    let long = |end: &str| format!("{}{end}", "x".repeat(200));
    let texts =
        [long("a"), long("b"), long("c"), "x".repeat(95), "x".repeat(96), "x".repeat(128), "y".to_owned()];
    for (id, city) in (1..).zip(&texts) {
        users.put(&User::of(id, "GB", Some(city))).await?;
    }
    let gb = || users.by(User::BY_CITY).within("GB");
    for (id, city) in (1..).zip(&texts) {
        assert_eq!(ids(gb().equal(Some(city)).page().await?.entities), [id]);
        for (least, is_in) in texts.iter().map(|least| (least, city >= least)) {
            let found = ids(gb().range(least.as_str()..).page().await?.entities);
            assert_eq!(found.contains(&id), is_in, "{} {}", least.len(), city.len());
            let found = ids(gb().range(..least.as_str()).page().await?.entities);
            assert_eq!(found.contains(&id), !is_in, "{} {}", least.len(), city.len());
            let found = ids(gb().starts_with(least).page().await?.entities);
            assert_eq!(found.contains(&id), city.starts_with(least.as_str()));
        }
    }
    Ok(())
}

/// A long text is cut between two characters, so its entry may have less of it than a bound has.
#[tokio::test]
async fn bounds_near_the_cut_of_long_texts_miss_nothing_and_add_nothing() -> Outcome {
    let users = Kv::new(MemoryStore::new()).collection::<User>();
    let (mut texts, long) = (Vec::new(), "z".repeat(99));
    for before in 92..=95 {
        for edge in ["", " ", "0", "z", "~", "é", "€", "\u{10000}"] {
            for behind in ["", "0", &long] {
                texts.push(format!("{}{edge}{behind}", "x".repeat(before)));
            }
        }
    }
    users.put_many((1..).zip(&texts).map(|(id, city)| User::of(id, "GB", Some(city)))).await?;
    let gb = || users.by(User::BY_CITY).within("GB");
    let are = |is_in: &dyn Fn(&str) -> bool| -> Vec<u64> {
        (1..).zip(&texts).filter(|(_, city)| is_in(city)).map(|(id, _)| id).collect()
    };
    for bound in texts.iter().map(String::as_str) {
        let above = (Bound::Excluded(bound), Bound::Unbounded);
        for (lookup, expected) in [
            (gb().range(bound..), are(&|city| city >= bound)),
            (gb().range(above), are(&|city| city > bound)),
            (gb().range(..=bound), are(&|city| city <= bound)),
            (gb().range(..bound), are(&|city| city < bound)),
            (gb().starts_with(bound), are(&|city| city.starts_with(bound))),
        ] {
            let mut found = ids(lookup.page().await?.entities);
            found.sort_unstable();
            assert_eq!(found, expected, "{bound}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_last_selection_of_a_field_counts() -> Outcome {
    let users = users().await?;
    let by = || users.by(User::BY_CITY);
    let (gb, london, oban) = (|| by().within("GB"), Some("London"), Some("Oban"));
    for (twice, once) in [
        (by().equal(("DE", Some("Berlin"))).equal(("GB", london)), by().equal(("GB", london))),
        (by().equal(("GB", london)).range("D".."F"), by().range("D".."F")),
        (by().equal(("GB", london)).starts_with("D"), by().starts_with("D")),
    ] {
        let [twice, once] = [ids(twice.page().await?.entities), ids(once.page().await?.entities)];
        assert!(twice == once && !once.is_empty(), "{twice:?} {once:?}");
    }
    for (twice, once) in [
        (gb().equal(oban).equal(london), gb().equal(london)),
        (gb().equal(london).range("M"..), gb().range("M"..)),
        (gb().range("M"..).equal(london), gb().equal(london)),
        (by().equal(("DE", oban)).within("GB").equal(london), gb().equal(london)),
    ] {
        let [twice, once] = [ids(twice.page().await?.entities), ids(once.page().await?.entities)];
        assert!(twice == once && !once.is_empty(), "{twice:?} {once:?}");
    }
    Ok(())
}

/// ElectroDB #406 and #479 cannot update a part of an index.
#[tokio::test]
async fn a_part_of_an_index_is_updated() -> Outcome {
    let users = users().await?;
    users.update(1, |user| user.city = Some("York".to_owned())).await?;
    users.update(3, |user| user.country = "GB".to_owned()).await?;
    users.update(10, |user| user.city = None).await?;
    assert_eq!(ids(users.by(User::BY_CITY).within("GB").page().await?.entities), [9, 10, 2, 3, 4, 1]);
    assert_eq!(ids(users.by(User::BY_CITY).within("DE").page().await?.entities), [0; 0]);
    Ok(())
}

/// A page of large entities ends by their size.
#[tokio::test]
async fn a_page_ends_by_bytes() -> Outcome {
    let users = Kv::new(MemoryStore::new()).collection::<User>();
    let large = "x".repeat(1 << 20);
    users.put_many((1..=12).map(|id| User::of(id, &large, None))).await?;
    let mut found = Vec::new();
    let mut lookup = users.by(User::BY_CITY).within(&large);
    loop {
        let page = lookup.clone().page().await?;
        assert!(page.entities.len() <= 8, "{} MiB", page.entities.len());
        found.extend(ids(page.entities));
        let Some(cursor) = page.cursor else { break };
        lookup = lookup.cursor(cursor);
    }
    assert_eq!(found, (1..=12).collect::<Vec<u64>>());
    Ok(())
}
