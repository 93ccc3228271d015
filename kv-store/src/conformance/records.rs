//! One record: it comes back as it was written, and goes when it is deleted.

use super::harness::Harness;
use super::suite::{Checked, Suite, Test, key, sample};
use crate::codec::Codec;
use crate::record::{Metadata, NewRecord};
use crate::store::StoreExt;
use crate::timestamp::Timestamp;

pub(super) async fn run<H: Harness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        capabilities_stay: "capabilities MUST always be the same",
        absent_is_none: "what was never written is absent, and deleting it is no error",
        get_after_put: "a record MUST come back as it was written",
        head_is_all_but_the_value: "head gives metadata and expiry of the record",
        put_replaces_everything: "put replaces value and metadata",
        delete_removes: "delete removes the record, and it can be written again",
        all_metadata_comes_back: "a record MUST come back with every member of its metadata",
        foreign_members_come_back: "a record MUST come back with its foreign members",
        every_codec_comes_back: "a record MUST come back with its codec",
        any_bytes_come_back: "a record MUST come back as it was written, whatever bytes it has",
        long_values_come_back: "values up to the store's limit MUST come back (tried up to 1 MiB)",
        long_metadata_comes_back: "metadata up to the store's limit MUST come back",
    );
}

async fn capabilities_stay<H: Harness>(t: Test<'_, H>) -> Checked {
    let name = t.store.name();
    t.put(&key("t:1"), &sample(1)).await?;
    check!(*t.store.capabilities() == t.can, "{:?} became {:?}", t.can, t.store.capabilities());
    check!(!name.is_empty() && name == t.store.name(), "the store's name is {name:?}");
    Ok(())
}

async fn absent_is_none<H: Harness>(t: Test<'_, H>) -> Checked {
    let absent = key("t:absent");
    t.is_absent(&absent).await?;
    check!(t.store.head(&absent).await?.is_none(), "there is a head of an absent record");
    t.delete(&absent).await?;
    t.is_absent(&absent).await
}

async fn get_after_put<H: Harness>(t: Test<'_, H>) -> Checked {
    let keys = [key("t:1"), key("t:2"), key("t:3")];
    for (key, number) in keys.iter().zip(1..) {
        t.put(key, &sample(number)).await?;
    }
    for (key, number) in keys.iter().zip(1..) {
        let record = t.holds(key, &sample(number)).await?;
        check!(record.expires_at.is_none(), "a record without expiry expires at {:?}", record.expires_at);
    }
    Ok(())
}

async fn head_is_all_but_the_value<H: Harness>(t: Test<'_, H>) -> Checked {
    let (key, written) = (key("t:1"), sample(1));
    t.put(&key, &written).await?;
    let head = t.store.head(&key).await?;
    let same =
        head.as_ref().is_some_and(|head| head.metadata == written.metadata && head.expires_at.is_none());
    check!(same, "the head is {head:?}, and {written:?} was written");
    Ok(())
}

async fn put_replaces_everything<H: Harness>(t: Test<'_, H>) -> Checked {
    let key = key("t:1");
    let mut first = sample(1);
    first.metadata.migrated_at = Some(Timestamp::from_millis(3));
    foreign(&mut first.metadata, "theirs", true.into())?;
    t.put(&key, &first).await?;
    let second = NewRecord::new("2", Metadata::default());
    t.put(&key, &second).await?;
    t.holds(&key, &second).await.map(drop)
}

async fn delete_removes<H: Harness>(t: Test<'_, H>) -> Checked {
    let (deleted, other) = (key("t:1"), key("t:2"));
    t.put(&deleted, &sample(1)).await?;
    t.put(&other, &sample(2)).await?;
    t.delete(&deleted).await?;
    t.is_absent(&deleted).await?;
    t.holds(&other, &sample(2)).await?;
    t.put(&deleted, &sample(3)).await?;
    t.holds(&deleted, &sample(3)).await.map(drop)
}

async fn all_metadata_comes_back<H: Harness>(t: Test<'_, H>) -> Checked {
    let key = key("t:1");
    let mut metadata = Metadata::new(u32::MAX, Codec::Json).with_created_at(Some(Timestamp::MAX));
    metadata.min_reader = Some(u32::MAX - 1);
    metadata.migrated_at = Some(Timestamp::from_millis(0));
    for metadata in
        [metadata, Metadata::new(127, Codec::Json), Metadata::new(128, Codec::Json), Metadata::default()]
    {
        let written = NewRecord::new("{}", metadata);
        t.put(&key, &written).await?;
        t.holds(&key, &written).await?;
    }
    Ok(())
}

async fn foreign_members_come_back<H: Harness>(t: Test<'_, H>) -> Checked {
    let key = key("t:1");
    let mut written = sample(1);
    let members = [
        ("owner", serde_json::json!({ "name": "Åsa \"the\" owner\n", "tags": [1, -2.5, null, [], {}] })),
        ("", serde_json::json!(false)),
        ("日本 🦀", serde_json::json!("{}")),
        // The greatest number that every reader of JSON holds exactly.
        ("Version", serde_json::json!(9_007_199_254_740_991_u64)),
    ];
    for (name, value) in members {
        foreign(&mut written.metadata, name, value)?;
    }
    t.put(&key, &written).await?;
    t.holds(&key, &written).await?;
    let head = t.store.head(&key).await?.map(|head| head.metadata);
    check!(head.as_ref() == Some(&written.metadata), "the head has {head:?}, and {written:?} was written");
    Ok(())
}

async fn every_codec_comes_back<H: Harness>(t: Test<'_, H>) -> Checked {
    let key = key("t:1");
    for codec in (0..=u8::MAX).filter_map(Codec::from_number) {
        let written = NewRecord::new("1", Metadata::new(2, codec));
        t.put(&key, &written).await?;
        t.holds(&key, &written).await?;
    }
    Ok(())
}

async fn any_bytes_come_back<H: Harness>(t: Test<'_, H>) -> Checked {
    let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
    let values: [&[u8]; 8] =
        [b"", b"\0", b"\xFF", b"\xFFK\x01", b"null", b"{\"version\":9}", "ключ 🔑".as_bytes(), &all_bytes];
    for (number, value) in values.into_iter().enumerate() {
        let key = key(&format!("t:{number}"));
        let written = NewRecord::new(value.to_vec(), Metadata::new(2, Codec::Json));
        t.put(&key, &written).await?;
        t.holds(&key, &written).await?;
    }
    Ok(())
}

async fn long_values_come_back<H: Harness>(t: Test<'_, H>) -> Checked {
    let key = key("t:1");
    let longest = t.can.limits.value.min(1 << 20);
    for len in [longest, longest / 2 + 1, 1] {
        let value: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        let written = NewRecord::new(value, Metadata::default());
        t.put(&key, &written).await?;
        t.holds(&key, &written).await?;
    }
    Ok(())
}

async fn long_metadata_comes_back<H: Harness>(t: Test<'_, H>) -> Checked {
    let key = key("t:1");
    let mut written = sample(1);
    foreign(&mut written.metadata, "pad", "".into())?;
    let room = t.can.limits.metadata.saturating_sub(written.metadata.json_len());
    foreign(&mut written.metadata, "pad", "x".repeat(room).into())?;
    t.put(&key, &written).await?;
    t.holds(&key, &written).await.map(drop)
}

fn foreign(metadata: &mut Metadata, name: &str, value: serde_json::Value) -> Checked {
    let set = metadata.set_foreign(name, value);
    check!(set.is_ok(), "the suite's own member was refused: {set:?}");
    Ok(())
}
