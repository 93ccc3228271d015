//! Changes where the last write wins. They make the promises of `update`, except against concurrent
//! writers.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{AtomicStore, StoreExt};
use kv_runtime::{Codec, Error, Kv, ManualClock};

use crate::entities::{Counter, Invite, Session, User, UserPrefs};
use crate::{Outcome, START, on_every_store};

on_every_store!(
    what_is_changed_is_written,
    what_is_not_changed_is_not_written,
    expiry_and_foreign_metadata_stay,
    an_expires_at_field_decides,
    a_change_can_be_given_up,
    what_is_absent_is_created,
    the_id_stays,
    a_touch_extends_what_is_there,
    a_touch_spares_writes,
    the_last_write_wins
);

const HOUR: Duration = Duration::from_secs(3_600);

async fn what_is_changed_is_written<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let users = kv.collection::<User>();
    users.put(&User::new(1)).await?;
    let changed = users.update_last_write_wins(1, |user| user.quota = 11).await?;
    assert_eq!(users.get(1).await?, Some(changed.clone()));
    assert_eq!(changed, User { quota: 11, ..User::new(1) });
    let absent = users.update_last_write_wins(2, |_| ()).await;
    assert!(matches!(absent, Err(Error::NotFound { .. })), "{absent:?}");
    let advice = "`put` creates it, and `upsert` changes or creates it";
    assert!(absent.is_err_and(|error| error.to_string().ends_with(advice)));
    Ok(())
}

async fn what_is_not_changed_is_not_written<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let users = kv.collection::<User>();
    users.put(&User::new(1)).await?;
    let keys = ["user:1:profile", "user:1:limits", "user:1:settings"].map(Key::from_text);
    let before = kv.store().read_many(&keys).await?;
    users.update_last_write_wins(1, |user| user.quota = 11).await?;
    let after = kv.store().read_many(&keys).await?;
    let same =
        |at: usize| before[at].as_ref().map(|it| &it.revision) == after[at].as_ref().map(|it| &it.revision);
    assert_eq!([same(0), same(1), same(2)], [true, false, true]);
    Ok(())
}

async fn expiry_and_foreign_metadata_stay<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let sessions = kv.collection::<Session>();
    let key = Key::from_text("session:t");
    let mut metadata = Metadata::new(1, Codec::Json);
    metadata.set_foreign("theirs", 7.into())?;
    let record =
        NewRecord::new(r#"{"user":1}"#, metadata).with_expiry(kv_runtime::record::Expiry::After(HOUR));
    kv.store().put(key.clone(), record).await?;
    clock.advance(HOUR / 2);
    sessions.update_last_write_wins("t", |session| session.user = 2).await?;
    let record = kv.store().read(&key).await?.ok_or("it is there")?;
    assert_eq!(record.expires_at, Some(START.saturating_add(HOUR)));
    assert_eq!(record.metadata.foreign("theirs"), Some(&7.into()));
    clock.advance(HOUR / 2);
    assert!(matches!(sessions.update_last_write_wins("t", |_| ()).await, Err(Error::NotFound { .. })));
    Ok(())
}

async fn an_expires_at_field_decides<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let invites = kv.collection::<Invite>();
    let until = Some(START.saturating_add(HOUR));
    invites.put(&Invite { code: 1, until: None, to: "Ada".to_owned() }).await?;
    invites.update_last_write_wins(1, |invite| invite.until = until).await?;
    let head = kv.store().head(&Key::from_text("invite:1")).await?.ok_or("it is there")?;
    assert_eq!(head.expires_at, until);
    Ok(())
}

async fn a_change_can_be_given_up<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let counters = kv.collection::<Counter>();
    counters.put(&Counter { name: "a".to_owned(), count: 1 }).await?;
    let given_up = counters
        .try_update_last_write_wins("a", |counter| {
            counter.count = 2;
            Err::<(), Box<dyn std::error::Error>>("no".into())
        })
        .await;
    assert_eq!(given_up.map_err(|error| error.to_string()), Err("no".to_owned()));
    assert_eq!(counters.get("a").await?.map(|counter| counter.count), Some(1));
    Ok(())
}

async fn what_is_absent_is_created<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let users = kv.collection::<User>();
    for quota in [10, 11] {
        let user = users.upsert_last_write_wins(1, || User::new(1), |user| user.quota += 1).await?;
        assert_eq!(user.quota, quota);
        assert_eq!(users.get(1).await?, Some(user));
    }
    Ok(())
}

async fn the_id_stays<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let users = kv.collection::<User>();
    users.put(&User::new(1)).await?;
    let changed = users.update_last_write_wins(1, |user| user.id = 2).await;
    assert!(matches!(changed, Err(Error::IdChanged { .. })), "{changed:?}");
    let created = users.upsert_last_write_wins(3, || User::new(4), |_| ()).await;
    assert!(created.is_err() && users.get(4).await?.is_none(), "{created:?}");
    Ok(())
}

async fn a_touch_extends_what_is_there<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let sessions = kv.collection::<Session>();
    sessions.put(&Session { token: "t".to_owned(), user: 1 }).await?;
    clock.advance(HOUR - Duration::from_millis(1));
    assert!(sessions.touch_last_write_wins("t").await?);
    clock.advance(HOUR - Duration::from_millis(1));
    assert_eq!(sessions.get("t").await?.map(|session| session.user), Some(1));
    clock.advance(Duration::from_millis(1));
    assert!(!sessions.touch_last_write_wins("t").await?);
    assert!(sessions.get("t").await?.is_none());
    // A group without a TTL stays as it is.
    let prefs = kv.collection::<UserPrefs>();
    kv.collection::<User>().put(&User::new(1)).await?;
    assert!(kv.collection::<User>().touch_last_write_wins(1).await? && prefs.get(1).await?.is_some());
    let head = kv.store().head(&Key::from_text("user:1:profile")).await?.ok_or("it is there")?;
    assert_eq!(head.expires_at, None);
    Ok(())
}

async fn a_touch_spares_writes<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let sessions = kv.collection::<Session>().with_touch_interval(Duration::from_secs(60));
    sessions.put(&Session { token: "t".to_owned(), user: 1 }).await?;
    let key = Key::from_text("session:t");
    let expires_at = START.saturating_add(HOUR);
    for (passed, expected) in [(59, expires_at), (1, expires_at.saturating_add(Duration::from_secs(60)))] {
        clock.advance(Duration::from_secs(passed));
        assert!(sessions.touch_last_write_wins("t").await?);
        assert_eq!(kv.store().head(&key).await?.and_then(|head| head.expires_at), Some(expected));
    }
    Ok(())
}

/// As the name says, the call does not see a concurrent writer.
async fn the_last_write_wins<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let counters = kv.collection::<Counter>();
    counters.put(&Counter { name: "a".to_owned(), count: 1 }).await?;
    let between = counters.clone();
    let wins = counters.update_last_write_wins("a", move |counter| {
        let other = Counter { name: "a".to_owned(), count: 100 };
        // The closure cannot await, so another thread calls the store.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
                runtime.block_on(between.put(&other)).expect("it is put");
            });
        });
        counter.count += 1;
    });
    assert_eq!(wins.await?.count, 2);
    assert_eq!(counters.get("a").await?.map(|counter| counter.count), Some(2));
    Ok(())
}
