//! Limits are checked before the store is asked.

use std::time::Duration;

use kv_runtime::store::{AtomicStore, Limits};
use kv_runtime::{Error, Kv, ManualClock};

use crate::counted::Counted;
use crate::entities::{Counter, Session, User};
use crate::{Outcome, on_every_store};

on_every_store!(the_longest_key_is_told);

async fn the_longest_key_is_told<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
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
