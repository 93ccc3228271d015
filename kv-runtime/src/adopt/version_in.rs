//! The version of a value that is one of its members.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Where a plain record keeps its version: `version_in` and `version_map` of
/// [`KvEntity`](derive@crate::KvEntity).
#[derive(Clone, Copy, Debug)]
pub struct VersionIn {
    path: &'static [&'static str],
    map: &'static [(Spelling, u32)],
}

/// What a record may have in the place of a version's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// No such member, or `null`.
    Missing,
    /// A whole number, such as -1.
    Number(i64),
    /// A text.
    Text(&'static str),
}

/// The version that a value has, and whether it names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) version: u32,
    pub(crate) is_named: bool,
}

/// What is at the path.
enum Member<'a> {
    Value(&'a RawValue),
    /// The object at this depth, which is in `object`, lacks the next name.
    Lacks(usize, &'a RawValue),
    /// The member at this depth is `null`, so that an object can take its place.
    Null(usize, &'a RawValue),
    /// The value at this depth is no object.
    NotAnObject,
}

/// Shows it as `version_map` has it.
impl fmt::Display for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

impl VersionIn {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(path: &'static [&'static str], map: &'static [(Spelling, u32)]) -> Self {
        Self { path, map }
    }

    /// Returns the names of the members that lead to the version.
    #[must_use]
    pub const fn path(&self) -> &'static [&'static str] {
        self.path
    }

    /// Returns which version each of these spellings means. Any other whole number from 1 on means
    /// itself, and a missing version is 1.
    #[must_use]
    pub const fn map(&self) -> &'static [(Spelling, u32)] {
        self.map
    }

    /// Returns the version of a value. Text that is no JSON object is left for the decoder to refuse:
    /// it has the version of a value without one.
    pub(crate) fn read(&self, value: &[u8]) -> Result<Read, String> {
        let Ok(value) = serde_json::from_slice::<&RawValue>(value) else { return Ok(self.missing()) };
        match self.find(value) {
            Member::Value(found) => match self.version_of(found.get()) {
                Some(version) => Ok(Read { version, is_named: true }),
                None => Err(self.complaint("is no version; `version_map` says what other spellings mean")),
            },
            Member::Lacks(..) | Member::Null(..) => Ok(self.missing()),
            Member::NotAnObject => Ok(self.missing()),
        }
    }

    /// Returns the value with this version. It is the same text if it has the version already,
    /// whatever its spelling, also none. Only a new value whose version is missing gets the first
    /// spelling of `version_map`. Fails if something in the path is no object.
    pub(crate) fn write<'a>(
        &self,
        value: &'a str,
        version: u32,
        is_new: bool,
    ) -> Result<Cow<'a, str>, String> {
        let parsed: &RawValue = serde_json::from_str(value).map_err(|_| self.complaint("is in no JSON"))?;
        let first = self.map.iter().find(|(_, other)| *other == version).map(|(spelling, _)| *spelling);
        let may_lack = self.missing().version == version && (!is_new || first == Some(Spelling::Missing));
        let (at, text) = match self.find(parsed) {
            Member::Value(found) if self.version_of(found.get()) == Some(version) => {
                return Ok(Cow::Borrowed(value));
            }
            Member::Lacks(..) | Member::Null(..) if may_lack => return Ok(Cow::Borrowed(value)),
            Member::Value(found) => (span(value, found), self.spelled(version)),
            Member::Null(depth, null) => (span(value, null), self.nested(depth, version)),
            Member::Lacks(depth, object) => {
                let whole = span(value, object);
                let is_empty = object.get().trim_start_matches('{').trim_start().starts_with('}');
                let comma = if is_empty { "" } else { "," };
                let name = self.path.get(depth).copied().unwrap_or_default();
                let member = format!("{comma}{}:{}", quoted(name), self.nested(depth + 1, version));
                (whole.end.saturating_sub(1)..whole.end.saturating_sub(1), member)
            }
            Member::NotAnObject => return Err(self.complaint("is in something that is no object")),
        };
        let (Some(before), Some(after)) = (value.get(..at.start), value.get(at.end..)) else {
            return Err(self.complaint("cannot be written"));
        };
        Ok(Cow::Owned([before, &text, after].concat()))
    }

    fn missing(&self) -> Read {
        Read { version: self.mapped(Spelling::Missing).unwrap_or(1), is_named: false }
    }

    fn mapped(&self, spelling: Spelling) -> Option<u32> {
        self.map.iter().find(|(other, _)| *other == spelling).map(|(_, version)| *version)
    }

    fn version_of(&self, member: &str) -> Option<u32> {
        if member.starts_with('"') {
            let text: String = serde_json::from_str(member).ok()?;
            let is_it = |spelling: &Spelling| matches!(spelling, Spelling::Text(other) if *other == text);
            return self.map.iter().find(|(other, _)| is_it(other)).map(|(_, version)| *version);
        }
        let number: i64 = serde_json::from_str(member).ok()?;
        let own = || u32::try_from(number).ok().filter(|version| *version > 0);
        self.mapped(Spelling::Number(number)).or_else(own)
    }

    /// The first spelling of a version, or none for its number. The derive has checked that it is
    /// read as that version again.
    fn spelling(&self, version: u32) -> Option<Spelling> {
        let mut all = self.map.iter().filter(|(spelling, _)| *spelling != Spelling::Missing);
        all.find(|(_, other)| *other == version).map(|(spelling, _)| *spelling)
    }

    fn spelled(&self, version: u32) -> String {
        match self.spelling(version) {
            Some(Spelling::Text(text)) => quoted(text),
            Some(Spelling::Number(number)) => number.to_string(),
            Some(Spelling::Missing) | None => version.to_string(),
        }
    }

    /// The version within the objects that the rest of the path names.
    fn nested(&self, depth: usize, version: u32) -> String {
        let names = self.path.get(depth..).unwrap_or_default();
        let inner = self.spelled(version);
        names.iter().rev().fold(inner, |inner, name| format!("{{{}:{inner}}}", quoted(name)))
    }

    fn find<'a>(&self, value: &'a RawValue) -> Member<'a> {
        let mut at = value;
        for (depth, name) in self.path.iter().enumerate() {
            if !at.get().starts_with('{') {
                let is_null = depth > 0 && at.get() == "null";
                return if is_null { Member::Null(depth, at) } else { Member::NotAnObject };
            }
            match member(at, name) {
                Some(found) => at = found,
                None => return Member::Lacks(depth, at),
            }
        }
        match at.get() {
            "null" => Member::Null(self.path.len(), at),
            _ => Member::Value(at),
        }
    }

    fn complaint(&self, why: &str) -> String {
        format!("its version, the member `{}`, {why}", self.path.join("."))
    }
}

/// Where a part of a text is in it.
fn span(whole: &str, part: &RawValue) -> std::ops::Range<usize> {
    let start = (part.get().as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.get().len()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The member of this name, the last if there are several, as JavaScript reads it.
fn member<'a>(object: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    let mut json = serde_json::Deserializer::from_str(object.get());
    json.deserialize_map(Named(name)).ok().flatten()
}

struct Named<'n>(&'n str);

impl<'de> Visitor<'de> for Named<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(Is(self.0))? {
            if is_it {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a name is this one.
struct Is<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAT: VersionIn = VersionIn::new(&["schemaVersion"], &[]);
    const NESTED: VersionIn = VersionIn::new(&["_persist", "version"], &[(Spelling::Number(-1), 1)]);
    const TEXTS: VersionIn = VersionIn::new(
        &["v"],
        &[
            (Spelling::Missing, 2),
            (Spelling::Text("a"), 1),
            (Spelling::Text("é\n"), 2),
            (Spelling::Text("b"), 2),
        ],
    );

    fn version(at: &VersionIn, value: &str) -> Option<u32> {
        at.read(value.as_bytes()).ok().map(|read| read.version)
    }

    #[test]
    fn a_version_is_read_from_its_member() {
        for (at, value, expected) in [
            (&FLAT, r#"{"a":{"schemaVersion":9},"schemaVersion":3}"#, Some(3)),
            (&FLAT, r#"{ "schema\u0056ersion" : 3 }"#, Some(3)),
            (&FLAT, r#"{"schemaVersion":3,"schemaVersion":4}"#, Some(4)),
            (&FLAT, "{}", Some(1)),
            (&FLAT, r#"{"schemaVersion":null}"#, Some(1)),
            (&FLAT, "[object Object]", Some(1)),
            (&FLAT, r#"{"schemaVersion":0}"#, None),
            (&FLAT, r#"{"schemaVersion":-1}"#, None),
            (&FLAT, r#"{"schemaVersion":2.0}"#, None),
            (&FLAT, r#"{"schemaVersion":4294967296}"#, None),
            (&FLAT, r#"{"schemaVersion":"2"}"#, None),
            (&FLAT, r#"{"schemaVersion":[]}"#, None),
            (&NESTED, r#"{"_persist":{"version":-1,"rehydrated":true}}"#, Some(1)),
            (&NESTED, r#"{"_persist":{"version":7}}"#, Some(7)),
            (&NESTED, r#"{"_persist":null}"#, Some(1)),
            (&NESTED, r#"{"_persist":[1]}"#, Some(1)),
            (&TEXTS, r#"{"v":"a"}"#, Some(1)),
            (&TEXTS, r#"{"v":"\u00e9\n"}"#, Some(2)),
            (&TEXTS, r#"{"v":3}"#, Some(3)),
            (&TEXTS, "{}", Some(2)),
            (&TEXTS, r#"{"v":"c"}"#, None),
        ] {
            assert_eq!(version(at, value), expected, "{value}");
        }
        let unread = FLAT.read(br#"{"schemaVersion":"secret"}"#).expect_err("is no version");
        assert!(unread.contains("`schemaVersion`") && !unread.contains("secret"), "{unread}");
        assert!(!FLAT.read(b"{}").expect("is version 1").is_named);
        assert!(FLAT.read(br#"{"schemaVersion":1}"#).expect("is version 1").is_named);
    }

    #[test]
    fn a_version_is_written_and_nothing_else_changes() {
        for (at, value, version, expected) in [
            (&FLAT, r#"{ "a" : 1e0 , "schemaVersion" : 1 }"#, 2, r#"{ "a" : 1e0 , "schemaVersion" : 2 }"#),
            (&FLAT, r#"{"a":1}"#, 2, r#"{"a":1,"schemaVersion":2}"#),
            (&FLAT, "{ }", 2, r#"{ "schemaVersion":2}"#),
            (&FLAT, r#"{"schemaVersion":null}"#, 2, r#"{"schemaVersion":2}"#),
            (&FLAT, r#"{"schemaVersion":2}"#, 2, r#"{"schemaVersion":2}"#),
            (&NESTED, r#"{"_persist":{"version":-1}}"#, 1, r#"{"_persist":{"version":-1}}"#),
            (&NESTED, r#"{"_persist":{"version":-1}}"#, 2, r#"{"_persist":{"version":2}}"#),
            (&NESTED, r#"{"_persist":null}"#, 3, r#"{"_persist":{"version":3}}"#),
            (&NESTED, "{}", 3, r#"{"_persist":{"version":3}}"#),
            (&TEXTS, "{}", 1, r#"{"v":"a"}"#),
            (&TEXTS, r#"{"v":"b"}"#, 2, r#"{"v":"b"}"#),
            (&TEXTS, r#"{"v":"a"}"#, 2, r#"{"v":"é\n"}"#),
        ] {
            let written = at.write(value, version, false).expect("has a place");
            assert_eq!(written, expected, "{value}");
            assert_eq!(self::version(at, &written), Some(version), "{value}");
        }
        assert!(NESTED.write(r#"{"_persist":[1]}"#, 2, false).is_err());
        assert!(FLAT.write("[1]", 2, false).is_err());
    }

    #[test]
    fn only_a_new_value_gets_a_version_that_it_may_lack() {
        for (at, version, new) in [
            (&FLAT, 1, r#"{"schemaVersion":1}"#),
            (&NESTED, 1, r#"{"_persist":{"version":-1}}"#),
            (&TEXTS, 2, "{}"),
        ] {
            assert_eq!(at.write("{}", version, true).expect("has a place"), new);
            assert_eq!(at.write("{}", version, false).expect("has a place"), "{}");
        }
    }
}
