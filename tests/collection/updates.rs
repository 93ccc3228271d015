//! update, try_update, upsert: no write is lost under concurrent writers.

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{AtomicStore, StoreExt};
use kv_runtime::{Codec, Collection, Error, Kv, ManualClock};

use crate::entities::{Counter, User};
use crate::{Outcome, on_every_store};

on_every_store!(
    sixty_four_tasks_lose_no_update,
    two_groups_that_depend_on_each_other_are_not_skewed,
    update_wants_the_entity_and_keeps_its_id,
    try_update_gives_up_with_the_callers_error,
    upsert_creates_or_changes,
    update_keeps_metadata_of_other_programs,
    an_update_that_changes_nothing_writes_nothing,
    update_overwrites_nothing_that_is_newer
);

async fn sixty_four_tasks_lose_no_update<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let counters = kv.collection::<Counter>();
    counters.insert(&Counter { name: "hits".to_owned(), count: 0 }).await?;
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let counters = counters.clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    counters.update("hits", |counter| counter.count += 1).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    assert_eq!(counters.get("hits").await?.map(|counter| counter.count), Some(640));
    Ok(())
}

/// Each task may take one away while both together have more than one: without conditions on what
/// was only read, both would.
async fn two_groups_that_depend_on_each_other_are_not_skewed<S: AtomicStore>(
    kv: Kv<S>,
    _: ManualClock,
) -> Outcome {
    let users = kv.collection::<User>();
    for round in 0..50 {
        users.put(&User { quota: 1, max_items: 1, ..User::new(round) }).await?;
        let take = |from_quota: bool| {
            let users: Collection<User, S> = users.clone();
            tokio::spawn(async move {
                let taken = users.try_update(round, |user| {
                    if user.quota + user.max_items < 2 {
                        return Err(Refused::TooFew);
                    }
                    *(if from_quota { &mut user.quota } else { &mut user.max_items }) -= 1;
                    Ok(())
                });
                match taken.await {
                    Ok(_) => Ok(1),
                    Err(Refused::TooFew) => Ok(0),
                    Err(Refused::Failed(error)) => Err(error),
                }
            })
        };
        let (a, b) = (take(true), take(false));
        assert_eq!(a.await?? + b.await??, 1);
        let left = users.get(round).await?.expect("was put");
        assert_eq!(left.quota + left.max_items, 1);
    }
    Ok(())
}

#[derive(Debug)]
enum Refused {
    TooFew,
    Failed(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

async fn update_wants_the_entity_and_keeps_its_id<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let users = kv.collection::<User>();
    assert!(matches!(users.update(7, |user| user.quota = 1).await, Err(Error::NotFound { .. })));
    users.put(&User::new(7)).await?;
    let changed = users.update(7, |user| user.id = 8).await;
    assert!(matches!(changed, Err(Error::IdChanged { created: false, .. })));
    assert!(changed.is_err_and(|error| error.to_string().contains("put it under the new id")));
    assert_eq!((users.get(7).await?, users.get(8).await?), (Some(User::new(7)), None));
    let changed = users.update(7, |user| user.quota = 1).await?;
    assert_eq!(changed, User { quota: 1, ..User::new(7) });
    Ok(())
}

async fn try_update_gives_up_with_the_callers_error<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let users = kv.collection::<User>();
    users.put(&User::new(7)).await?;
    let refused = users
        .try_update(7, |user| {
            user.quota = 0;
            Err(Refused::TooFew)
        })
        .await;
    assert!(matches!(refused, Err(Refused::TooFew)));
    assert_eq!(users.get(7).await?, Some(User::new(7)));
    let absent = users.try_update(8, |_| Ok::<_, Refused>(())).await;
    assert!(matches!(absent, Err(Refused::Failed(Error::NotFound { .. }))));
    Ok(())
}

async fn upsert_creates_or_changes<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let counters = kv.collection::<Counter>();
    let count = |name: &str| {
        let (counters, name) = (counters.clone(), name.to_owned());
        async move {
            let create = || Counter { name: name.clone(), count: 1 };
            counters.upsert(&name, create, |counter| counter.count += 1).await
        }
    };
    assert_eq!(count("a").await?.count, 1);
    assert_eq!(count("a").await?.count, 2);
    let other = counters.upsert("b", || Counter { name: "c".to_owned(), count: 1 }, |_| ()).await;
    assert!(matches!(other, Err(Error::IdChanged { created: true, .. })));
    assert!(other.is_err_and(|error| error.to_string().contains("`create` made an entity with another id")));

    let tasks: Vec<_> = (0..32).map(|_| tokio::spawn(count("shared"))).collect();
    for task in tasks {
        task.await??;
    }
    assert_eq!(counters.get("shared").await?.map(|counter| counter.count), Some(32));
    Ok(())
}

async fn update_keeps_metadata_of_other_programs<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let key = Key::from_text("counter:a");
    let mut metadata = Metadata::new(1, Codec::Json).with_created_at(Some(clock.now()));
    metadata.set_foreign("owner", "somebody".into())?;
    kv.store().put(key.clone(), NewRecord::new(r#"{"count":1}"#, metadata.clone())).await?;
    clock.advance(std::time::Duration::from_secs(1));
    kv.collection::<Counter>().update("a", |counter| counter.count += 1).await?;
    let record = kv.store().read(&key).await?.expect("was put");
    assert_eq!((&*record.value, &record.metadata), (&br#"{"count":2}"#[..], &metadata));
    Ok(())
}

async fn an_update_that_changes_nothing_writes_nothing<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection::<User>().put(&User::new(7)).await?;
    let keys = ["profile", "limits", "settings"].map(|group| Key::from_text(format!("user:7:{group}")));
    let before = kv.store().read_many(&keys).await?;
    kv.collection::<User>().update(7, |_| ()).await?;
    kv.collection::<User>().update(7, |user| user.quota += 1).await?;
    let after = kv.store().read_many(&keys).await?;
    let same: Vec<_> = before
        .iter()
        .zip(&after)
        .map(|(a, b)| a.as_ref().map(|it| &it.revision) == b.as_ref().map(|it| &it.revision))
        .collect();
    assert_eq!(same, [true, false, true]);
    Ok(())
}

async fn update_overwrites_nothing_that_is_newer<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let counters = kv.collection::<Counter>();
    let key = Key::from_text("counter:a");
    let newer = |min_reader| {
        let mut metadata = Metadata::new(5, Codec::Json);
        metadata.min_reader = min_reader;
        NewRecord::new(r#"{"count":1,"unknown":true}"#, metadata)
    };
    for (min_reader, readable) in [(None, false), (Some(2), false), (Some(1), true)] {
        kv.store().put(key.clone(), newer(min_reader)).await?;
        let read = counters.get("a").await;
        if readable {
            assert_eq!(read?.map(|counter| counter.count), Some(1));
        } else {
            assert!(matches!(read, Err(Error::TooNew { found: 5, supported: 1, .. })), "{read:?}");
        }
        let updated = counters.update("a", |counter| counter.count += 1).await;
        let stored = if readable {
            assert_eq!(updated?.count, 2);
            r#"{"count":2,"unknown":true}"#
        } else {
            assert!(matches!(updated, Err(Error::TooNew { found: 5, supported: 1, .. })), "{updated:?}");
            r#"{"count":1,"unknown":true}"#
        };
        let record = kv.store().read(&key).await?.expect("was put");
        assert_eq!((&*record.value, record.metadata.version), (stored.as_bytes(), 5));
        assert_eq!(record.metadata.min_reader, min_reader);
    }
    Ok(())
}
