//! What is special to the store in memory; the conformance suite tests the rest.

use std::collections::BTreeSet;
use std::time::Duration;

use super::state::SCANNED_BY_PAGE;
use super::*;
use crate::manual_clock::ManualClock;
use crate::record::{Expiry, Metadata, NewRecord};
use crate::store::{StoreExt, Write};

fn key(text: &str) -> Key {
    Key::from_text(text)
}

fn lasting(secs: u64) -> NewRecord {
    NewRecord::new("{}", Metadata::default()).with_expiry(Expiry::After(Duration::from_secs(secs)))
}

/// What the index must be: every record that expires, once.
fn assert_in_step(store: &MemoryStore) {
    let state = store.state();
    let expected: BTreeSet<_> =
        state.records.iter().filter_map(|(key, slot)| Some((slot.expires_at?, key.clone()))).collect();
    assert_eq!(state.expiring, expected);
}

#[tokio::test]
async fn the_index_of_expiry_stays_in_step() -> Result<()> {
    let store = MemoryStore::with_clock(Clock::from(&ManualClock::new(Timestamp::from_millis(1_000))));
    for secs in [5, 5, 7, 3] {
        store.put(key("a"), lasting(secs)).await?;
        assert_in_step(&store);
    }
    store.put(key("a"), NewRecord::new("{}", Metadata::default())).await?;
    assert_in_step(&store);
    for expiry in [Expiry::After(Duration::from_secs(9)), Expiry::Never, Expiry::At(Timestamp::MAX)] {
        assert_eq!(store.commit(Vec::new(), Write::Touch(key("a"), expiry).into()).await?, Commit::Done);
        assert_in_step(&store);
    }
    assert_eq!(store.commit(Vec::new(), Write::Update(key("a"), lasting(1)).into()).await?, Commit::Done);
    assert_eq!(store.read(&key("a")).await?.and_then(|record| record.expires_at), Some(Timestamp::MAX));
    assert_in_step(&store);
    store.delete(key("a")).await?;
    assert_in_step(&store);
    assert!(store.state().expiring.is_empty());
    Ok(())
}

#[tokio::test]
async fn writes_give_back_the_memory_of_what_has_expired() -> Result<()> {
    let manual = ManualClock::new(Timestamp::from_millis(1_000));
    let store = MemoryStore::with_clock(Clock::from(&manual));
    for number in 0..100 {
        store.put(key(&format!("gone:{number}")), lasting(1)).await?;
    }
    manual.advance(Duration::from_secs(1));
    assert_eq!(store.state().records.len(), 100);
    for _ in 0..20 {
        store.put(key("stays"), lasting(60)).await?;
    }
    assert_eq!(store.state().records.len(), 61);
    let batch = (0..10).map(|number| (key(&format!("stays:{number}")), lasting(60)));
    store.put_many(batch.collect()).await?;
    assert_eq!(store.state().records.len(), 51);
    assert_eq!(store.sweep(), 40);
    assert_eq!(store.state().records.len(), 11);
    assert_eq!(store.sweep(), 0);
    assert_in_step(&store);
    Ok(())
}

#[tokio::test]
async fn a_page_ends_after_many_keys_that_do_not_match() -> Result<()> {
    let store = MemoryStore::new();
    let record = || NewRecord::new("{}", Metadata::default());
    let records = (0..SCANNED_BY_PAGE + 5).map(|number| (key(&format!("a:{number:06}:other")), record()));
    store.put_many(records.collect()).await?;
    store.put(key("a:999999:this"), record()).await?;
    let query = ListQuery::new(key("a:")).with_suffix(":this").with_limit(usize::MAX);
    let page = store.page(&query).await?;
    assert!(page.is_empty() && page.cursor.is_some());
    let page = store.page(&query.with_cursor(page.cursor)).await?;
    assert_eq!((page.keys().collect::<Vec<_>>(), &page.cursor), (vec!["a:999999:this"], &None));
    Ok(())
}

/// Claims are kept apart from other records, and nobody sees that.
#[tokio::test]
async fn claims_and_other_records_are_listed_in_one_order() -> Result<()> {
    let store = MemoryStore::new();
    let metadata =
        || Metadata::new(1, crate::codec::Codec::Json).with_created_at(Some(Timestamp::from_millis(7)));
    let claim = |number: usize| (key(&format!("a!b!{number:05}!")), NewRecord::new("\"a:1\"", metadata()));
    // More than a list looks at together, and among them records that are no claims.
    let claims: Vec<_> = (0..2_000).map(claim).collect();
    let others = (0..2_000).step_by(100).map(|number| {
        let plain = NewRecord::plain("1");
        (key(&format!("a!b!{number:05}!z")), if number % 200 == 0 { plain } else { lasting(60) })
    });
    let mut all: Vec<_> = claims.into_iter().chain(others).collect();
    store.put_many(all.clone()).await?;
    assert_eq!((store.state().records.len(), store.state().len()), (20, 2_020));
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (limit, suffix) in [(usize::MAX, None), (100, None), (7, Some("00!"))] {
        let expected =
            all.iter().map(|(key, _)| key.as_str()).filter(|key| key.ends_with(suffix.unwrap_or("")));
        let mut query = ListQuery::new(key("a!")).with_limit(limit);
        if let Some(suffix) = suffix {
            query = query.with_suffix(suffix);
        }
        let mut listed = Vec::new();
        loop {
            let page = store.page(&query).await?;
            listed.extend(page.keys().map(str::to_owned));
            if page.cursor.is_none() {
                break;
            }
            query = query.with_cursor(page.cursor);
        }
        assert_eq!(listed, expected.collect::<Vec<_>>());
    }
    let found = store.read(&key("a!b!00007!")).await?.expect("is there");
    assert_eq!((&*found.value, found.metadata), (&b"\"a:1\""[..], metadata()));
    Ok(())
}

#[tokio::test]
async fn a_claim_becomes_another_record_and_back() -> Result<()> {
    let store = MemoryStore::with_clock(Clock::from(&ManualClock::new(Timestamp::from_millis(1_000))));
    let (claim, value) = (key("a!b!c!"), || NewRecord::new("1", Metadata::new(1, crate::codec::Codec::Json)));
    let counts = |store: &MemoryStore| (store.state().records.len(), store.state().len());
    store.put(claim.clone(), value()).await?;
    let before = store.read(&claim).await?.expect("is there");
    assert_eq!(counts(&store), (0, 1));
    let touch = |expiry| Write::Touch(claim.clone(), expiry);
    assert_eq!(store.commit(Vec::new(), touch(Expiry::Never).into()).await?, Commit::Done);
    assert_eq!(counts(&store), (0, 1));
    let touched = store.commit(Vec::new(), touch(Expiry::After(Duration::from_secs(5))).into()).await?;
    assert_eq!(touched, Commit::Done);
    assert_eq!(counts(&store), (1, 1));
    assert_in_step(&store);
    let found = store.read(&claim).await?.expect("is there");
    assert_eq!((found.revision, found.expires_at), (before.revision, Some(Timestamp::from_millis(6_000))));
    store.put(claim.clone(), value()).await?;
    assert_eq!(counts(&store), (0, 1));
    assert_in_step(&store);
    store
        .put(claim.clone(), NewRecord::new("x".repeat(1_000), Metadata::new(1, crate::codec::Codec::Json)))
        .await?;
    assert_eq!(counts(&store), (1, 1));
    store.put(claim.clone(), value()).await?;
    store.delete(claim).await?;
    assert_eq!(counts(&store), (0, 0));
    Ok(())
}

#[tokio::test]
async fn debug_shows_no_key_and_no_value() -> Result<()> {
    let store = MemoryStore::new();
    store.put(key("session:token"), NewRecord::new("secret", Metadata::default())).await?;
    assert_eq!(format!("{store:?}"), "MemoryStore { records: 1, .. }");
    Ok(())
}
