//! What an update in a transaction keeps of the records: all that an update of a collection keeps.

use std::time::Duration;

use kv_runtime::record::{Expiry, Metadata, NewRecord};
use kv_runtime::store::{AtomicStore, GetOptions, StoreExt};
use kv_runtime::{Codec, Error, Kv, KvEntity, ManualClock};

use crate::Outcome;
use crate::entities::versions::{Note, NoteV1, NoteV3};
use crate::entities::{Account, Invite, Session};

crate::on_both_stores!(
    unknown_members_and_metadata_stay,
    the_remaining_ttl_stays,
    an_expiry_in_a_field_moves,
    old_records_migrate,
    newer_versions_stay_or_are_refused,
    a_save_does_what_an_update_does,
);

async fn unknown_members_and_metadata_stay<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let key = kv.collection::<Account>().key(1);
    let mut metadata = Metadata::new(1, Codec::Json);
    metadata.set_foreign("owner", "billing".into())?;
    let value = r#"{"note":18446744073709551616.10,"cents":5,"more":{"a":[1]}}"#;
    kv.store().put(key.clone(), NewRecord::new(value, metadata)).await?;
    kv.transact(async |tx| {
        tx.update::<Account>(1, |account| account.cents += 1).await?;
        let mut account = tx.get::<Account>(1).await?.expect("it is there");
        account.cents += 1;
        tx.save(&account)
    })
    .await?;
    let record = kv.store().read(&key).await?.ok_or("it is there")?;
    let text = String::from_utf8(record.value.to_vec())?;
    assert_eq!(text, value.replace(":5,", ":7,"));
    assert_eq!(record.metadata.foreign("owner"), Some(&"billing".into()));
    Ok(())
}

async fn the_remaining_ttl_stays<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let sessions = kv.collection::<Session>();
    sessions.put(&Session { token: "a".to_owned(), user: 1 }).await?;
    let before = kv.store().head(&sessions.key("a")).await?.and_then(|head| head.expires_at);
    clock.advance(Duration::from_secs(600));
    kv.transact(async |tx| {
        tx.update::<Session>("a", |session| session.user = 2).await?;
        // A touch in the meantime is not undone.
        sessions.with_ttl(Duration::from_secs(9_000)).touch("a").await
    })
    .await?;
    let after = kv.store().head(&sessions.key("a")).await?.and_then(|head| head.expires_at);
    let touched = clock.now().saturating_add(Duration::from_secs(9_000));
    assert!(before.is_some() && after == Some(touched), "{before:?} {after:?}");
    // A new record that is changed in the same transaction has the TTL of its put.
    kv.transact(async |tx| {
        tx.with_ttl(Duration::from_secs(5)).put(&Session { token: "b".to_owned(), user: 1 })?;
        tx.update::<Session>("b", |session| session.user = 2).await
    })
    .await?;
    let expires_at = kv.store().head(&sessions.key("b")).await?.and_then(|head| head.expires_at);
    assert_eq!(expires_at, Some(clock.now().saturating_add(Duration::from_secs(5))));
    Ok(())
}

async fn an_expiry_in_a_field_moves<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let invites = kv.collection::<Invite>();
    let at = |secs| Some(clock.now().saturating_add(Duration::from_secs(secs)));
    let invite = Invite { code: 1, until: at(10), to: "ada".to_owned() };
    invites.put(&invite).await?;
    let (later, never) = (at(50), None);
    for until in [later, never] {
        kv.transact(async |tx| tx.update::<Invite>(1, |invite| invite.until = until).await).await?;
        assert_eq!(kv.store().head(&invites.key(1)).await?.and_then(|head| head.expires_at), until);
        assert_eq!(invites.get(1).await?, Some(Invite { until, ..invite.clone() }));
    }
    // What expires at once is deleted, and is not seen by the transaction either.
    kv.transact(async |tx| {
        tx.put(&Invite { until: Some(clock.now()), ..invite.clone() })?;
        assert!(!tx.exists::<Invite>(1).await? && tx.get::<Invite>(1).await?.is_none());
        Ok(())
    })
    .await?;
    assert!(!invites.exists(1).await?);
    Ok(())
}

async fn old_records_migrate<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection().put_many([1, 2].map(|id| NoteV1 { id, title: "milk".to_owned() })).await?;
    let key = kv.collection::<Note>().key(2);
    let before = kv.store().read(&key).await?.ok_or("it is there")?;
    kv.transact(async |tx| {
        tx.update::<Note>(1, |note| note.stars += 1).await?;
        // Nothing is written back that is only read.
        tx.get::<Note>(2).await
    })
    .await?;
    let note = Note { id: 1, heading: "milk".to_owned(), stars: 8 };
    assert_eq!(kv.collection().get(1).await?, Some(note));
    let after = kv.store().read(&key).await?.ok_or("it is there")?;
    assert_eq!((before.revision, before.metadata.version), (after.revision, after.metadata.version));
    Ok(())
}

async fn newer_versions_stay_or_are_refused<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection().put(&NoteV3 { id: 1, body: "x".to_owned() }).await?;
    let refused = kv.transact(async |tx| {
        tx.put(&Account::new(1, 1))?;
        tx.update::<Note>(1, |note| note.stars += 1).await
    });
    assert!(matches!(refused.await, Err(Error::TooNew { found: 3, supported: 2, .. })));
    assert_eq!(kv.collection::<Account>().get(1).await?, None);
    // One that the code of today can read keeps its version.
    let mut metadata = Metadata::new(3, Codec::Json);
    metadata.min_reader = Some(2);
    let key = kv.collection::<Note>().key(2);
    kv.store().put(key.clone(), NewRecord::new(r#"{"heading":"a","stars":1,"new":true}"#, metadata)).await?;
    kv.transact(async |tx| tx.update::<Note>(2, |note| note.stars += 1).await).await?;
    let record = kv.store().read(&key).await?.ok_or("it is there")?;
    assert_eq!((record.metadata.version, record.metadata.min_reader), (3, Some(2)));
    assert_eq!(&*record.value, br#"{"heading":"a","stars":2,"new":true}"#);
    Ok(())
}

/// The same change by `save`, by `update` and by a collection's `update` leaves the same record.
async fn a_save_does_what_an_update_does<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let value = r#"{"title":"a","x":[1,2],"y":1e2}"#;
    let metadata = Metadata::new(1, Codec::Json).with_created_at(Some(clock.now()));
    let notes = kv.collection::<Note>();
    for id in 1..=3 {
        let record =
            NewRecord::new(value, metadata.clone()).with_expiry(Expiry::After(Duration::from_secs(99)));
        kv.store().put(notes.key(id), record).await?;
    }
    let change = |note: &mut Note| note.stars = 3;
    notes.update(1, change).await?;
    kv.transact(async |tx| {
        tx.update::<Note>(2, change).await?;
        let mut note = tx.get::<Note>(3).await?.expect("it is there");
        change(&mut note);
        tx.save(&note)
    })
    .await?;
    let mut records = Vec::new();
    for id in 1..=3 {
        let record =
            kv.store().get(&notes.key(id), GetOptions::new().with_expiry()).await?.ok_or("it is there")?;
        records.push((record.value, record.metadata, record.expires_at));
    }
    assert!(records[0] == records[1] && records[1] == records[2], "{records:?}");
    assert_eq!(&*records[0].0, br#"{"heading":"a","x":[1,2],"y":1e2,"stars":3}"#);
    assert_eq!(Note::SCHEMA.prefix(), "note");
    Ok(())
}
