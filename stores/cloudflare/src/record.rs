//! How a record is spelt in Cloudflare KV: the value as plain text, all else as the metadata that
//! Cloudflare keeps beside it. The guide's page on the wire format specifies it.
//!
//! A Worker in JavaScript reads and writes such records with `getWithMetadata(key, "json")` and
//! `put(key, text, { metadata })`.

use bytes::Bytes;
use kv_store::__private::{json_len, read_time};
use kv_store::codec::Codec;
use kv_store::record::{Head, Metadata, MetadataError, NewRecord, Record, Revision};
use kv_store::{Error, Location, Result, Timestamp};
use serde_json::{Map, Value};

use super::{base64, limits};

/// When the record expires, in milliseconds. The server's own expiry is in whole seconds, is at
/// least a minute away, and is returned only by lists.
const EXPIRES_AT: &str = "expiresAt";

/// How a value is written that is not text; [`BASE64_NAME`] alone is ours.
const ENCODING: &str = "encoding";
const BASE64_NAME: &str = "base64";

/// The longest TTL that is left to the server, 68 years: its seconds are signed numbers of 32 bits
/// in places.
const MAX_TTL_SECONDS: u64 = i32::MAX as u64;

/// A byte order mark, which readers of text may swallow.
const BYTE_ORDER_MARK: &str = "\u{FEFF}";

/// A record as it is sent.
#[derive(Debug, PartialEq)]
pub(super) struct Spelt {
    pub(super) value: String,
    pub(super) metadata: Map<String, Value>,
    /// After how many seconds the server may forget it: `expirationTtl`. It is at least 60, and
    /// never less than what is left.
    pub(super) ttl_seconds: Option<u64>,
}

/// A record as it came back.
#[derive(Clone, Debug)]
pub(super) struct RawRecord {
    pub(super) value: Bytes,
    /// None and null are the same.
    pub(super) metadata: Option<Value>,
    pub(super) expiration: Expiration,
}

/// What a reply says of the server's own expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiration {
    /// Nothing, as reads of values do.
    Untold,
    /// It stays.
    Never,
    /// In seconds since the Unix epoch.
    At(u64),
}

/// The record as it is sent at this moment; none if its expiry has passed, so that the write is a
/// delete.
pub(super) fn spell(
    record: NewRecord,
    now: Timestamp,
    at: &dyn Fn() -> Box<Location>,
) -> Result<Option<Spelt>> {
    let NewRecord { value, mut metadata, expiry, is_plain, .. } = record;
    let expires_at = expiry.at(now);
    if expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Ok(None);
    }
    let is_json = metadata.codec == Codec::Json;
    let (value, is_text) = match String::from_utf8(value.0.into()) {
        Ok(text) if is_json && !text.starts_with(BYTE_ORDER_MARK) => (text, true),
        Ok(text) => (base64::encode(text.as_bytes()), false),
        Err(bytes) => (base64::encode(bytes.as_bytes()), false),
    };
    if value.len() > limits::VALUE {
        return Err(Error::ValueTooLong { at: at(), len: value.len(), max: limits::VALUE });
    }
    let mut ours = Map::new();
    if let Some(expires_at) = expires_at {
        ours.insert(EXPIRES_AT.to_owned(), expires_at.as_millis().into());
    }
    if is_json && !is_text {
        ours.insert(ENCODING.to_owned(), BASE64_NAME.into());
    }
    if is_plain && !is_text {
        let capability = "a plain record whose value is not JSON text";
        return Err(Error::Unsupported { at: at(), capability });
    }
    if is_plain {
        metadata = metadata.into_plain();
    }
    let members = within_limit(&mut metadata, is_plain, &ours).map_err(|len| Error::MetadataTooLong {
        at: at(),
        len,
        max: limits::METADATA,
    })?;
    let ttl_seconds = expires_at
        .map(|expires_at| (expires_at.as_millis() - now.as_millis()).div_ceil(1_000))
        .filter(|seconds| *seconds <= MAX_TTL_SECONDS)
        .map(|seconds| seconds.max(limits::SERVER_TTL.as_secs()));
    Ok(Some(Spelt { value, metadata: members, ttl_seconds }))
}

/// All members, within the limit: what can be spared goes, as what only these stores add takes some
/// of the room. `Err` is the length that remains.
fn within_limit(
    metadata: &mut Metadata,
    is_plain: bool,
    ours: &Map<String, Value>,
) -> Result<Map<String, Value>, usize> {
    let members = with_ours(metadata, is_plain, ours);
    let len = json_len(&members);
    if len <= limits::METADATA {
        return Ok(members);
    }
    let added = len.saturating_sub(metadata.json_len());
    metadata.shorten_to(limits::METADATA.saturating_sub(added)).map_err(|len| len + added)?;
    Ok(with_ours(metadata, is_plain, ours))
}

/// A plain record has no members of the runtime's, except its expiry.
fn with_ours(metadata: &Metadata, is_plain: bool, ours: &Map<String, Value>) -> Map<String, Value> {
    // Members of these names that came from elsewhere would be read as ours.
    let is_ours =
        |name: &str, value: &Value| name == EXPIRES_AT || (name == ENCODING && value == BASE64_NAME);
    let mut members = if is_plain { Map::new() } else { metadata.to_own_members() };
    let theirs = metadata.foreign_members().filter(|(name, value)| !is_ours(name, value));
    let ours = ours.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in theirs.chain(ours) {
        members.insert(name.to_owned(), value.clone());
    }
    members
}

/// The record that was found; none if it has expired.
pub(super) fn read(
    found: RawRecord,
    now: Timestamp,
    at: &dyn Fn() -> Box<Location>,
) -> Result<Option<Record>> {
    let Frame { metadata, expiry, is_text } = frame(found.metadata, found.expiration, at)?;
    if expiry.has_passed(now) {
        return Ok(None);
    }
    let value = if is_text {
        // A mark that something else wrote is no part of the JSON. Reads of text swallow it, and
        // reads of bytes do not.
        match found.value.strip_prefix(BYTE_ORDER_MARK.as_bytes()) {
            Some(text) => found.value.slice_ref(text),
            None => found.value,
        }
    } else {
        let decoded = base64::decode(&found.value);
        Bytes::from(decoded.ok_or_else(|| malformed(at, "its metadata says base64, and the value is none"))?)
    };
    // Nothing here compares and swaps: the value will do.
    let record = Record::new(value.clone(), metadata, Revision::from_plain(value));
    Ok(Some(match expiry {
        Known::Never => record,
        Known::At(expires_at) => record.with_expires_at(Some(expires_at)),
        Known::Not => record.with_unknown_expiry(),
    }))
}

/// The head of a record that a list shows; none if it has expired.
pub(super) fn read_head(
    metadata: Option<Value>,
    expiration: Option<u64>,
    now: Timestamp,
    at: &dyn Fn() -> Box<Location>,
) -> Result<Option<Head>> {
    let expiration = expiration.map_or(Expiration::Never, Expiration::At);
    let Frame { metadata, expiry, .. } = frame(metadata, expiration, at)?;
    let expires_at = match expiry {
        Known::At(expires_at) => Some(expires_at),
        Known::Never | Known::Not => None,
    };
    Ok((!expiry.has_passed(now)).then(|| Head::new(metadata, expires_at)))
}

/// What the metadata says.
struct Frame {
    metadata: Metadata,
    expiry: Known,
    is_text: bool,
}

enum Known {
    Not,
    Never,
    At(Timestamp),
}

impl Known {
    fn has_passed(&self, now: Timestamp) -> bool {
        matches!(self, Self::At(expires_at) if *expires_at <= now)
    }
}

fn frame(metadata: Option<Value>, expiration: Expiration, at: &dyn Fn() -> Box<Location>) -> Result<Frame> {
    let members = match metadata {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(damaged(at, MetadataError::NotAnObject)),
    };
    let expires_at = read_time(members.get(EXPIRES_AT), EXPIRES_AT).map_err(|error| damaged(at, error))?;
    let is_base64 = members.get(ENCODING).is_some_and(|encoding| encoding == BASE64_NAME);
    let mut metadata = Metadata::from_members(members).map_err(|error| damaged(at, error))?;
    metadata.remove_foreign(EXPIRES_AT);
    if is_base64 {
        metadata.remove_foreign(ENCODING);
    }
    let expiry = match (expires_at, expiration) {
        (Some(expires_at), _) => Known::At(expires_at),
        (None, Expiration::At(seconds)) => Known::At(Timestamp::from_millis(seconds.saturating_mul(1_000))),
        (None, Expiration::Never) => Known::Never,
        (None, Expiration::Untold) => Known::Not,
    };
    let is_text = metadata.codec == Codec::Json && !is_base64;
    Ok(Frame { metadata, expiry, is_text })
}

fn damaged(at: &dyn Fn() -> Box<Location>, error: MetadataError) -> Error {
    match error {
        MetadataError::UnknownCodec(codec) => Error::UnknownCodec { at: at(), codec },
        error => Error::Malformed { at: at(), what: error.to_string().into() },
    }
}

fn malformed(at: &dyn Fn() -> Box<Location>, what: &'static str) -> Error {
    Error::Malformed { at: at(), what: what.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use kv_store::record::Expiry;

    const NOW: Timestamp = Timestamp::from_millis(1_763_900_000_000);

    fn at() -> Box<Location> {
        Location::store("cloudflare-kv")
    }

    fn found(value: &str, metadata: Value, expiration: Expiration) -> RawRecord {
        RawRecord { value: value.to_owned().into(), metadata: Some(metadata), expiration }
    }

    fn spelt(record: NewRecord) -> Spelt {
        spell(record, NOW, &at).expect("is within the limits").expect("has not expired")
    }

    fn back(spelt: Spelt) -> Record {
        let Spelt { value, metadata, .. } = spelt;
        let found = RawRecord {
            value: value.into(),
            metadata: Some(metadata.into()),
            expiration: Expiration::Untold,
        };
        read(found, NOW, &at).expect("is what was spelt").expect("has not expired")
    }

    #[test]
    fn a_value_is_the_text_that_it_is() {
        let spelt = spelt(NewRecord::new(r#"{"name":"Åda"}"#, Metadata::new(2, Codec::Json)));
        assert_eq!(spelt.value, r#"{"name":"Åda"}"#);
        assert_eq!(Value::from(spelt.metadata), json!({ "version": 2 }));
        assert_eq!(spelt.ttl_seconds, None);
    }

    #[test]
    fn a_plain_record_has_no_metadata_of_the_runtimes() {
        let plain = spelt(NewRecord::plain(r#"{"name":"Ada"}"#));
        assert_eq!((plain.value.as_str(), plain.metadata.len()), (r#"{"name":"Ada"}"#, 0));
        let mut theirs = Metadata::new(7, Codec::Json).with_created_at(Some(NOW));
        theirs.set_foreign("owner", "x".into()).expect("is not ours");
        let mut record = NewRecord::plain("1").with_expiry(Expiry::At(Timestamp::MAX));
        record.metadata = theirs;
        let plain = spelt(record);
        let expected = json!({ "owner": "x", "expiresAt": Timestamp::MAX.as_millis() });
        assert_eq!(Value::from(plain.metadata.clone()), expected);
        assert!(back(plain).is_plain());
        assert!(matches!(spell(NewRecord::plain(&b"\xFF"[..]), NOW, &at), Err(Error::Unsupported { .. })));
    }

    #[test]
    fn what_is_no_text_is_base64() {
        for value in [&b"\xFF\x00"[..], b"\xEF\xBB\xBF1"] {
            let spelt = spelt(NewRecord::new(value, Metadata::default()));
            assert_eq!(Value::from(spelt.metadata.clone()), json!({ "version": 1, "encoding": "base64" }));
            let record = back(spelt);
            assert_eq!((&record.value[..], record.metadata), (value, Metadata::default()));
        }
    }

    #[cfg(feature = "postcard")]
    #[test]
    fn a_binary_codec_is_base64_by_its_name() {
        let spelt = spelt(NewRecord::new("abc", Metadata::new(1, Codec::Postcard)));
        assert_eq!(spelt.value, "YWJj");
        assert_eq!(Value::from(spelt.metadata.clone()), json!({ "version": 1, "codec": "postcard" }));
        assert_eq!(back(spelt).value[..], *b"abc");
    }

    #[test]
    fn a_short_ttl_is_exact_here_and_a_minute_there() {
        let of = |expiry| {
            let spelt = spelt(NewRecord::new("1", Metadata::default()).with_expiry(expiry));
            (spelt.ttl_seconds, spelt.metadata.get(EXPIRES_AT).and_then(Value::as_u64))
        };
        let now = NOW.as_millis();
        let after = |millis| Expiry::After(std::time::Duration::from_millis(millis));
        assert_eq!(of(after(1_500)), (Some(60), Some(now + 1_500)));
        assert_eq!(of(after(60_001)), (Some(61), Some(now + 60_001)));
        assert_eq!(of(Expiry::At(Timestamp::from_millis(now + 90_000))), (Some(90), Some(now + 90_000)));
        assert_eq!(of(Expiry::At(Timestamp::MAX)), (None, Some(Timestamp::MAX.as_millis())));
        let past = NewRecord::new("1", Metadata::default()).with_expiry(Expiry::At(NOW));
        assert_eq!(spell(past, NOW, &at).expect("is no error"), None);
    }

    #[test]
    fn what_javascript_wrote_is_version_1_of_unknown_expiry() {
        for metadata in [Value::Null, json!({}), json!({ "version": null })] {
            let record = read(found("{}", metadata, Expiration::Untold), NOW, &at);
            let record = record.expect("is a record").expect("is there");
            assert_eq!(record.metadata, Metadata::default());
            assert!(!record.expiry_known && record.expires_at.is_none());
        }
    }

    #[test]
    fn a_byte_order_mark_of_another_program_is_left_out() {
        let record = read(found("\u{FEFF}{}", Value::Null, Expiration::Untold), NOW, &at);
        assert_eq!(record.expect("is a record").expect("is there").value[..], *b"{}");
        // In base64 it is part of the value.
        let metadata = json!({ "encoding": "base64" });
        let record = read(found("77u/MQ==", metadata, Expiration::Untold), NOW, &at);
        assert_eq!(record.expect("is a record").expect("is there").value[..], *b"\xEF\xBB\xBF1");
    }

    #[test]
    fn the_expiry_is_what_is_known_of_it() {
        let seconds = NOW.as_millis() / 1_000;
        let of = |metadata, expiration| {
            let record = read(found("1", metadata, expiration), NOW, &at).expect("is a record");
            record.map(|record| (record.expires_at.map(Timestamp::as_millis), record.expiry_known))
        };
        assert_eq!(of(json!({}), Expiration::Never), Some((None, true)));
        assert_eq!(of(json!({}), Expiration::At(seconds + 9)), Some((Some(1_000 * (seconds + 9)), true)));
        let ours = json!({ "expiresAt": NOW.as_millis() + 5 });
        assert_eq!(of(ours, Expiration::At(seconds + 60)), Some((Some(NOW.as_millis() + 5), true)));
        assert_eq!(of(json!({ "expiresAt": NOW.as_millis() }), Expiration::At(seconds + 60)), None);
    }

    #[test]
    fn foreign_members_keep_their_place() {
        let metadata = json!({ "version": 3, "owner": "x", "encoding": "gzip" });
        let record = read(found("1", metadata.clone(), Expiration::Never), NOW, &at);
        let record = record.expect("is a record").expect("is there");
        let again = spelt(NewRecord::new(record.value.0, record.metadata));
        assert_eq!(Value::from(again.metadata), metadata);
    }

    #[test]
    fn metadata_keeps_within_the_limit_with_what_is_added() {
        let mut metadata = Metadata::new(1, Codec::Json).with_created_at(Some(NOW));
        metadata.set_foreign("pad", "x".repeat(950).into()).expect("is not ours");
        let record = NewRecord::new("1", metadata.clone());
        let expiring = record.clone().with_expiry(Expiry::At(Timestamp::MAX));
        assert!(spelt(record).metadata.contains_key("createdAt"));
        let spelt = spelt(expiring);
        assert!(!spelt.metadata.contains_key("createdAt") && spelt.metadata.contains_key(EXPIRES_AT));
        metadata.set_foreign("pad", "x".repeat(1_000).into()).expect("is not ours");
        let expiring = NewRecord::new("1", metadata).with_expiry(Expiry::At(Timestamp::MAX));
        assert!(matches!(spell(expiring, NOW, &at), Err(Error::MetadataTooLong { max: 1_024, .. })));
    }

    #[test]
    fn what_is_no_record_is_told() {
        for metadata in [json!([]), json!("x"), json!({ "version": "2" }), json!({ "expiresAt": "soon" })] {
            let record = read(found("1", metadata.clone(), Expiration::Untold), NOW, &at);
            assert!(matches!(record, Err(Error::Malformed { .. })), "{metadata}");
            assert!(matches!(read_head(Some(metadata), None, NOW, &at), Err(Error::Malformed { .. })));
        }
        let record = read(found("%", json!({ "encoding": "base64" }), Expiration::Untold), NOW, &at);
        assert!(matches!(record, Err(Error::Malformed { .. })));
        let record = read(found("", json!({ "codec": "bson" }), Expiration::Untold), NOW, &at);
        assert!(matches!(record, Err(Error::UnknownCodec { .. })));
    }
}
