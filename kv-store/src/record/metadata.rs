//! The metadata of a value: its version, its codec, its times, and members that other programs
//! added.

use serde_json::{Map, Value};

use super::foreign::Foreign;
use crate::codec::Codec;
use crate::timestamp::Timestamp;

/// The metadata of a record.
///
/// As JSON it is the object that Cloudflare KV and its Workers see, such as
/// `{"version":2,"migratedAt":1763900000000}`, with times in milliseconds since the Unix epoch.
/// Members that the library does not know belong to other programs and are kept.
///
/// ```
/// # extern crate kv_runtime_store as kv_runtime;
/// use kv_runtime::record::Metadata;
///
/// let metadata = Metadata::from_json(br#"{"version":2,"theirs":true}"#)?;
/// assert_eq!(metadata.version, 2);
/// assert_eq!(metadata.foreign("theirs"), Some(&true.into()));
/// # Ok::<(), kv_runtime::record::MetadataError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Metadata {
    /// The version of the value's shape, from 1.
    pub version: u32,
    /// Returns the oldest version whose code can read the value.
    pub min_reader: Option<u32>,
    /// The codec of the value.
    pub codec: Codec,
    /// When the record was first written, if that is known.
    pub created_at: Option<Timestamp>,
    /// When the value was migrated from an older version, if it was.
    pub migrated_at: Option<Timestamp>,
    /// Boxed, as few records have any and every record carries the place.
    foreign: Option<Box<Foreign>>,
    names_version: bool,
}

/// The metadata of a value that has none: version 1 in JSON, which [names no
/// version](Metadata::names_version).
impl Default for Metadata {
    fn default() -> Self {
        Self { names_version: false, ..Self::new(1, Codec::Json) }
    }
}

/// Whether it says the same of the value; a version that is not named is 1.
impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        let parts = |it: &Self| (it.version, it.min_reader, it.codec, it.created_at, it.migrated_at);
        parts(self) == parts(other) && self.foreign == other.foreign
    }
}

/// Why bytes are not metadata.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// Not a JSON object.
    #[error("the metadata is not a JSON object")]
    NotAnObject,
    /// A member that this library defines has another type or range.
    #[error("the metadata's `{0}` is not {1}")]
    Member(&'static str, &'static str),
    /// The codec is not known here.
    #[error("the metadata names the codec `{0}`, which this program does not know")]
    UnknownCodec(String),
}

const VERSION: &str = "version";
const MIN_READER: &str = "minReader";
const CODEC: &str = "codec";
const CREATED_AT: &str = "createdAt";
const MIGRATED_AT: &str = "migratedAt";

/// The names that are never a foreign member's.
const OWN: [&str; 5] = [VERSION, MIN_READER, CODEC, CREATED_AT, MIGRATED_AT];

impl Metadata {
    /// Makes the metadata of a new value.
    #[must_use]
    pub const fn new(version: u32, codec: Codec) -> Self {
        Self {
            version,
            min_reader: None,
            codec,
            created_at: None,
            migrated_at: None,
            foreign: None,
            names_version: true,
        }
    }

    /// Returns the metadata with the moment of the first write.
    #[must_use]
    pub const fn with_created_at(mut self, created_at: Option<Timestamp>) -> Self {
        self.created_at = created_at;
        self
    }

    /// The oldest version whose code can read the value.
    #[must_use]
    pub fn oldest_reader(&self) -> u32 {
        self.min_reader.unwrap_or(self.version)
    }

    /// Returns whether the record names its version. A record that does not may belong to another
    /// program, which does not know versions. So
    /// [`WriteBack::Safe`](https://docs.rs/kv-runtime/latest/kv_runtime/migrate/enum.WriteBack.html#variant.Safe) does not rewrite it on a shared store.
    #[must_use]
    pub const fn names_version(&self) -> bool {
        self.names_version
    }

    /// Returns a member that the library does not know. A number beyond `u64` and `f64` is rounded
    /// here, and written with its original text.
    #[must_use]
    pub fn foreign(&self, name: &str) -> Option<&Value> {
        self.foreign.as_ref()?.get(name)
    }

    /// Returns all members that the library does not know.
    pub fn foreign_members(&self) -> impl Iterator<Item = (&str, &Value)> {
        let members = self.foreign.iter().flat_map(|foreign| foreign.members());
        members.map(|(name, value)| (name.as_str(), value))
    }

    /// Adds or replaces a member that the library does not know. Fails for names that the library
    /// uses.
    pub fn set_foreign(&mut self, name: &str, value: Value) -> Result<(), MetadataError> {
        if let Some(own) = OWN.iter().find(|own| **own == name) {
            return Err(MetadataError::Member(own, "a foreign member"));
        }
        self.foreign.get_or_insert_default().insert(name, value);
        Ok(())
    }

    /// Takes a member away that the rest of the runtime does not know.
    #[doc(hidden)]
    pub fn remove_foreign(&mut self, name: &str) {
        if let Some(foreign) = &mut self.foreign {
            foreign.remove_all(&[name]);
        }
        self.foreign = self.foreign.take().filter(|foreign| !foreign.is_empty());
    }

    /// Takes over the members that are somebody else's.
    #[doc(hidden)]
    pub fn keep_foreign(&mut self, from: &Self) {
        self.foreign.clone_from(&from.foreign);
    }

    /// What stays of it beside a [plain](super::NewRecord::plain) value: the members that are somebody
    /// else's.
    #[doc(hidden)]
    #[must_use]
    pub fn into_plain(self) -> Self {
        Self { foreign: self.foreign, ..Self::default() }
    }

    pub(super) fn foreign_json(&self) -> Option<String> {
        let foreign = self.foreign.as_deref().filter(|foreign| !foreign.is_empty());
        foreign.map(|foreign| foreign.text_of(foreign.members()))
    }

    pub(super) fn set_foreign_json(&mut self, json: &[u8]) -> Result<(), MetadataError> {
        let mut foreign = Foreign::read(json).ok_or(MetadataError::NotAnObject)?;
        foreign.remove_all(&OWN);
        self.foreign = (!foreign.is_empty()).then(|| Box::new(foreign));
        Ok(())
    }

    /// Returns the JSON object. Members that have their default are omitted, except `version`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let members = self.to_members();
        match self.foreign.as_deref() {
            Some(foreign) => foreign.text_of(&members),
            None => to_text(&members),
        }
    }

    /// The members of the JSON object.
    #[doc(hidden)]
    pub fn to_members(&self) -> Map<String, Value> {
        let mut members = self.to_own_members();
        for (name, value) in self.foreign_members() {
            members.insert(name.to_owned(), value.clone());
        }
        members
    }

    /// The members without those of others.
    #[doc(hidden)]
    pub fn to_own_members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert(VERSION.to_owned(), self.version.into());
        if let Some(min_reader) = self.min_reader {
            members.insert(MIN_READER.to_owned(), min_reader.into());
        }
        if self.codec != Codec::Json {
            members.insert(CODEC.to_owned(), self.codec.name().into());
        }
        for (name, time) in [(CREATED_AT, self.created_at), (MIGRATED_AT, self.migrated_at)] {
            if let Some(time) = time {
                members.insert(name.to_owned(), time.as_millis().into());
            }
        }
        members
    }

    /// Parses the JSON object. A `version` that is absent, null or 0 is 1.
    pub fn from_json(json: &[u8]) -> Result<Self, MetadataError> {
        Self::read(Foreign::read(json).ok_or(MetadataError::NotAnObject)?)
    }

    /// Reads the members of the JSON object.
    #[doc(hidden)]
    pub fn from_members(members: Map<String, Value>) -> Result<Self, MetadataError> {
        Self::read(members.into())
    }

    fn read(mut members: Foreign) -> Result<Self, MetadataError> {
        let version = read_version(members.get(VERSION), VERSION)?;
        let mut metadata = Self::new(version.unwrap_or(1), Codec::Json);
        metadata.names_version = version.is_some();
        metadata.min_reader = read_version(members.get(MIN_READER), MIN_READER)?;
        metadata.created_at = read_time(members.get(CREATED_AT), CREATED_AT)?;
        metadata.migrated_at = read_time(members.get(MIGRATED_AT), MIGRATED_AT)?;
        metadata.codec = match members.get(CODEC) {
            None | Some(Value::Null) => Codec::Json,
            Some(Value::String(name)) => {
                Codec::from_name(name).ok_or_else(|| MetadataError::UnknownCodec(name.clone()))?
            }
            Some(_) => return Err(MetadataError::Member(CODEC, "a string")),
        };
        members.remove_all(&OWN);
        metadata.foreign = (!members.is_empty()).then(|| Box::new(members));
        Ok(metadata)
    }

    /// Returns the length of the JSON object.
    #[must_use]
    pub fn json_len(&self) -> usize {
        self.to_json().len()
    }

    /// Shortens it to `max` bytes of JSON: `migratedAt` goes first, then `createdAt`, a foreign
    /// member never. Gives the length that remains where that is not enough.
    #[doc(hidden)]
    pub fn shorten_to(&mut self, max: usize) -> Result<(), usize> {
        // The largest form without foreign members is far below every store's limit.
        if self.foreign.is_none() || self.json_len() <= max {
            return Ok(());
        }
        self.migrated_at = None;
        if self.json_len() > max {
            self.created_at = None;
        }
        match self.json_len() {
            len if len <= max => Ok(()),
            len => Err(len),
        }
    }
}

/// The length of the JSON object.
pub fn json_len(members: &Map<String, Value>) -> usize {
    to_text(members).len()
}

fn to_text(members: &Map<String, Value>) -> String {
    Foreign::default().text_of(members)
}

/// Absent, null and 0 are nothing.
fn read_version(member: Option<&Value>, name: &'static str) -> Result<Option<u32>, MetadataError> {
    match member {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().map(u32::try_from) {
            Some(Ok(0)) => Ok(None),
            Some(Ok(version)) => Ok(Some(version)),
            _ => Err(MetadataError::Member(name, "a version number")),
        },
    }
}

/// Reads a time from the member of this name. JavaScript may write a whole number as a float. A fraction of a millisecond is cut off.
pub fn read_time(member: Option<&Value>, name: &'static str) -> Result<Option<Timestamp>, MetadataError> {
    match member {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match (value.as_u64(), value.as_f64()) {
            (Some(millis), _) => Ok(Some(Timestamp::from_millis(millis))),
            (None, Some(millis)) if millis >= 0.0 => Ok(Some(Timestamp::from_millis(millis as u64))),
            _ => Err(MetadataError::Member(name, "a time in milliseconds since the Unix epoch")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_object_and_falsy_versions_are_version_1_in_json() {
        for json in ["{}", r#"{"version":null}"#, r#"{"version":0}"#] {
            assert_eq!(Metadata::from_json(json.as_bytes()), Ok(Metadata::default()), "{json}");
        }
    }

    #[test]
    fn foreign_members_survive() {
        let json = r#"{"createdAt":5,"owner":{"a":[1,null]},"version":3}"#;
        assert_eq!(Metadata::from_json(json.as_bytes()).map(|it| it.to_json()), Ok(json.to_owned()));
    }

    #[test]
    fn foreign_numbers_keep_their_digits() {
        let json = r#"{"version":3,"wei":123456789012345678901234567890,"far":[1e400]}"#;
        let mut metadata = Metadata::from_json(json.as_bytes()).expect("is metadata");
        let text = metadata.to_json();
        assert!(
            text.contains(r#""wei":123456789012345678901234567890"#) && text.contains("[1e400]"),
            "{text}"
        );
        assert_eq!(metadata.json_len(), text.len());
        let mut other = Metadata::default();
        other.set_foreign_json(json.as_bytes()).expect("is an object");
        assert_eq!(
            other.foreign_json().as_deref(),
            Some(r#"{"far":[1e400],"wei":123456789012345678901234567890}"#)
        );
        metadata.set_foreign("wei", 1.into()).expect("is not ours");
        assert!(metadata.to_json().contains(r#""wei":1"#));
    }

    #[test]
    fn a_time_is_a_whole_number_or_a_float() {
        for (json, millis) in [("5", 5), ("5.9", 5), ("9007199254740993", 9_007_199_254_740_993)] {
            let metadata = Metadata::from_json(format!(r#"{{"createdAt":{json}}}"#).as_bytes());
            let created_at = metadata.map(|it| it.created_at);
            assert_eq!(created_at, Ok(Some(Timestamp::from_millis(millis))), "{json}");
        }
    }

    #[test]
    fn a_missing_version_is_known_as_missing() {
        for (json, names) in [("{}", false), (r#"{"version":0}"#, false), (r#"{"version":1}"#, true)] {
            assert_eq!(
                Metadata::from_json(json.as_bytes()).map(|it| it.names_version()),
                Ok(names),
                "{json}"
            );
        }
        assert!(!Metadata::default().names_version() && Metadata::new(1, Codec::Json).names_version());
    }

    #[test]
    fn invalid_metadata_is_an_error() {
        for json in ["", "[]", "null", "7", "{", "\"x\""] {
            assert_eq!(Metadata::from_json(json.as_bytes()), Err(MetadataError::NotAnObject), "{json}");
        }
        for json in
            [r#"{"version":"2"}"#, r#"{"version":-1}"#, r#"{"version":4294967296}"#, r#"{"createdAt":-1}"#]
        {
            assert!(matches!(Metadata::from_json(json.as_bytes()), Err(MetadataError::Member(..))), "{json}");
        }
        let unknown = Metadata::from_json(br#"{"codec":"bson"}"#);
        assert_eq!(unknown, Err(MetadataError::UnknownCodec("bson".to_owned())));
    }

    #[test]
    fn shortening_spares_what_is_foreign() {
        let mut metadata = Metadata::new(2, Codec::Json).with_created_at(Some(Timestamp::from_millis(1)));
        metadata.migrated_at = Some(Timestamp::from_millis(2));
        metadata.set_foreign("theirs", "x".repeat(40).into()).expect("is not ours");
        let full = metadata.json_len();
        assert_eq!(metadata.clone().shorten_to(full), Ok(()));
        let mut once = metadata.clone();
        assert_eq!(once.shorten_to(full - 1), Ok(()));
        assert!(once.migrated_at.is_none() && once.created_at.is_some());
        assert_eq!(metadata.shorten_to(50), Err(65));
        assert!(metadata.foreign("theirs").is_some());
    }
}
