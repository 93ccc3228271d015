//! The TTL contract: what has expired is invisible at once, and nothing drops a TTL that it did not
//! set.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::record::{Expiry, Metadata, NewRecord};
use kv_runtime::store::{AtomicStore, Store, StoreExt};
use kv_runtime::{Error, Kv, ManualClock, Timestamp};

use crate::entities::{Invite, Session, User, UserPrefs};
use crate::{Outcome, START, on_every_store};

on_every_store!(
    what_has_expired_is_invisible_at_once,
    update_keeps_the_remaining_time,
    put_and_insert_set_the_full_ttl,
    a_ttl_of_the_collection_goes_before_the_entitys,
    an_expires_at_field_decides,
    every_write_takes_the_field_along,
    nobody_brings_back_what_has_expired,
    touch_extends_what_is_there,
    touch_spares_writes,
    touch_never_shortens,
    touches_at_the_same_time_leave_the_longest,
    touch_never_brings_back,
    a_groups_ttl_is_its_own
);

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);

fn session() -> Session {
    Session { token: "t".to_owned(), user: 1 }
}

async fn expiry_of<S: Store>(kv: &Kv<S>, key: &str) -> kv_runtime::Result<Option<Timestamp>> {
    Ok(kv.store().head(&Key::from_text(key)).await?.and_then(|head| head.expires_at))
}

fn after(duration: Duration) -> Option<Timestamp> {
    Some(START.saturating_add(duration))
}

async fn what_has_expired_is_invisible_at_once<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let sessions = kv.collection::<Session>();
    sessions.put(&session()).await?;
    clock.advance(HOUR - Duration::from_millis(1));
    assert!(sessions.get("t").await?.is_some());
    clock.advance(Duration::from_millis(1));
    assert!(sessions.get("t").await?.is_none());
    assert!(!sessions.exists("t").await?);
    assert!(sessions.get_many(["t"]).await?[0].is_none());
    assert!(sessions.list().page().await?.entities.is_empty());
    assert!(sessions.list().ids().page().await?.ids.is_empty());
    assert!(sessions.list().stream().next().await.is_none());
    assert!(sessions.census().await?.groups[0].versions.is_empty());
    assert_eq!(sessions.migrate_all().run().await?.current, 0);
    assert!(matches!(sessions.update("t", |it| it.user = 2).await, Err(Error::NotFound { .. })));
    sessions.insert(&session()).await?;
    assert!(sessions.exists("t").await?);
    Ok(())
}

async fn update_keeps_the_remaining_time<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let sessions = kv.collection::<Session>();
    sessions.put(&session()).await?;
    clock.advance(20 * MINUTE);
    sessions.update("t", |it| it.user = 2).await?;
    sessions.upsert("t", session, |it| it.user = 3).await?;
    assert_eq!(expiry_of(&kv, "session:t").await?, after(HOUR));
    Ok(())
}

async fn put_and_insert_set_the_full_ttl<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let sessions = kv.collection::<Session>();
    sessions.insert(&session()).await?;
    clock.advance(20 * MINUTE);
    sessions.put(&session()).await?;
    assert_eq!(expiry_of(&kv, "session:t").await?, after(HOUR + 20 * MINUTE));
    Ok(())
}

async fn a_ttl_of_the_collection_goes_before_the_entitys<S: AtomicStore>(
    kv: Kv<S>,
    _: ManualClock,
) -> Outcome {
    let short = kv.collection::<Session>().with_ttl(MINUTE);
    short.put(&session()).await?;
    assert_eq!(expiry_of(&kv, "session:t").await?, after(MINUTE));
    kv.collection::<Session>().with_ttl(2 * HOUR).update("t", |_| ()).await?;
    assert_eq!(expiry_of(&kv, "session:t").await?, after(2 * HOUR));
    let longer = kv.collection::<Session>().with_ttl(3 * HOUR);
    assert!(longer.touch("t").await?);
    assert_eq!(expiry_of(&kv, "session:t").await?, after(3 * HOUR));
    Ok(())
}

async fn an_expires_at_field_decides<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let invites = kv.collection::<Invite>();
    let until = after(HOUR);
    invites.insert(&Invite { code: 1, until, to: "ada".to_owned() }).await?;
    assert_eq!(expiry_of(&kv, "invite:1").await?, until);
    invites.update(1, |invite| invite.to = "bob".to_owned()).await?;
    assert_eq!(expiry_of(&kv, "invite:1").await?, until);
    invites.update(1, |invite| invite.until = after(MINUTE)).await?;
    assert_eq!(expiry_of(&kv, "invite:1").await?, after(MINUTE));
    invites.update(1, |invite| invite.until = None).await?;
    clock.advance(2 * HOUR);
    assert_eq!(invites.get(1).await?.map(|invite| invite.to).as_deref(), Some("bob"));
    // A moment that has passed makes the write into a delete.
    invites.update(1, |invite| invite.until = Some(START)).await?;
    assert!(invites.get(1).await?.is_none());
    Ok(())
}

async fn every_write_takes_the_field_along<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let invites = kv.collection::<Invite>();
    let invite = |code, until| Invite { code, until, to: "ada".to_owned() };
    invites.put_many([invite(1, after(MINUTE)), invite(2, None)]).await?;
    invites.insert(&invite(3, after(MINUTE))).await?;
    invites.upsert(4, || invite(4, after(MINUTE)), |_| ()).await?;
    invites.upsert(2, || invite(2, None), |invite| invite.until = after(MINUTE)).await?;
    // A set field goes before a TTL of the call, and the TTL before a field that is `None`.
    let for_an_hour = kv.collection::<Invite>().with_ttl(HOUR);
    for_an_hour.put(&invite(5, after(MINUTE))).await?;
    for_an_hour.put(&invite(6, None)).await?;
    let expiries = async || {
        let mut expiries = Vec::new();
        for code in 1..=6 {
            expiries.push(expiry_of(&kv, &format!("invite:{code}")).await?);
        }
        Ok::<_, Error>(expiries)
    };
    let mut expected = vec![after(MINUTE); 5];
    expected.push(after(HOUR));
    assert_eq!(expiries().await?, expected);
    clock.advance(MINUTE);
    assert_eq!(invites.list().ids().page().await?.ids, [6]);
    assert_eq!(invites.census().await?.groups[0].versions, [(1, 1)].into());
    Ok(())
}

async fn nobody_brings_back_what_has_expired<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let sessions = kv.collection::<Session>();
    sessions.put(&session()).await?;
    clock.advance(HOUR);
    let longer = sessions.with_ttl(2 * HOUR);
    assert!(!longer.touch("t").await?);
    assert!(matches!(longer.update("t", |it| it.user = 2).await, Err(Error::NotFound { .. })));
    // What is created in its place is new.
    let created = longer.upsert("t", || Session { user: 3, ..session() }, |it| it.user = 4).await?;
    assert_eq!(created.user, 3);
    assert_eq!(expiry_of(&kv, "session:t").await?, after(3 * HOUR));
    Ok(())
}

async fn touch_extends_what_is_there<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let sessions = kv.collection::<Session>();
    assert!(!sessions.touch("t").await?);
    sessions.put(&session()).await?;
    clock.advance(20 * MINUTE);
    assert!(sessions.touch("t").await?);
    assert_eq!(expiry_of(&kv, "session:t").await?, after(HOUR + 20 * MINUTE));
    assert_eq!(sessions.get("t").await?, Some(session()));
    // An entity without TTL stays forever.
    kv.collection::<User>().put(&User::new(1)).await?;
    assert!(kv.collection::<User>().touch(1).await?);
    assert_eq!(expiry_of(&kv, "user:1:profile").await?, None);
    assert!(!kv.collection::<User>().touch(2).await?);
    Ok(())
}

async fn touch_spares_writes<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let sessions = kv.collection::<Session>().with_touch_interval(5 * MINUTE);
    sessions.put(&session()).await?;
    clock.advance(5 * MINUTE - Duration::from_millis(1));
    assert!(sessions.touch("t").await?);
    assert_eq!(expiry_of(&kv, "session:t").await?, after(HOUR));
    clock.advance(Duration::from_millis(1));
    assert!(sessions.touch("t").await?);
    assert_eq!(expiry_of(&kv, "session:t").await?, after(HOUR + 5 * MINUTE));
    Ok(())
}

async fn touch_never_shortens<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let sessions = kv.collection::<Session>();
    sessions.with_ttl(30 * HOUR).put(&session()).await?; // "remember me"
    let until = after(30 * HOUR);
    assert!(sessions.touch("t").await? && sessions.touch_last_write_wins("t").await?);
    assert!(sessions.with_touch_interval(MINUTE).touch("t").await?);
    assert!(sessions.with_touch_interval(MINUTE).touch_last_write_wins("t").await?);
    assert!(sessions.with_ttl(MINUTE).touch("t").await?);
    assert_eq!(expiry_of(&kv, "session:t").await?, until);
    // Not by a millisecond, and by every millisecond that is missing.
    clock.advance(29 * HOUR);
    assert!(sessions.touch("t").await?);
    assert_eq!(expiry_of(&kv, "session:t").await?, until);
    clock.advance(Duration::from_millis(1));
    assert!(sessions.touch("t").await?);
    assert_eq!(expiry_of(&kv, "session:t").await?, after(30 * HOUR + Duration::from_millis(1)));
    // A record that does not expire is given no end.
    let endless = NewRecord::new(r#"{"user":1}"#, Metadata::new(1, kv_runtime::Codec::Json));
    kv.store().put(Key::from_text("session:t"), endless).await?;
    assert!(sessions.touch("t").await? && sessions.touch_last_write_wins("t").await?);
    assert_eq!(expiry_of(&kv, "session:t").await?, None);
    Ok(())
}

async fn touches_at_the_same_time_leave_the_longest<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let sessions = kv.collection::<Session>();
    for _ in 0..50 {
        sessions.put(&session()).await?;
        let touches = [2, 30, 3].map(|hours| {
            let sessions = sessions.with_ttl(hours * HOUR);
            tokio::spawn(async move { sessions.touch("t").await })
        });
        for touch in touches {
            assert!(touch.await??);
        }
        assert_eq!(expiry_of(&kv, "session:t").await?, after(30 * HOUR));
    }
    Ok(())
}

async fn touch_never_brings_back<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let sessions = kv.collection::<Session>();
    sessions.put(&session()).await?;
    sessions.delete("t").await?;
    assert!(!sessions.touch("t").await?);
    sessions.put(&session()).await?;
    clock.advance(HOUR);
    assert!(!sessions.touch("t").await?);
    assert!(!sessions.exists("t").await?);
    Ok(())
}

async fn a_groups_ttl_is_its_own<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let users = kv.collection::<User>();
    users.put(&User::new(1)).await?;
    clock.advance(29 * 24 * HOUR);
    kv.collection::<UserPrefs>().update(1, |prefs| prefs.max_items = 9).await?;
    assert_eq!(users.get(1).await?.map(|user| user.max_items), Some(9));
    clock.advance(24 * HOUR);
    assert_eq!(users.get(1).await?.map(|user| user.max_items), Some(0));
    // A record of somebody else's with a TTL keeps it, whatever the entity says.
    let expiring = NewRecord::new(r#"{"quota":1}"#, Metadata::new(3, kv_runtime::Codec::Json))
        .with_expiry(Expiry::After(HOUR));
    kv.store().put(Key::from_text("user:1:limits"), expiring).await?;
    let before = expiry_of(&kv, "user:1:limits").await?;
    users.update(1, |user| user.quota = 2).await?;
    assert_eq!(expiry_of(&kv, "user:1:limits").await?, before);
    Ok(())
}
