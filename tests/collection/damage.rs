//! What is not ours, or no longer whole: an error with the key, never a panic, and the record stays
//! as it is.

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{AtomicStore, StoreExt};
use kv_runtime::{Codec, Error, Kv, ManualClock};

use crate::entities::Counter;
use crate::{Outcome, on_every_store};

on_every_store!(
    bytes_that_do_not_decode_are_an_error_and_stay,
    the_field_that_does_not_decode_is_named,
    a_plain_value_is_version_1,
    an_old_version_is_an_error,
    a_list_goes_on
);

/// No JSON, or not all of it and nothing else.
const MALFORMED: &[&[u8]] = &[b"", b"{", b"\xFF\xFE", b"{\"count\":1}x"];
/// JSON of another shape.
const OTHERS: &[&[u8]] = &[b"null", b"[]", b"{\"count\":-1}", b"{\"count\":\"hunter2\"}"];

const SAY_HOW_IT_CHANGED: &str = "does not decode as JSON and was left as it is; if the struct has changed, raise its `version` \
                                  and say how it changed: `renamed`, `added`, `removed` or `step`";

fn plain(value: &'static [u8]) -> NewRecord {
    NewRecord::new(value, Metadata::default())
}

async fn bytes_that_do_not_decode_are_an_error_and_stay<S: AtomicStore>(
    kv: Kv<S>,
    _: ManualClock,
) -> Outcome {
    let counters = kv.collection::<Counter>();
    let key = Key::from_text("counter:a");
    let advised = |values: &'static [&'static [u8]], advice| values.iter().map(move |value| (value, advice));
    let all = advised(MALFORMED, "cannot be read as JSON at all").chain(advised(OTHERS, SAY_HOW_IT_CHANGED));
    for (value, advice) in all {
        kv.store().put(key.clone(), plain(value)).await?;
        let error = counters.get("a").await.expect_err("is damaged");
        assert!(matches!(error, Error::Decode { codec: Codec::Json, .. }), "{error:?}");
        assert!(error.to_string().starts_with("Counter `counter:a` in "), "{error}");
        assert!(error.to_string().contains(advice), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        assert!(counters.update("a", |counter| counter.count = 1).await.is_err());
        assert!(counters.get_many(["a"]).await.is_err());
        assert_eq!(&*kv.store().read(&key).await?.expect("was put").value, *value);
    }
    counters.put(&Counter { name: "a".to_owned(), count: 1 }).await?;
    assert!(counters.get("a").await?.is_some());
    Ok(())
}

async fn the_field_that_does_not_decode_is_named<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.store().put(Key::from_text("counter:a"), plain(b"{\"count\":\"hunter2\"}")).await?;
    let Err(Error::Decode { source, .. }) = kv.collection::<Counter>().get("a").await else {
        return Err("a text was read as a number".into());
    };
    assert!(source.to_string().starts_with("in `count`: invalid type: string, expected "), "{source}");
    Ok(())
}

async fn a_plain_value_is_version_1<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.store().put(Key::from_text("counter:a"), plain(b" {\"count\": 3} ")).await?;
    let counters = kv.collection::<Counter>();
    assert_eq!(counters.get("a").await?.map(|counter| counter.count), Some(3));
    assert_eq!(counters.update("a", |counter| counter.count += 1).await?.count, 4);
    Ok(())
}

async fn an_old_version_is_an_error<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    kv.collection::<crate::entities::User>().put(&crate::entities::User::new(1)).await?;
    let key = Key::from_text("user:1:limits");
    kv.store().put(key, NewRecord::new(r#"{"quota":1}"#, Metadata::new(2, Codec::Json))).await?;
    let error = kv.collection::<crate::entities::User>().get(1).await.expect_err("version 2 of 3");
    assert!(matches!(error, Error::TooOld { found: 2, oldest: 3, .. }), "{error}");
    assert!(error.to_string().starts_with("User `user:1:limits` in "), "{error}");
    Ok(())
}

async fn a_list_goes_on<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let counters = kv.collection::<Counter>();
    counters.put_many((0..5).map(|count| Counter { name: format!("n{count}"), count })).await?;
    kv.store().put(Key::from_text("counter:n2"), plain(b"{")).await?;
    kv.store().put(Key::from_text("counter:a%3a"), plain(b"{\"count\":1}")).await?;
    kv.store().put(Key::from_text("counter:n1:other"), plain(b"{\"count\":1}")).await?;
    let page = counters.list().page().await?;
    assert_eq!((page.entities.len(), page.failed.len(), page.skipped), (4, 1, 2));
    assert!(page.failed[0].to_string().starts_with("Counter `counter:n2` in "), "{}", page.failed[0]);
    let mut stream = counters.list().stream();
    let (mut good, mut bad) = (0, 0);
    while let Some(item) = stream.next().await {
        *(if item.is_ok() { &mut good } else { &mut bad }) += 1;
    }
    assert_eq!((good, bad), (4, 1));
    Ok(())
}
