//! A JSON object for steps between versions: each member has its text, so that what no step changes
//! stays as it is written.

mod decode;
mod same;
#[cfg(test)]
mod tests;
mod value;

use std::borrow::Cow;
use std::fmt;

use kv_store::__private::json::{
    Name, RawMember, RawObject, Rounded, between, json_of_text, may_round, offset,
};
use kv_store::BoxError;
use kv_store::codec::CodecError;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::error::unread;
use super::merge::merge;
use super::tagged::TaggedText;
use decode::{FromMembers, Source};
use same::says;

/// The members of an object in their order. A repeated member is kept, and refused where it is
/// read.
#[derive(Clone, Debug)]
pub(crate) struct Members<'a> {
    texts: Texts<'a>,
    /// What the texts say, if a function was shown it.
    values: Option<Map<String, Value>>,
    /// Brings the texts up to date, if functions may have changed the values since. Texts follow
    /// when they are asked for, which a read rarely does. It is a pointer so that it is only linked
    /// where steps are functions.
    texts_after: Option<TextsAfter>,
    /// Names with an escape, each with its text.
    spelt: Vec<(String, &'a str)>,
}

/// Names, each with its value's text.
type Texts<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// The texts after the values were changed.
type TextsAfter = for<'a> fn(Texts<'a>, &Map<String, Value>) -> Texts<'a>;

impl<'a> Members<'a> {
    /// The members of the object that is the whole of these bytes.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let object = std::str::from_utf8(bytes).ok().and_then(RawObject::read);
        let Some(object) = object else {
            return Err(match serde_json::from_slice::<Map<String, Value>>(bytes) {
                Err(error) => unread(&error, bytes),
                Ok(_) => CodecError::new("it is not a JSON object"),
            });
        };
        Ok(Self::of(object))
    }

    /// As [`read`](Self::read), of bytes that were decoded before: whether they are JSON is not looked
    /// at again.
    pub(crate) fn read_again(bytes: &'a [u8]) -> Result<Self, CodecError> {
        match std::str::from_utf8(bytes).ok().and_then(|text| RawObject::split(text, None)) {
            Some(object) => Ok(Self::of(object)),
            None => Self::read(bytes),
        }
    }

    fn of(object: RawObject<'a>) -> Self {
        let spelt = object.members.iter().filter_map(RawMember::name_with_escapes).collect();
        let texts = object.members.into_iter().map(|member| (member.name, Cow::Borrowed(member.value)));
        Self { texts: texts.collect(), values: None, texts_after: None, spelt }
    }

    /// As [`read`](Self::read), in one pass with the values that a function is shown. Fails where
    /// that pass cannot tell where texts begin, where a number is beyond `f64`, or a name is there
    /// twice.
    pub(crate) fn read_valued(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let Valued { names, values } = json_of_text(text).ok()?;
        let mut texts = Vec::with_capacity(names.len() + 1);
        let mut names = names.into_iter().peekable();
        while let Some(name) = names.next() {
            let text = between(text, name, names.peek().copied())?;
            texts.push((Cow::Borrowed(name), Cow::Borrowed(text)));
        }
        Some(Self { texts, values: Some(values), texts_after: None, spelt: Vec::new() })
    }

    pub(crate) fn contains(&mut self, name: &str) -> bool {
        self.texts().iter().any(|(own, _)| own == name)
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.texts_alone().retain(|(own, _)| own != name);
    }

    pub(crate) fn insert(&mut self, name: &'static str, value: &RawValue) {
        self.texts_alone().push((Cow::Borrowed(name), Cow::Owned(value.get().to_owned())));
    }

    /// Where both names stand, the new one wins.
    pub(crate) fn rename(&mut self, from: &str, to: &'static str) {
        if from != to && self.contains(to) {
            self.remove(from);
        }
        for (name, _) in self.texts_alone().iter_mut().filter(|(name, _)| name == from) {
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
        change(&mut values)?;
        self.values = Some(values);
        self.texts_after = Some(texts_after);
        Ok(())
    }

    /// The texts, once they are to be changed by themselves.
    fn texts_alone(&mut self) -> &mut Texts<'a> {
        self.texts();
        self.values = None;
        &mut self.texts
    }

    /// The texts of what functions have left.
    fn texts(&mut self) -> &Texts<'a> {
        if let (Some(texts_after), Some(values)) = (self.texts_after.take(), &self.values) {
            let old = std::mem::take(&mut self.texts);
            self.texts = texts_after(old, values);
        }
        &self.texts
    }

    /// Decodes the object; none if it is not a `T`.
    pub(crate) fn decode<T: DeserializeOwned>(mut self) -> Option<T> {
        if let Some(values) = self.values.take() {
            if let Some(texts) = decode::needed(&self.texts, &values) {
                let mut members = values.into_iter().map(|(name, value)| {
                    let index = texts.binary_search_by_key(&name.as_str(), |(name, _)| name);
                    let text = index.ok().and_then(|index| texts.get(index));
                    (Cow::Owned(name), text.map_or(Source::Value(value), |(_, text)| Source::Text(text)))
                });
                return T::deserialize(FromMembers { members: &mut members, next: None }).ok();
            }
            self.values = Some(values);
        }
        let texts = self.texts().iter();
        let mut members = texts.map(|(name, text)| (Cow::Borrowed(&**name), Source::Text(text)));
        T::deserialize(FromMembers { members: &mut members, next: None }).ok()
    }

    /// The object's text.
    pub(crate) fn into_text(self) -> String {
        self.into_tagged(&TaggedText::default()).text
    }

    /// Returns the object's text, and the offsets of the tags that `source` has, from which members
    /// are borrowed.
    pub(crate) fn into_tagged(mut self, source: &TaggedText) -> TaggedText {
        self.texts();
        let lens = self.texts.iter().map(|(name, value)| name.len() + value.len() + "\"\":,".len());
        let mut text = String::with_capacity(lens.sum::<usize>() + "{}".len());
        text.push('{');
        let mut tags = Vec::new();
        for (name, value) in &self.texts {
            if text.len() > 1 {
                text.push(',');
            }
            match self.spelt.iter().find(|(own, _)| own == name) {
                Some((_, spelt)) => text.extend([spelt, ":"]),
                None => push_name(&mut text, name),
            }
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
        if map.insert(name.clone().into_owned(), value::read(text)?).is_some() {
            // In serde's words for a struct, as a name that no struct has is data.
            return Err("the object has a member twice".into());
        }
    }
    Ok(map)
}

/// The members' texts once functions have made these values of them.
fn texts_after<'a>(old: Texts<'a>, values: &Map<String, Value>) -> Texts<'a> {
    let may_be_rounded = old.iter().any(|(_, text)| may_round(text.as_bytes()));
    let rounded = if may_be_rounded { rounded_by(&old, values) } else { Rounded::default() };
    let mut texts: Texts<'a> = Vec::with_capacity(old.len().max(values.len()));
    for (name, text) in &old {
        let Some(is) = values.get(&**name) else { continue };
        let text = if says(text, is) { text.clone() } else { changed(text, is, &rounded) };
        texts.push((name.clone(), text));
    }
    if texts.len() < values.len() {
        let mut known: Vec<&str> = old.iter().map(|(name, _)| &**name).collect();
        known.sort_unstable();
        for (name, is) in values.iter().filter(|(name, _)| known.binary_search(&name.as_str()).is_err()) {
            texts.push((Cow::Owned(name.clone()), Cow::Owned(rounded.restored(is))));
        }
    }
    texts
}

/// The numbers that were rounded for a function. What it has moved is gone from where it was, and
/// counts more.
fn rounded_by<'t>(old: &'t Texts<'_>, after: &Map<String, Value>) -> Rounded<'t> {
    let is_left = |name: &str, text: &str| after.get(name).is_some_and(|is| says(text, is));
    let (left, gone): (Vec<_>, Vec<_>) = old.iter().partition(|(name, text)| is_left(name, text));
    let texts = |members: Vec<&'t (Cow<'_, str>, Cow<'_, str>)>| members.into_iter().map(|(_, text)| &**text);
    Rounded::of(texts(gone)).or(Rounded::of(texts(left)))
}

/// The text of a member that a function has changed.
fn changed<'a>(text: &str, is: &Value, rounded: &Rounded<'_>) -> Cow<'a, str> {
    let after = rounded.restored(is);
    Cow::Owned(match value::read(text) {
        Ok(was) if is.is_object() || is.is_array() => {
            merge(text, rounded.restored(&was).as_str().into(), after.as_str().into()).text
        }
        // A text that is no value was not shown to a function.
        _ => after,
    })
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
                let (mut names, mut members) = (Vec::with_capacity(16), Vec::with_capacity(16));
                while let Some(name) = map.next_key_seed(Name)? {
                    let Cow::Borrowed(name) = name else {
                        return Err(A::Error::custom("a name that is no part of the text"));
                    };
                    names.push(name);
                    members.push((name.to_owned(), map.next_value()?));
                }
                // All at once, which takes less than one by one.
                let values = Map::from_iter(members);
                if values.len() < names.len() {
                    return Err(A::Error::custom("a name that is not new"));
                }
                Ok(Valued { names, values })
            }
        }
        deserializer.deserialize_map(Read)
    }
}
