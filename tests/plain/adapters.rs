//! Records whose bytes an adapter converts.

use std::time::Duration;

use kv_runtime::adopt::{DoublyEncoded, Keyv, MessagePack};
use kv_runtime::key::Key;
use kv_runtime::record::NewRecord;
use kv_runtime::store::{MemoryStore, StoreExt};
use kv_runtime::{Clock, Error, Kv, KvEntity, ManualClock, Timestamp};

use super::{Outcome, put_theirs, text};

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "cache", adapter = Keyv, ttl = "60s")]
struct Cached {
    #[kv(id)]
    id: String,
    name: String,
}

fn cached(name: &str) -> Cached {
    Cached { id: "a".to_owned(), name: name.to_owned() }
}

const NOW: u64 = 1_700_000_000_000;

fn memory() -> (Kv<MemoryStore>, ManualClock) {
    let clock = ManualClock::new(Timestamp::from_millis(NOW));
    (Kv::new(MemoryStore::with_clock(Clock::from(&clock))), clock)
}

#[tokio::test]
async fn keyv_has_the_expiry_in_the_value_and_in_the_store() -> Outcome {
    let (kv, clock) = memory();
    let all = kv.collection::<Cached>();
    all.insert(&cached(":x")).await?;
    assert_eq!(text(kv.store(), "cache:a").await?, r#"{"value":{"name":"::x"},"expires":1700000060000}"#);
    clock.advance(Duration::from_secs(10));
    all.update("a", |it| it.name.push('y')).await?;
    assert_eq!(text(kv.store(), "cache:a").await?, r#"{"value":{"name":"::xy"},"expires":1700000060000}"#);
    let longer = all.with_ttl(Duration::from_secs(100));
    longer.update("a", |_| ()).await?;
    assert_eq!(text(kv.store(), "cache:a").await?, r#"{"value":{"name":"::xy"},"expires":1700000110000}"#);
    assert!(matches!(all.touch("a").await, Err(Error::Unsupported { .. })));
    clock.advance(Duration::from_secs(100));
    assert!(kv.store().read(&all.key("a")).await?.is_none());
    Ok(())
}

/// keyv keeps some records only by the expiry in their values.
#[tokio::test]
async fn a_value_that_says_that_it_has_expired_is_absent() -> Outcome {
    let (kv, clock) = memory();
    let all = kv.collection::<Cached>();
    let theirs = format!(r#"{{"value":{{"name":"Ada","theirs":1}},"expires":{}}}"#, NOW + 5_000);
    put_theirs(kv.store(), "cache:a", &theirs).await?;
    let found = all.update("a", |it| it.name.push('!')).await?;
    assert_eq!(found, cached("Ada!"));
    let expected = r#"{"value":{"name":"Ada!","theirs":1},"expires":1700000005000}"#;
    assert_eq!(text(kv.store(), "cache:a").await?, expected);
    clock.advance(Duration::from_secs(5));
    assert_eq!(all.get("a").await?, None);
    assert_eq!(all.get_many(["a"]).await?, [None]);
    let page = all.list().page().await?;
    assert!(page.entities.is_empty() && page.failed.is_empty());
    assert!(all.list().stream().next().await.is_none());
    assert_eq!(kv.transact(async |tx| tx.get::<Cached>("a").await).await?, None);
    assert!(matches!(all.update("a", |_| ()).await, Err(Error::NotFound { .. })));
    all.upsert("a", || cached("new"), |_| ()).await?;
    assert_eq!(text(kv.store(), "cache:a").await?, r#"{"value":{"name":"new"},"expires":1700000065000}"#);
    put_theirs(kv.store(), "cache:b", r#"{"name":"no keyv"}"#).await?;
    let unread = all.get("b").await.expect_err("keyv did not write it").to_string();
    assert!(unread.contains("`cache:b`") && unread.contains("the adapter Keyv"), "{unread}");
    assert_eq!(all.list().page().await?.failed.len(), 1);
    Ok(())
}

#[tokio::test]
async fn doubly_encoded_values_have_their_version_inside() -> Outcome {
    #[derive(KvEntity)]
    #[kv(prefix = "persist", adapter = DoublyEncoded, version = 2)]
    #[kv(version_in = "_persist.version", version_map(-1 => 1))]
    struct State {
        #[kv(id)]
        id: String,
        #[kv(added(since = 2, default = "en".to_owned()))]
        language: String,
        counter: u64,
    }

    let (kv, _) = memory();
    let theirs =
        r#"{"counter":"7","todos":"[{\"done\":1.0}]","_persist":"{\"version\":-1,\"rehydrated\":true}"}"#;
    put_theirs(kv.store(), "persist:root", theirs).await?;
    let states = kv.collection::<State>();
    let census = states.census_with_values().await?;
    assert_eq!((census.groups[0].versions.get(&1), census.undecoded), (Some(&1), Some(0)));
    states.update("root", |it| it.counter += 1).await?;
    assert_eq!(
        text(kv.store(), "persist:root").await?,
        r#"{"counter":"8","todos":"[{\"done\":1.0}]","_persist":"{\"version\":2,\"rehydrated\":true}","language":"\"en\""}"#
    );
    Ok(())
}

#[tokio::test]
async fn message_pack_keeps_what_no_field_names() -> Outcome {
    #[derive(KvEntity)]
    #[kv(prefix = "packed", adapter = MessagePack)]
    struct Packed {
        #[kv(id)]
        id: u64,
        name: String,
    }

    let (kv, _) = memory();
    let theirs = b"\x82\xA4name\xA3Ada\xA6theirs\x91\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF";
    kv.store().put(Key::from_text("packed:7"), NewRecord::plain(&theirs[..])).await?;
    let packed = kv.collection::<Packed>();
    packed.update(7, |it| it.name.push('!')).await?;
    let stored = kv.store().read(&packed.key(7)).await?.ok_or("is there")?;
    assert_eq!(&stored.value[..], b"\x82\xA4name\xA4Ada!\xA6theirs\x91\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
    Ok(())
}

/// Records that are no JSON, of an entity without an adapter.
#[tokio::test]
async fn the_error_about_another_format_names_it() -> Outcome {
    #[derive(KvEntity)]
    #[kv(prefix = "raw", plain)]
    struct Raw {
        #[kv(id)]
        id: u64,
        name: String,
    }

    let (kv, _) = memory();
    for (id, bytes, format) in [
        (1, &b"\x80\x04\x95\x10\0\0\0"[..], "pickle"),
        (2, b"\x1F\x8B\x08\0", "gzip"),
        (3, b"\x78\x9C\x01", "zlib"),
        (4, b"\x28\xB5\x2F\xFD\x04", "zstd"),
        (5, b"\x82\xA4name\xA3Ada\xA1a\x01", "MessagePack"),
    ] {
        kv.store().put(Key::from_text(format!("raw:{id}")), NewRecord::plain(bytes)).await?;
        let error = kv.collection::<Raw>().get(id).await.err().ok_or("it is no JSON")?;
        let shown = format!("{error:?}");
        assert!(shown.contains(format) && shown.contains("adapter"), "{shown}");
    }
    Ok(())
}
