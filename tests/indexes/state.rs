//! Whether an index has all entities: builds, checks, sweeps and drops.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::layer::{Fault, FaultStore, Operation};
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{MemoryStore, Store, StoreExt};
use kv_runtime::{Codec, Collection, Error, Kv, ManualClock, Timestamp};

use crate::user::User;

type Outcome = Result<(), Error>;

/// A user as a program writes it that knows no index.
async fn write_by_older_program(store: &impl Store, id: u64, email: &str) -> Outcome {
    let value =
        format!(r#"{{"email":"{email}","country":"GB","city":null,"signed_up":{id},"nickname":null}}"#);
    store
        .put(Key::from_text(format!("user:{id}")), NewRecord::new(value, Metadata::new(1, Codec::Json)))
        .await
}

async fn old_users(count: u64) -> Result<Collection<User, MemoryStore>, Error> {
    let store = MemoryStore::new();
    for id in 1..=count {
        write_by_older_program(&store, id, &format!("{id}@example.com")).await?;
    }
    Ok(Kv::new(store).collection())
}

async fn emails(users: &Collection<User, MemoryStore>, ids: impl IntoIterator<Item = u64>) -> Outcome {
    for id in ids {
        let found = users.by(User::EMAIL).get(&format!("{id}@example.com")).await?;
        assert_eq!(found.map(|user| user.id), Some(id));
    }
    Ok(())
}

/// redis-om-dotnet #176 answers from half-built indexes.
#[tokio::test]
async fn an_index_that_is_not_built_gives_no_answer() -> Outcome {
    let users = old_users(3).await?;
    let unready = users.by(User::EMAIL).get("1@example.com").await;
    assert!(matches!(unready, Err(Error::IndexNotReady { index: "email", .. })), "{unready:?}");
    let unready = users.by(User::SIGNED_UP).page().await.map(drop);
    assert!(matches!(unready, Err(Error::IndexNotReady { index: "signed_up", .. })), "{unready:?}");
    // Nor does a write make it ready.
    users.put(&User::new(4, "4@example.com")).await?;
    assert!(matches!(users.by(User::EMAIL).get("4@example.com").await, Err(Error::IndexNotReady { .. })));
    let unconfirmed = users.build_indexes().run().await;
    assert!(matches!(unconfirmed, Err(Error::InvalidOptions { .. })), "{unconfirmed:?}");
    let report = users.build_indexes().no_older_writers().run().await?;
    assert!(report.is_ready);
    assert_eq!((report.entities, report.violations, report.unreadable), (4, 0, 0));
    emails(&users, 1..=4).await?;
    assert_eq!(users.by(User::SIGNED_UP).count().await?, 4);
    let again = users.build_indexes().no_older_writers().run().await?;
    assert_eq!((again.is_ready, again.entities), (true, 0));
    Ok(())
}

#[tokio::test]
async fn an_index_of_a_collection_that_was_always_empty_is_ready() -> Outcome {
    let users = Kv::new(MemoryStore::new()).collection::<User>();
    assert_eq!(users.by(User::BY_CITY).page().await?.entities, []);
    let users = Kv::new(MemoryStore::new()).collection::<User>();
    users.put(&User::new(1, "1@example.com")).await?;
    emails(&users, [1]).await
}

#[tokio::test]
async fn a_build_reports_violations_and_makes_nothing_ready() -> Outcome {
    let users = old_users(3).await?;
    write_by_older_program(users.store(), 4, "1@example.com").await?;
    write_by_older_program(users.store(), 5, "2@EXAMPLE.com").await?;
    let report = users.build_indexes().no_older_writers().run().await?;
    assert_eq!((report.is_ready, report.violations), (false, 2), "{report:?}");
    assert!(report.errors.iter().all(|error| matches!(error, Error::NotUnique { index: "email", .. })));
    assert!(matches!(users.by(User::EMAIL).get("1@example.com").await, Err(Error::IndexNotReady { .. })));
    users.update(4, |user| user.email = "4@example.com".to_owned()).await?;
    users.update(5, |user| user.email = "5@example.com".to_owned()).await?;
    assert!(users.build_indexes().no_older_writers().batch(2).run().await?.is_ready);
    emails(&users, 1..=5).await
}

#[tokio::test]
async fn a_report_counts_all_errors_and_keeps_a_thousand() -> Outcome {
    let store = MemoryStore::new();
    for id in 0..2_500 {
        write_by_older_program(&store, id, "all@example.com").await?;
    }
    let users = Kv::new(store).collection::<User>();
    let report = users.build_indexes().no_older_writers().run().await?;
    assert_eq!((report.violations, report.errors.len()), (2_499, 1_000));
    let report = users.check_indexes().await?;
    assert_eq!((report.violations, report.errors.len()), (2_499, 1_000));
    Ok(())
}

#[tokio::test]
async fn an_unreadable_entity_keeps_an_index_unready_until_told_otherwise() -> Outcome {
    let users = old_users(3).await?;
    users.store().put(Key::from_text("user:2"), NewRecord::new("{", Metadata::new(1, Codec::Json))).await?;
    let report = users.build_indexes().no_older_writers().run().await?;
    assert_eq!((report.is_ready, report.unreadable), (false, 1));
    let report = users.build_indexes().no_older_writers().pass_over_unreadable().run().await?;
    assert!(report.is_ready, "{report:?}");
    emails(&users, [1, 3]).await?;
    // It can still be repaired.
    users.put(&User::new(2, "2@example.com")).await?;
    emails(&users, 1..=3).await
}

#[tokio::test]
async fn a_build_goes_on_where_it_was_killed() -> Outcome {
    let users = old_users(100).await?;
    let (seen, heard) = std::sync::mpsc::channel();
    let build = users.build_indexes().no_older_writers().batch(10).progress(move |report| {
        let _ = seen.send(report.entities);
    });
    // Polled until it has reported the third batch.
    let mut build = Box::pin(build.run());
    while heard.try_iter().last().unwrap_or_default() < 30 {
        let polled = futures_util::future::poll_immediate(&mut build).await;
        assert!(polled.is_none(), "it has not ended");
    }
    drop(build);
    // redis-om-dotnet #176: a half-built index would answer for the half.
    let unready = users.by(User::EMAIL).get("1@example.com").await;
    assert!(matches!(unready, Err(Error::IndexNotReady { .. })), "{unready:?}");
    // Writers go on meanwhile.
    users.update(5, |user| user.email = "new@example.com".to_owned()).await?;
    users.update(95, |user| user.city = Some("Leeds".to_owned())).await?;
    let report = users.build_indexes().no_older_writers().run().await?;
    assert!(report.is_ready && report.entities < 100, "{report:?}");
    emails(&users, (1..=100).filter(|id| *id != 5)).await?;
    assert!(users.by(User::EMAIL).exists("new@example.com").await?);
    assert_eq!(users.by(User::BY_CITY).count().await?, 100);
    Ok(())
}

#[tokio::test]
async fn a_check_repairs_what_an_older_program_wrote() -> Outcome {
    let users = Kv::new(MemoryStore::new()).collection::<User>();
    users.put_many((1..=5).map(|id| User::new(id, &format!("{id}@example.com")))).await?;
    write_by_older_program(users.store(), 1, "one@example.com").await?;
    write_by_older_program(users.store(), 6, "6@example.com").await?;
    users.store().delete(Key::from_text("user:2")).await?;
    // A wrong answer is not given even so.
    assert_eq!(users.by(User::EMAIL).get("1@example.com").await?, None);
    assert_eq!(users.by(User::EMAIL).get("2@example.com").await?, None);
    let report = users.check_indexes().await?;
    assert_eq!((report.added, report.removed, report.is_ready), (4, 4, true), "{report:?}");
    emails(&users, 3..=6).await?;
    assert_eq!(users.by(User::EMAIL).get("one@example.com").await?.map(|user| user.id), Some(1));
    let report = users.check_indexes().await?;
    assert_eq!((report.added, report.removed, report.entities), (0, 0, 5), "{report:?}");
    Ok(())
}

#[tokio::test]
async fn a_sweep_removes_the_entries_of_expired_entities() -> Outcome {
    let clock = ManualClock::new(Timestamp::from_millis(1_000_000));
    let users = Kv::new(MemoryStore::with_clock((&clock).into())).collection::<User>();
    users.put(&User::new(1, "1@example.com")).await?;
    let short = users.with_ttl(Duration::from_secs(1));
    short.put_many((2..=9).map(|id| User::new(id, &format!("{id}@example.com")))).await?;
    assert_eq!(users.sweep_indexes().await?.removed, 0);
    clock.advance(Duration::from_secs(1));
    assert_eq!(users.by(User::BY_CITY).count().await?, 1);
    assert_eq!(users.sweep_indexes().await?.removed, 24);
    assert_eq!(users.sweep_indexes().await?.removed, 0);
    emails(&users, [1]).await
}

#[tokio::test]
async fn a_dropped_index_gives_no_answer_until_it_is_built() -> Outcome {
    let users = Kv::new(MemoryStore::new()).collection::<User>();
    users.put_many((1..=5).map(|id| User::new(id, &format!("{id}@example.com")))).await?;
    assert_eq!(users.drop_index("email").await?, 5);
    assert_eq!(users.drop_index("by_city").await?, 5);
    assert_eq!(users.drop_index("unknown").await?, 0);
    assert!(matches!(users.by(User::EMAIL).get("1@example.com").await, Err(Error::IndexNotReady { .. })));
    assert!(matches!(users.by(User::BY_CITY).page().await, Err(Error::IndexNotReady { .. })));
    assert_eq!(users.by(User::SIGNED_UP).count().await?, 5);
    assert!(users.build_indexes().no_older_writers().run().await?.is_ready);
    emails(&users, 1..=5).await?;
    assert_eq!(users.by(User::BY_CITY).count().await?, 5);
    Ok(())
}

/// What is no name is the beginning of the entries of others, or of all states.
#[tokio::test]
async fn what_is_no_name_of_an_index_drops_none() -> Outcome {
    let users = Kv::new(MemoryStore::new()).collection::<User>();
    users.put_many((1..=3).map(|id| User::of(id, "GB", Some("London")))).await?;
    for name in ["", "!", "email!", "email!1@example.com", "by_city!GB", "by_city!GB!$London"] {
        let refused = users.drop_index(name).await;
        assert!(matches!(refused, Err(Error::InvalidOptions { .. })), "{name}: {refused:?}");
    }
    emails(&users, 1..=3).await?;
    assert_eq!(users.by(User::BY_CITY).within("GB").count().await?, 3);
    Ok(())
}

#[tokio::test]
async fn entries_are_no_entities() -> Outcome {
    let users = Kv::new(MemoryStore::new()).collection::<User>();
    users.put_many((1..=3).map(|id| User::new(id, &format!("{id}@example.com")))).await?;
    let page = users.list().page().await?;
    assert_eq!((page.entities.len(), page.skipped, page.failed.len()), (3, 0, 0));
    let census = users.census().await?;
    assert_eq!((census.groups[0].total(), census.skipped), (3, 0));
    let report = users.migrate_all().run().await?;
    assert_eq!((report.current, report.skipped), (3, 0));
    Ok(())
}

/// The first write of an empty collection first makes its indexes ready, in another commit.
#[tokio::test]
async fn an_answer_that_is_lost_before_the_entity_is_written_leaves_no_doubt() -> Outcome {
    let store = FaultStore::new(MemoryStore::new());
    let faults = store.faults().clone();
    let users = Kv::new(store).collection::<User>();
    faults.add(Fault::fail().after().on(&[Operation::Commit]).times(1));
    let lost = users.put(&User::new(1, "1@example.com")).await;
    assert!(matches!(&lost, Err(Error::Store { retryable: true, .. })), "{lost:?}");
    assert_eq!((faults.struck(), users.get(1).await?), (1, None));
    users.put(&User::new(1, "1@example.com")).await?;
    // The commit of the entity itself: nobody knows, and the error names it.
    faults.add(Fault::fail().after().on(&[Operation::Commit]));
    let put = users.put(&User::new(2, "2@example.com")).await;
    let deleted = users.by(User::EMAIL).delete("1@example.com").await.map(drop);
    faults.clear();
    for (lost, key) in [(put, "user:2"), (deleted, "user:1")] {
        let Err(Error::OutcomeUnknown { at, .. }) = lost else { panic!("{lost:?}") };
        assert_eq!((at.entity, at.key.as_deref()), (Some("User"), Some(key)));
    }
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_to_a_transaction_names_an_entity_and_no_entry() -> Outcome {
    let store = FaultStore::new(MemoryStore::new());
    let faults = store.faults().clone();
    let kv = Kv::new(store);
    kv.collection().put(&User::new(1, "1@example.com")).await?;
    faults.add(Fault::fail().after().on(&[Operation::Commit]));
    let lost = kv.transact(async |tx| tx.insert(&User::new(2, "2@example.com"))).await;
    faults.clear();
    let Err(Error::OutcomeUnknown { at, .. }) = lost else { panic!("{lost:?}") };
    assert_eq!((at.entity, at.key.as_deref()), (Some("User"), Some("user:2")));
    Ok(())
}
