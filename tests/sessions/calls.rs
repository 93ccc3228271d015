//! What each call promises, on every store that is here.

use std::time::{Duration, SystemTime};

use kv_runtime::key::Key;
use kv_runtime::store::{AtomicStore, StoreExt};
use kv_runtime::tower_sessions::{KvSessionStore, StoredSession};
use kv_runtime::{Kv, ManualClock, Timestamp};
use serde_json::json;
use tower_sessions::SessionStore;
use tower_sessions::session::Id;

use crate::counted::Counted;
use crate::{HOUR, MINUTE, Outcome, START, created, expires_after, record};

/// Runs a test on each store, and on one behind a memory.
macro_rules! on_every_store {
    ($($test:ident),+ $(,)?) => {
        mod on_memory {
            $(#[tokio::test]
            async fn $test() -> crate::Outcome {
                let (kv, clock) = crate::memory();
                super::$test(super::KvSessionStore::new(&kv), kv, clock).await
            })+
        }

        mod on_redb {
            $(#[tokio::test]
            async fn $test() -> crate::Outcome {
                let (kv, clock, _dir) = crate::redb()?;
                super::$test(super::KvSessionStore::new(&kv), kv, clock).await
            })+
        }

        mod behind_a_memory {
            $(#[tokio::test]
            async fn $test() -> crate::Outcome {
                let (kv, clock) = crate::memory();
                let store = super::KvSessionStore::new(&kv).with_memory(crate::HOUR, 100);
                super::$test(store, kv, clock).await
            })+
        }
    };
}

on_every_store!(
    what_was_created_is_loaded,
    save_changes_data_and_expiry_date,
    save_of_an_absent_session_writes_nothing,
    delete_is_final_and_may_be_repeated,
    the_expiry_date_is_kept_to_the_millisecond,
    an_expiry_date_that_has_passed_ends_the_session,
    a_taken_id_is_not_overwritten
);

async fn what_was_created_is_loaded<S: AtomicStore>(
    store: KvSessionStore<S>,
    kv: Kv<S>,
    _: ManualClock,
) -> Outcome {
    let record = created(&store, HOUR).await?;
    assert_eq!(store.load(&record.id).await?, Some(record.clone()));
    assert_eq!(store.load(&Id::default()).await?, None);

    // It lies where the documentation says, as JSON, with the expiry date as the record's expiry.
    let key = Key::from_text(format!("tower-session:{}", record.id));
    let stored = kv.store().read(&key).await?.ok_or("there is no record")?;
    assert_eq!(stored.expires_at, Some(START.saturating_add(HOUR)));
    let value: serde_json::Value = serde_json::from_slice(&stored.value)?;
    assert_eq!(value, json!({"data": {"user": 7}, "expires_at": START.saturating_add(HOUR).as_millis()}));
    let listed = kv.collection::<StoredSession>().list().page().await?;
    assert_eq!(listed.entities.len(), 1);
    assert_eq!(listed.entities[0].data, record.data);
    Ok(())
}

async fn save_changes_data_and_expiry_date<S: AtomicStore>(
    store: KvSessionStore<S>,
    _: Kv<S>,
    clock: ManualClock,
) -> Outcome {
    let mut record = created(&store, HOUR).await?;
    clock.advance(30 * MINUTE);
    record.data.insert("cart".to_owned(), json!(["tea", {"milk": null}]));
    record.data.remove("user");
    expires_after(&mut record, 90 * MINUTE);
    store.save(&record).await?;
    assert_eq!(store.load(&record.id).await?, Some(record.clone()));
    clock.advance(HOUR - Duration::from_millis(1));
    assert!(store.load(&record.id).await?.is_some());
    clock.advance(Duration::from_millis(1));
    assert_eq!(store.load(&record.id).await?, None);

    // Sooner goes, too.
    let mut record = created(&store, 4 * HOUR).await?;
    expires_after(&mut record, 2 * HOUR);
    store.save(&record).await?;
    clock.set(START.saturating_add(2 * HOUR));
    assert_eq!(store.load(&record.id).await?, None);
    Ok(())
}

async fn save_of_an_absent_session_writes_nothing<S: AtomicStore>(
    store: KvSessionStore<S>,
    kv: Kv<S>,
    clock: ManualClock,
) -> Outcome {
    // An id that a client made up.
    let forged = record(HOUR);
    store.save(&forged).await?;
    assert_eq!(store.load(&forged.id).await?, None);

    // One that has expired.
    let mut record = created(&store, HOUR).await?;
    clock.advance(HOUR);
    expires_after(&mut record, 2 * HOUR);
    store.save(&record).await?;
    assert_eq!(store.load(&record.id).await?, None);
    assert!(kv.collection::<StoredSession>().list().ids().page().await?.ids.is_empty());
    Ok(())
}

async fn delete_is_final_and_may_be_repeated<S: AtomicStore>(
    store: KvSessionStore<S>,
    _: Kv<S>,
    _: ManualClock,
) -> Outcome {
    let store = store.with_idle_timeout(MINUTE);
    let record = created(&store, HOUR).await?;
    store.delete(&record.id).await?;
    store.delete(&record.id).await?;
    assert_eq!(store.load(&record.id).await?, None);
    store.save(&record).await?;
    assert_eq!(store.load(&record.id).await?, None);
    Ok(())
}

async fn the_expiry_date_is_kept_to_the_millisecond<S: AtomicStore>(
    store: KvSessionStore<S>,
    _: Kv<S>,
    _: ManualClock,
) -> Outcome {
    let mut record = record(HOUR);
    record.expiry_date = SystemTime::from(record.expiry_date)
        .checked_add(Duration::from_nanos(1_999_999))
        .ok_or("no such moment")?
        .into();
    store.create(&mut record).await?;
    let loaded = store.load(&record.id).await?.ok_or("it is not there")?;
    assert_eq!(
        loaded.expiry_date.unix_timestamp_nanos(),
        record.expiry_date.unix_timestamp_nanos() - 999_999
    );
    Ok(())
}

async fn an_expiry_date_that_has_passed_ends_the_session<S: AtomicStore>(
    store: KvSessionStore<S>,
    _: Kv<S>,
    clock: ManualClock,
) -> Outcome {
    let store = store.with_idle_timeout(MINUTE);
    let mut session = created(&store, HOUR).await?;
    clock.advance(MINUTE / 2);
    expires_after(&mut session, MINUTE / 2);
    store.save(&session).await?;
    assert_eq!(store.load(&session.id).await?, None);
    let mut ended = record(MINUTE / 2);
    store.create(&mut ended).await?;
    assert_eq!(store.load(&ended.id).await?, None);
    Ok(())
}

async fn a_taken_id_is_not_overwritten<S: AtomicStore>(
    store: KvSessionStore<S>,
    _: Kv<S>,
    _: ManualClock,
) -> Outcome {
    let first = created(&store, HOUR).await?;
    let mut second = record(HOUR);
    second.id = first.id;
    second.data.insert("user".to_owned(), json!(8));
    store.create(&mut second).await?;
    assert_ne!(second.id, first.id);
    assert_eq!(store.load(&first.id).await?, Some(first));
    assert_eq!(store.load(&second.id).await?, Some(second));
    Ok(())
}

#[tokio::test]
async fn a_store_where_every_id_is_taken_is_given_up() -> Outcome {
    let kv = Counted::new(&ManualClock::new(START));
    let store = KvSessionStore::new(&kv);
    kv.store().take_ids(3);
    let mut record = record(HOUR);
    let id = record.id;
    store.create(&mut record).await?;
    assert_ne!(record.id, id);
    assert!(store.load(&record.id).await?.is_some());

    kv.store().take_ids(usize::MAX);
    let error = store.create(&mut record).await.expect_err("every id is taken").to_string();
    assert!(error.contains("there is a record already"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_session_can_be_found_by_what_is_in_it() -> Outcome {
    let (kv, _clock) = crate::memory();
    let store = KvSessionStore::new(&kv);
    for user in [7, 8, 7] {
        let mut record = record(HOUR);
        record.data.insert("user".to_owned(), json!(user));
        store.create(&mut record).await?;
    }
    let sessions = kv.collection::<StoredSession>();
    let mut all = sessions.list().stream();
    while let Some(session) = all.next().await.transpose()? {
        if session.data.get("user") == Some(&json!(7)) {
            sessions.delete(&session.id).await?;
        }
    }
    let left = sessions.list().page().await?.entities;
    assert_eq!(left.iter().map(|session| &session.data["user"]).collect::<Vec<_>>(), [&json!(8)]);
    Ok(())
}

/// Another program may write a moment that tower-sessions cannot say.
#[tokio::test]
async fn a_session_without_an_end_is_loaded() -> Outcome {
    let (kv, _) = crate::memory();
    let store = KvSessionStore::new(&kv);
    let session = crate::created(&store, HOUR).await?;
    let sessions = kv.collection::<StoredSession>();
    sessions.update(&session.id.to_string(), |session| session.expires_at = Timestamp::MAX).await?;
    let loaded = store.load(&session.id).await?.ok_or("it is not there")?;
    assert_eq!((loaded.expiry_date.year(), loaded.data), (9999, session.data));
    Ok(())
}
