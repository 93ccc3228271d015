//! Limits are checked before the store is asked.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{AtomicStore, Limits, StoreExt};
use kv_runtime::{Codec, Error, Kv, ManualClock};

use crate::counted::Counted;
use crate::entities::{Counter, Session, User};
use crate::recorded::Recorded;
use crate::{Outcome, on_every_store};

on_every_store!(a_key_beyond_the_limit_is_refused);

async fn a_key_beyond_the_limit_is_refused<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let counters = kv.collection::<Counter>();
    let max = kv.store().capabilities().limits.key;
    let name = "n".repeat(max - "counter:".len());
    counters.put(&Counter { name: name.clone(), count: 1 }).await?;
    assert_eq!(counters.get(&name).await?.map(|counter| counter.count), Some(1));
    let name = name + "n";
    let too_long = |error: Option<Error>| {
        assert!(
            matches!(error, Some(Error::KeyTooLong { len, max: told, .. }) if len == max + 1 && told == max)
        );
    };
    let counter = Counter { name: name.clone(), count: 1 };
    too_long(counters.put(&counter).await.err());
    too_long(counters.insert(&counter).await.err());
    too_long(counters.get(&name).await.err());
    too_long(counters.get_many([&name]).await.err());
    too_long(counters.exists(&name).await.err());
    too_long(counters.update(&name, |_| ()).await.err());
    too_long(counters.touch(&name).await.err());
    too_long(counters.delete(&name).await.err());
    // What is shown of it is the beginning.
    let shown = counters.get(&name).await.expect_err("is too long").to_string();
    assert!(shown.starts_with("Counter `counter:nnn") && shown.len() < 300, "{shown}");
    assert!(
        shown.contains(&format!("... ({} bytes)`", max + 1)) && shown.contains("take a shorter id"),
        "{shown}"
    );
    Ok(())
}

#[tokio::test]
async fn values_and_ttls_are_refused_before_the_store_is_asked() -> Outcome {
    let kv = Kv::new(Counted::new(Limits::new().value(30).least_ttl(Duration::from_secs(60))));
    let users = kv.collection::<User>();
    let error = users
        .put(&User { name: "a very long name indeed".to_owned(), ..User::new(7) })
        .await
        .expect_err("is too long");
    assert!(matches!(error, Error::ValueTooLong { len: 34, max: 30, .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "User `user:7:profile` in counted: the value has 34 bytes, and the store takes 30; split it into groups"
    );
    let sessions = kv.collection::<Session>().with_ttl(Duration::from_secs(59));
    let error = sessions.put(&Session { token: "t".to_owned(), user: 1 }).await.expect_err("is too short");
    assert!(matches!(error, Error::TtlTooShort { .. }), "{error}");
    assert_eq!(kv.store().calls(), Vec::<String>::new());
    Ok(())
}

/// Every write takes a value of exactly the limit, and refuses one byte more.
#[tokio::test]
async fn a_value_may_be_as_long_as_the_store_takes() -> Outcome {
    let len = r#"{"count":100}"#.len();
    let kv = Kv::new(Recorded::atomic(Limits::new().value(len)));
    let counters = kv.collection::<Counter>();
    let counter = |count| Counter { name: "a".to_owned(), count };
    let too_long = |result: kv_runtime::Result<()>| {
        let error = result.expect_err("one digit more is too long");
        assert!(
            matches!(error, Error::ValueTooLong { len: found, max, .. } if (found, max) == (len + 1, len))
        );
    };
    counters.put(&counter(100)).await?;
    counters.delete("a").await?;
    counters.insert(&counter(100)).await?;
    counters.update("a", |it| it.count = 999).await?;
    too_long(counters.put(&counter(1_000)).await);
    too_long(counters.update("a", |it| it.count += 1).await.map(drop));
    too_long(counters.upsert("a", || counter(1), |it| it.count += 1).await.map(drop));
    too_long(counters.update_last_write_wins("a", |it| it.count += 1).await.map(drop));
    counters.delete("a").await?;
    too_long(counters.insert(&counter(1_000)).await);
    counters.put_many([counter(100)]).await?;
    assert_eq!(counters.get("a").await?, Some(counter(100)));
    Ok(())
}

#[tokio::test]
async fn metadata_may_be_as_long_as_the_store_takes() -> Outcome {
    let key = Key::from_text("counter:a");
    let mut foreign = Metadata::new(1, Codec::Json);
    foreign.set_foreign("owner", "somebody".into())?;
    let len = foreign.json_len();
    for (max, fits) in [(len, true), (len - 1, false)] {
        let kv = Kv::new(Recorded::atomic(Limits::new().metadata(max)));
        kv.store().put(key.clone(), NewRecord::new(r#"{"count":1}"#, foreign.clone())).await?;
        let changed = kv.collection::<Counter>().update("a", |it| it.count += 1).await;
        assert_eq!(changed.is_ok(), fits, "{changed:?}");
        if let Err(error) = changed {
            assert!(
                matches!(error, Error::MetadataTooLong { len: found, max: told, .. } if (found, told) == (len, max))
            );
        }
        // Members of other programs are never dropped to make room.
        let record = kv.store().read(&key).await?.ok_or("it is there")?;
        assert_eq!(record.metadata.foreign("owner"), Some(&"somebody".into()));
    }
    Ok(())
}

#[tokio::test]
async fn a_ttl_may_be_as_short_as_the_store_takes() -> Outcome {
    let least = Duration::from_secs(60);
    let kv = Kv::new(Recorded::atomic(Limits::new().least_ttl(least)));
    let session = Session { token: "t".to_owned(), user: 1 };
    let sessions = |ttl| kv.collection::<Session>().with_ttl(ttl);
    let too_short = |result: kv_runtime::Result<()>| {
        let error = result.expect_err("a millisecond less is too short");
        assert!(matches!(error, Error::TtlTooShort { ttl, least: told, .. } if ttl < told && told == least));
    };
    let (enough, short) = (sessions(least), sessions(least - Duration::from_millis(1)));
    too_short(short.put(&session).await);
    too_short(short.insert(&session).await);
    enough.put(&session).await?;
    assert!(enough.touch("t").await? && enough.touch_last_write_wins("t").await?);
    too_short(short.touch("t").await.map(drop));
    too_short(short.touch_last_write_wins("t").await.map(drop));
    too_short(short.update("t", |it| it.user += 1).await.map(drop));
    enough.update("t", |it| it.user += 1).await?;
    assert_eq!(enough.get("t").await?.map(|it| it.user), Some(2));
    Ok(())
}
