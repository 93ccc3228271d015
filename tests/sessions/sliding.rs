//! The idle timeout slides with each load, with few writes, and never beyond the expiry date.

use std::time::Duration;

use kv_runtime::ManualClock;
use kv_runtime::tower_sessions::KvSessionStore;
use tower_sessions::SessionStore;

use crate::counted::Counted;
use crate::{HOUR, MINUTE, Outcome, SECOND, START, created, expires_after};

const MILLI: Duration = Duration::from_millis(1);

#[tokio::test]
async fn a_session_lives_as_long_as_it_is_looked_at() -> Outcome {
    let (kv, clock) = crate::memory();
    let store = KvSessionStore::new(&kv).with_idle_timeout(30 * MINUTE);
    let record = created(&store, 24 * HOUR).await?;
    for _ in 0..40 {
        clock.advance(30 * MINUTE - MILLI);
        assert_eq!(store.load(&record.id).await?.as_ref(), Some(&record));
    }
    clock.advance(30 * MINUTE);
    assert_eq!(store.load(&record.id).await?, None);
    Ok(())
}

#[tokio::test]
async fn the_expiry_date_is_the_end() -> Outcome {
    let (kv, clock) = crate::memory();
    let store = KvSessionStore::new(&kv).with_idle_timeout(30 * MINUTE).with_touch_interval(5 * MINUTE);
    let record = created(&store, HOUR).await?;
    for _ in 0..59 {
        clock.advance(MINUTE);
        assert!(store.load(&record.id).await?.is_some());
    }
    clock.advance(MINUTE - MILLI);
    assert!(store.load(&record.id).await?.is_some());
    clock.advance(MILLI);
    assert_eq!(store.load(&record.id).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_touch_interval_spares_writes() -> Outcome {
    let clock = ManualClock::new(START);
    let kv = Counted::new(&clock);
    let store = KvSessionStore::new(&kv).with_idle_timeout(30 * MINUTE).with_touch_interval(5 * MINUTE);
    let record = created(&store, 24 * HOUR).await?;
    assert_eq!(kv.store().commits(), ["put"]);
    // 720 requests in two hours: one write in five minutes, and none of them of the value.
    for _ in 0..720 {
        clock.advance(10 * SECOND);
        assert!(store.load(&record.id).await?.is_some());
    }
    assert_eq!(kv.store().commits(), ["touch"; 24]);
    // It ends an interval early at most.
    clock.advance(25 * MINUTE);
    assert!(store.load(&record.id).await?.is_some());
    Ok(())
}

#[tokio::test]
async fn an_interval_of_more_than_the_timeout_does_not_end_sessions() -> Outcome {
    let (kv, clock) = crate::memory();
    let store = KvSessionStore::new(&kv).with_idle_timeout(MINUTE).with_touch_interval(HOUR);
    let record = created(&store, 24 * HOUR).await?;
    for _ in 0..10 {
        clock.advance(MINUTE / 2);
        assert!(store.load(&record.id).await?.is_some());
    }
    Ok(())
}

/// With tower-sessions' `with_always_save` each response saves, and moves the expiry date.
#[tokio::test]
async fn saves_that_change_nothing_are_spared_too() -> Outcome {
    let clock = ManualClock::new(START);
    let kv = Counted::new(&clock);
    let store = KvSessionStore::new(&kv).with_touch_interval(5 * MINUTE);
    let mut record = created(&store, HOUR).await?;
    kv.store().commits();
    let mut used = Duration::ZERO;
    for _ in 0..120 {
        used += MINUTE;
        clock.advance(MINUTE);
        expires_after(&mut record, used + HOUR);
        store.save(&record).await?;
    }
    assert_eq!(kv.store().commits().len(), 24);
    // A change of the data is written at once, and an earlier end.
    record.data.clear();
    store.save(&record).await?;
    expires_after(&mut record, used + MINUTE);
    store.save(&record).await?;
    store.save(&record).await?;
    assert_eq!(kv.store().commits().len(), 2);
    assert_eq!(store.load(&record.id).await?, Some(record));
    Ok(())
}

/// A request that changes nothing cannot take back what another changes meanwhile: what slides is
/// the expiry alone.
#[tokio::test]
async fn sliding_leaves_the_data_alone() -> Outcome {
    let (kv, clock) = crate::memory();
    let store = KvSessionStore::new(&kv).with_idle_timeout(HOUR);
    let mut record = created(&store, 24 * HOUR).await?;
    let slow = store.load(&record.id).await?;
    clock.advance(MINUTE);
    record.data.insert("cart".to_owned(), "tea".into());
    store.save(&record).await?;
    assert_ne!(slow.as_ref(), Some(&record));
    assert_eq!(store.load(&record.id).await?, Some(record));
    Ok(())
}
