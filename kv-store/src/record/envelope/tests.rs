use super::*;
use crate::codec::Codec;

/// A token whose bytes tell their order.
const TOKEN: u64 = 0x0807_0605_0403_0201;

fn written(metadata: &Metadata, expires_at: Option<Timestamp>) -> Vec<u8> {
    let mut out = Vec::new();
    write(metadata, expires_at, TOKEN, &mut out).expect("the foreign members are short");
    out
}

fn full() -> Metadata {
    let mut metadata =
        Metadata::new(300, Codec::Json).with_created_at(Some(Timestamp::from_millis(0x0102_0304_0506)));
    metadata.migrated_at = Some(Timestamp::MAX);
    metadata.min_reader = Some(2);
    metadata.set_foreign("a", true.into()).expect("is not ours");
    metadata
}

#[test]
fn every_field_has_its_place() {
    let bytes = written(&full(), Some(Timestamp::from_millis(7)));
    let expected = [
        &[0xFF, 0x4B, 1, 0b1_1111][..],
        &[1, 2, 3, 4, 5, 6, 7, 8],
        &[0],
        &[0xAC, 0x02],
        &[6, 5, 4, 3, 2, 1],
        &[7, 0, 0, 0, 0, 0],
        &[0xFF; 6],
        &[2],
        &[10, 0],
        br#"{"a":true}"#,
    ];
    assert_eq!(bytes, expected.concat());
    let envelope = read(&bytes).expect("was just written");
    assert_eq!(envelope.metadata, full());
    assert_eq!(envelope.expires_at, Some(Timestamp::from_millis(7)));
    assert_eq!((envelope.token, envelope.value_at), (Some(TOKEN), bytes.len()));
}

#[test]
fn the_usual_fields_cost_at_most_32_bytes() {
    let now = Some(Timestamp::MAX);
    let size = |version| written(&Metadata::new(version, Codec::Json).with_created_at(now), now).len();
    assert_eq!(size(1), 26);
    assert_eq!(size(u32::MAX), 30);
    assert_eq!(written(&Metadata::default(), None).len(), 14);
}

#[test]
fn versions_are_leb128() {
    for (version, bytes) in [
        (1, &[1][..]),
        (127, &[0x7F]),
        (128, &[0x80, 1]),
        (16_383, &[0xFF, 0x7F]),
        (16_384, &[0x80, 0x80, 1]),
        (u32::MAX, &[0xFF, 0xFF, 0xFF, 0xFF, 0x0F]),
    ] {
        let written = written(&Metadata::new(version, Codec::Json), None);
        assert_eq!(&written[13..], bytes, "{version}");
        assert_eq!(read(&written).map(|envelope| envelope.metadata.version), Ok(version));
    }
    // Written as if it were 1, which 0 means everywhere.
    assert_eq!(written(&Metadata::new(0, Codec::Json), None)[13..], [1]);
}

#[test]
fn other_spellings_of_a_version_are_refused() {
    let too_long = [0x80; 5];
    for version in [&[0][..], &[0x80, 0], &[0x81, 0], &[0xFF, 0xFF, 0xFF, 0xFF, 0x10], &too_long, &[0xFF; 6]]
    {
        let mut bytes = written(&Metadata::default(), None);
        bytes.truncate(13);
        bytes.extend_from_slice(version);
        assert_eq!(read(&bytes), Err(EnvelopeError::Version), "{version:?}");
    }
}

#[test]
fn an_envelope_that_is_cut_short_is_an_error() {
    let bytes = written(&full(), Some(Timestamp::from_millis(7)));
    for len in 1..bytes.len() {
        assert_eq!(read(&bytes[..len]), Err(EnvelopeError::Truncated), "{len} bytes");
    }
}

#[test]
fn what_format_1_does_not_know_is_refused() {
    let bytes = written(&full(), None);
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        read(&bytes)
    };
    assert_eq!(with(1, 0x4A), Err(EnvelopeError::Magic));
    assert_eq!(with(2, 2), Err(EnvelopeError::Format(2)));
    assert_eq!(with(3, 0x20), Err(EnvelopeError::Flags(0x20)));
    assert_eq!(with(12, 0xFE), Err(EnvelopeError::Codec(0xFE)));
    let foreign_at = bytes.len() - 10;
    assert_eq!(with(foreign_at, b'['), Err(EnvelopeError::Foreign(MetadataError::NotAnObject)));
}

#[test]
fn names_of_ours_are_no_foreign_members() {
    let mut bytes = written(&Metadata::new(3, Codec::Json), None);
    bytes[3] |= FOREIGN;
    let members = br#"{"a":1,"codec":"bson","version":9}"#;
    bytes.extend_from_slice(&[members.len() as u8, 0]);
    bytes.extend_from_slice(members);
    let metadata = read(&bytes).expect("is an envelope").metadata;
    assert_eq!(metadata.version, 3);
    assert_eq!(metadata.foreign_members().collect::<Vec<_>>(), [("a", &1.into())]);
}

#[test]
fn a_value_without_envelope_is_version_1_in_json() {
    for value in [&b""[..], b"{}", b"\0", b"K\xFF", "\u{FFFF}".as_bytes(), b"\xFE\xFF"] {
        let record = open(Bytes::copy_from_slice(value)).expect("is plain");
        assert_eq!(&record.value[..], value);
        assert_eq!((record.metadata, record.expires_at), (Metadata::default(), None));
        assert_eq!(record.revision.plain().map(|plain| &plain[..]), Some(value));
    }
}

#[test]
fn foreign_members_have_room_up_to_65535_bytes() {
    let with = |len: usize| {
        let mut metadata = Metadata::default();
        metadata.set_foreign("pad", "x".repeat(len - r#"{"pad":""}"#.len()).into()).expect("is not ours");
        metadata
    };
    let longest = with(65_535);
    assert_eq!(read(&written(&longest, None)).map(|envelope| envelope.metadata), Ok(longest));
    let mut out = b"before".to_vec();
    assert_eq!(write(&with(65_536), None, TOKEN, &mut out), Err(65_536));
    assert_eq!(out, b"before");
}

#[test]
fn errors_name_the_key_and_the_fault() {
    let at = || Location::of("test", &crate::key::Key::from_text("user:1"));
    let text = EnvelopeError::Truncated.into_error(at()).to_string();
    assert_eq!(
        text,
        "`user:1` in test: the record cannot be read: its envelope is cut short; it was left as it is, and `put` replaces it"
    );
    let text = EnvelopeError::Codec(9).into_error(at()).to_string();
    assert!(text.contains("number 9"), "{text}");
}

#[test]
fn a_plain_record_has_no_envelope() {
    let at = || Location::of("test", &crate::key::Key::from_text("user:1"));
    let mut out = Vec::new();
    let mut plain = NewRecord::plain("{}");
    plain.metadata = full();
    assert!(begin(&plain, None, TOKEN, &mut out, at).is_ok() && out.is_empty());
    let enveloped = NewRecord::new("{}", full());
    assert!(begin(&enveloped, None, TOKEN, &mut out, at).is_ok());
    assert_eq!(out, written(&full(), None));
    // It would be read as an envelope.
    let record = NewRecord::plain(&b"\xFF\x4B"[..]);
    for refused in [begin(&record, None, TOKEN, &mut out, at), check_new(&record, at)] {
        assert!(matches!(refused, Err(Error::Unsupported { .. })), "{refused:?}");
    }
}
