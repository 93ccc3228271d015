//! Envelopes and metadata come back as they were written, and no bytes are too strange to be read
//! or refused.

use kv_runtime::record::{Metadata, Record, Revision, envelope};
use kv_runtime::{Codec, Timestamp};
use proptest::prelude::*;
use serde_json::Value;

fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![0..=Timestamp::MAX.as_millis(), Just(0), Just(Timestamp::MAX.as_millis())]
        .prop_map(Timestamp::from_millis)
}

fn version() -> impl Strategy<Value = u32> {
    prop_oneof![1..=u32::MAX, 1..400_u32, Just(u32::MAX), (0..32_u32).prop_map(|bit| 1 << bit)]
}

fn codec() -> impl Strategy<Value = Codec> {
    prop_oneof![Just(Codec::Json), Just(Codec::Postcard)]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let times = (prop::option::of(time()), prop::option::of(time()));
    let foreign = prop::collection::vec(("[a-zé\"\\\\]{0,6}", json()), 0..4);
    (version(), prop::option::of(version()), codec(), times, foreign).prop_map(
        |(version, min_reader, codec, (created_at, migrated_at), foreign)| {
            let mut metadata = Metadata::new(version, codec).with_created_at(created_at);
            metadata.min_reader = min_reader;
            metadata.migrated_at = migrated_at;
            for (name, value) in foreign {
                metadata.set_foreign(&name, value).expect("short lower-case names are not ours");
            }
            metadata
        },
    )
}

fn same(a: &Record, b: &Record) -> bool {
    a.value == b.value && a.metadata == b.metadata && a.expires_at == b.expires_at && a.revision == b.revision
}

/// Bytes that are an envelope, up to one or another change.
fn almost_envelope() -> impl Strategy<Value = Vec<u8>> {
    let written =
        (metadata(), prop::option::of(time()), any::<u64>()).prop_map(|(metadata, expires_at, token)| {
            let mut bytes = Vec::new();
            envelope::write(&metadata, expires_at, token, &mut bytes).expect("the members are short");
            bytes
        });
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (written, changes, any::<prop::sample::Index>()).prop_map(|(mut bytes, changes, cut)| {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        bytes
    })
}

proptest! {
    #[test]
    fn an_envelope_comes_back(
        metadata in metadata(),
        expires_at in prop::option::of(time()),
        token in any::<u64>(),
        value in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut bytes = Vec::new();
        envelope::write(&metadata, expires_at, token, &mut bytes).expect("the members are short");
        let value_at = bytes.len();
        prop_assert!(std::str::from_utf8(&bytes).is_err());

        // The envelope alone is enough to read it.
        let alone = envelope::read(&bytes).expect("was just written");
        prop_assert_eq!((&alone.metadata, alone.expires_at), (&metadata, expires_at));
        prop_assert_eq!((alone.token, alone.value_at), (Some(token), value_at));
        for len in 1..value_at {
            prop_assert!(envelope::read(&bytes[..len]).is_err(), "cut to {} of {} bytes", len, value_at);
        }

        bytes.extend_from_slice(&value);
        let record = envelope::open(bytes.into()).expect("was just written");
        let expected = Record::new(value, metadata, Revision::from_token(token)).with_expires_at(expires_at);
        prop_assert!(same(&record, &expected), "{:?} instead of {:?}", record, expected);
    }

    #[test]
    fn the_usual_envelope_is_short(version in version(), created_at in time(), expires_at in time(), token in any::<u64>()) {
        let mut bytes = Vec::new();
        let metadata = Metadata::new(version, Codec::Postcard).with_created_at(Some(created_at));
        envelope::write(&metadata, Some(expires_at), token, &mut bytes).expect("there are no members");
        prop_assert!(bytes.len() <= 32, "{} bytes", bytes.len());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80),
        prop::collection::vec(any::<u8>(), 0..80).prop_map(|rest| [&[0xFF, 0x4B, 1][..], &rest].concat()),
        almost_envelope(),
    ]) {
        let Ok(record) = envelope::open(bytes.clone().into()) else { return Ok(()) };
        let Some(token) = record.revision.token() else {
            prop_assert_eq!(&record.value[..], &bytes[..]);
            prop_assert_eq!(record.metadata, Metadata::default());
            return Ok(());
        };
        let mut again = Vec::new();
        envelope::write(&record.metadata, record.expires_at, token, &mut again).expect("it was read");
        again.extend_from_slice(&record.value);
        let reread = envelope::open(again.into()).expect("was just written");
        prop_assert!(same(&record, &reread), "{:?} became {:?}", record, reread);
    }

    #[test]
    fn metadata_comes_back_as_json(metadata in metadata()) {
        let json = metadata.to_json();
        prop_assert_eq!(json.len(), metadata.json_len());
        prop_assert_eq!(Metadata::from_json(json.as_bytes()), Ok(metadata));
    }

    #[test]
    fn any_json_is_metadata_or_refused(
        members in prop::collection::hash_map(
            prop_oneof![
                Just("version"), Just("minReader"), Just("codec"), Just("createdAt"), Just("migratedAt"), Just("theirs"),
            ],
            prop_oneof![json(), Just(Value::from("json")), Just(Value::from("postcard")), (0..9_u8).prop_map(Value::from)],
            0..6,
        ),
        bytes in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        // Reading twice what was read once changes nothing more.
        let members: Value = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        for text in [members.to_string().into_bytes(), bytes] {
            if let Ok(metadata) = Metadata::from_json(&text) {
                prop_assert!(metadata.version > 0 && metadata.oldest_reader() > 0);
                prop_assert_eq!(Metadata::from_json(metadata.to_json().as_bytes()), Ok(metadata));
            }
        }
    }
}
