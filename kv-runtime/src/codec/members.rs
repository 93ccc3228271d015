//! A JSON object for steps between versions: each member has its text, so that what no step changes
//! stays as it is written.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::merge::merge;
use super::raw::{Name, RawObject, between, offset};
use super::rounded::{Rounded, value};
use super::{CodecError, tagged::TaggedText};
use crate::error::BoxError;

/// The members of an object in their order. A repeated member is kept, and refused where it is
/// read.
#[derive(Clone, Debug)]
pub(crate) struct Members<'a> {
    texts: Texts<'a>,
    /// What the texts say, if a function was shown it.
    values: Option<Map<String, Value>>,
}

/// Names, each with its value's text.
type Texts<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

impl<'a> Members<'a> {
    /// The members of the object that is the whole of these bytes.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let object = std::str::from_utf8(bytes).ok().and_then(RawObject::read);
        let Some(object) = object else {
            return Err(match serde_json::from_slice::<Map<String, Value>>(bytes) {
                Err(error) => CodecError::json(&error, bytes),
                Ok(_) => CodecError::new("it is no JSON object"),
            });
        };
        let texts = object.members.into_iter().map(|member| (member.name, Cow::Borrowed(member.value)));
        Ok(Self { texts: texts.collect(), values: None })
    }

    /// As [`read`](Self::read), in one pass with the values that a function is shown. Fails where
    /// that pass cannot tell where texts begin, where a number is beyond `f64`, or a name is there
    /// twice.
    pub(crate) fn read_valued(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let Valued { names, values } = super::json_of_text(text).ok()?;
        let mut texts = Vec::with_capacity(names.len() + 1);
        let mut names = names.into_iter().peekable();
        while let Some(name) = names.next() {
            let text = between(text, name, names.peek().copied())?;
            texts.push((Cow::Borrowed(name), Cow::Borrowed(text)));
        }
        Some(Self { texts, values: Some(values) })
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.texts.iter().any(|(own, _)| own == name)
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.values = None;
        self.texts.retain(|(own, _)| own != name);
    }

    pub(crate) fn insert(&mut self, name: &'static str, value: &RawValue) {
        self.values = None;
        self.texts.push((Cow::Borrowed(name), Cow::Owned(value.get().to_owned())));
    }

    /// Where both names stand, the new one wins.
    pub(crate) fn rename(&mut self, from: &str, to: &'static str) {
        if from != to && self.contains(to) {
            self.remove(from);
        }
        self.values = None;
        for (name, _) in self.texts.iter_mut().filter(|(name, _)| name == from) {
            *name = Cow::Borrowed(to);
        }
    }

    /// Lets the application change the object. What it leaves equal keeps its text, and so does a
    /// number that it moves.
    pub(crate) fn change(
        &mut self,
        change: impl FnOnce(&mut Map<String, Value>) -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        let mut values = match self.values.take() {
            Some(values) => values,
            None => to_map(&self.texts)?,
        };
        let rounds = values.values().any(may_be_rounded);
        change(&mut values)?;
        let old = std::mem::take(&mut self.texts);
        let rounded = if rounds { rounded_by(&old, &values) } else { Rounded::default() };
        self.texts.reserve(old.len().max(values.len()));
        for (name, text) in &old {
            let Some(is) = values.get(&**name) else { continue };
            let text = if says(text, is) { text.clone() } else { changed(text, is, &rounded)? };
            self.texts.push((name.clone(), text));
        }
        if self.texts.len() < values.len() {
            let known: HashSet<&str> = old.iter().map(|(name, _)| &**name).collect();
            for (name, is) in values.iter().filter(|(name, _)| !known.contains(name.as_str())) {
                self.texts.push((Cow::Owned(name.clone()), Cow::Owned(rounded.restored(is))));
            }
        }
        self.values = Some(values);
        Ok(())
    }

    /// Decodes the object, and takes its values for that; none if it is not a `T`.
    pub(crate) fn decode<T: DeserializeOwned>(&mut self) -> Option<T> {
        let values = self.values.take();
        T::deserialize(FromMembers { texts: self.texts.iter(), values, next: None }).ok()
    }

    /// The object's text.
    pub(crate) fn to_text(&self) -> String {
        self.to_tagged(&TaggedText::default()).text
    }

    /// Returns the object's text, and the offsets of the tags that `source` has, from which members
    /// are borrowed.
    pub(crate) fn to_tagged(&self, source: &TaggedText) -> TaggedText {
        let mut text = "{".to_owned();
        let mut tags = Vec::new();
        for (name, value) in &self.texts {
            if text.len() > 1 {
                text.push(',');
            }
            push_name(&mut text, name);
            if let Cow::Borrowed(value) = value {
                let (from, to) = (offset(&source.text, value), text.len());
                let within = source.tags.iter().filter(|tag| (from..from + value.len()).contains(*tag));
                tags.extend(within.map(|tag| tag - from + to));
            }
            text.push_str(value);
        }
        text.push('}');
        TaggedText { text, tags }
    }
}

fn push_name(text: &mut String, name: &str) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if name.bytes().all(is_plain) {
        text.extend(["\"", name, "\":"]);
        return;
    }
    // `Value` writes itself without an error to be ignored.
    text.push_str(&Value::String(name.to_owned()).to_string());
    text.push(':');
}

/// The members as values, in which numbers beyond `u64` and `f64` are rounded.
fn to_map(texts: &Texts<'_>) -> Result<Map<String, Value>, BoxError> {
    let mut map = Map::new();
    for (name, text) in texts {
        if map.insert(name.clone().into_owned(), value(text)?).is_some() {
            // In serde's words for a struct, as a name that no struct has is data.
            return Err("the object has a member twice".into());
        }
    }
    Ok(map)
}

/// Whether a number in the value may be another one in the text.
fn may_be_rounded(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_u64() && !number.is_i64(),
        Value::Array(elements) => elements.iter().any(may_be_rounded),
        Value::Object(members) => members.values().any(may_be_rounded),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// The numbers that were rounded for a function. What it has moved is gone from where it was, and
/// counts more.
fn rounded_by<'t>(old: &'t Texts<'_>, after: &Map<String, Value>) -> Rounded<'t> {
    let is_left = |name: &str, text: &str| after.get(name).is_some_and(|is| says(text, is));
    let (left, gone): (Vec<_>, Vec<_>) = old.iter().partition(|(name, text)| is_left(name, text));
    let texts = |members: Vec<&'t (Cow<'_, str>, Cow<'_, str>)>| members.into_iter().map(|(_, text)| &**text);
    Rounded::of(texts(gone)).or(Rounded::of(texts(left)))
}

/// Whether the text says this value.
fn says(text: &str, is: &Value) -> bool {
    match is {
        Value::String(is) if !text.contains('\\') => {
            text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) == Some(is)
        }
        Value::Number(is) if is.is_u64() => text.parse().ok() == is.as_u64(),
        _ => value(text).is_ok_and(|was| was == *is),
    }
}

/// The text of a member that a function has changed.
fn changed<'a>(text: &str, is: &Value, rounded: &Rounded<'_>) -> Result<Cow<'a, str>, BoxError> {
    let after = rounded.restored(is);
    if !is.is_object() && !is.is_array() {
        return Ok(Cow::Owned(after));
    }
    let before = rounded.restored(&value(text)?);
    Ok(Cow::Owned(merge(text, before.as_str().into(), after.as_str().into()).text))
}

/// Names and values in one pass. It fails at a name with an escape, which is not a part of the text,
/// and at one that is there twice.
struct Valued<'a> {
    names: Vec<&'a str>,
    values: Map<String, Value>,
}

impl<'de> Deserialize<'de> for Valued<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Valued<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Valued<'de>, A::Error> {
                let (mut names, mut values) = (Vec::with_capacity(16), Map::new());
                while let Some(name) = map.next_key_seed(Name)? {
                    let value = map.next_value()?;
                    let is_new = values.insert((*name).to_owned(), value).is_none();
                    match name {
                        Cow::Borrowed(name) if is_new => names.push(name),
                        _ => return Err(A::Error::custom("a name that is no part of the text, or not new")),
                    }
                }
                Ok(Valued { names, values })
            }
        }
        deserializer.deserialize_map(Read)
    }
}

/// The members as the deserializer of the object.
struct FromMembers<'m, 'a> {
    texts: std::slice::Iter<'m, (Cow<'a, str>, Cow<'a, str>)>,
    values: Option<Map<String, Value>>,
    /// The member whose value comes next.
    next: Option<(&'m str, &'m str)>,
}

impl<'de> Deserializer<'de> for FromMembers<'de, '_> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for FromMembers<'de, '_> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        self.next = self.texts.next().map(|(name, text)| (&**name, &**text));
        let Some((name, _)) = self.next else { return Ok(None) };
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        let Some((name, text)) = self.next.take() else {
            return Err(Self::Error::custom("a value without a name"));
        };
        let value = self.values.as_mut().and_then(|values| values.get_mut(name));
        match value.filter(|value| is_all_of(value, text)) {
            Some(value) => seed.deserialize(value.take()),
            None => {
                let mut json = serde_json::Deserializer::from_slice(text.as_bytes());
                let value = seed.deserialize(&mut json)?;
                json.end().map(|()| value)
            }
        }
    }
}

/// Whether the value has all that is in its text, to whatever type is read from it: no order of
/// members, and no spelling.
fn is_all_of(value: &Value, text: &str) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => number.is_u64() || number.is_i64(),
        Value::String(_) => !text.contains('\\'),
        Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: &str = r#"{"wei":123456789012345678901234567890,"price":19.990000000000000000001,"far":[1e400,"1e400"],"n":{"a":1,"w":1e999}}"#;

    fn members(text: &str) -> Members<'_> {
        Members::read(text.as_bytes()).expect("is an object")
    }

    #[test]
    fn what_a_step_leaves_alone_keeps_its_text() {
        let mut all = members(WIDE);
        all.change(|_| Ok(())).expect("changes nothing");
        assert_eq!(all.to_text(), WIDE);
        all.change(|object| {
            let wei = object.remove("wei").ok_or("it is gone")?;
            object.insert("amount".to_owned(), wei);
            object["n"]["a"] = 2.into();
            Ok(())
        })
        .expect("can be changed");
        assert_eq!(
            all.to_text(),
            r#"{"price":19.990000000000000000001,"far":[1e400,"1e400"],"n":{"a":2,"w":1e999},"amount":123456789012345678901234567890}"#
        );
    }

    #[test]
    fn steps_by_name_touch_no_other_member() {
        let mut all = members(r#"{"a":1.0,"b":2}"#);
        all.rename("a", "c");
        all.rename("b", "c");
        all.insert("d", &serde_json::value::to_raw_value(&u128::MAX).expect("is JSON"));
        assert_eq!(all.to_text(), r#"{"c":1.0,"d":340282366920938463463374607431768211455}"#);
        all.remove("d");
        assert!(!all.contains("d"));
    }

    #[test]
    fn a_repeated_member_is_refused_where_it_is_read() {
        let mut twice = members(r#"{"a":1,"a":2}"#);
        assert_eq!(twice.to_text(), r#"{"a":1,"a":2}"#);
        assert!(twice.change(|_| Ok(())).is_err());
    }

    #[test]
    fn tags_move_with_their_members() {
        let source = TaggedText { text: r#"{"a":{"t":"C"},"b":{"t":"D"}}"#.to_owned(), tags: vec![6, 20] };
        let mut all = members(&source.text);
        all.remove("a");
        let moved = all.to_tagged(&source);
        assert_eq!((moved.text.as_str(), moved.tags), (r#"{"b":{"t":"D"}}"#, vec![6]));
    }

    #[test]
    fn both_ways_to_read_are_alike() {
        for text in [
            WIDE.replace("1e400", "1e40").replace("1e999", "1").as_str(),
            " { \"a\" : 1 ,\n\"b\":[ 1, {} ] } ",
            r#"{"a":"\"b\":","c":{}}"#,
            "{}",
        ] {
            let (one_pass, two) = (Members::read_valued(text.as_bytes()), members(text));
            assert_eq!(one_pass.expect("has no escape in a name").to_text(), two.to_text());
        }
        for text in [r#"{"\u0061":1}"#, r#"{"a":1e400}"#, "[]", "{", r#"{"a":1} x"#] {
            assert!(Members::read_valued(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[derive(Debug, serde::Deserialize)]
    struct Exact {
        wei: u128,
        price: Box<str>,
        as_written: Box<RawValue>,
        n: Vec<(String, f32)>,
    }

    #[test]
    fn a_type_sees_what_the_text_says() {
        let text = r#"{"wei":340282366920938463463374607431768211455,"price":"\u00e9","as_written":{"b": 1.50,"a":"\u0041"},"n":[["x",16777217]]}"#;
        let mut stepped = Members::read_valued(text.as_bytes()).expect("is an object");
        stepped.change(|_| Ok(())).expect("changes nothing");
        let found: Exact = stepped.decode().expect("is one");
        assert_eq!(found.as_written.get(), r#"{"b": 1.50,"a":"\u0041"}"#);
        assert_eq!((found.wei, &*found.price, found.n[0].1), (u128::MAX, "é", 16_777_216.0));
    }
}
