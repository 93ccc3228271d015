//! A JSON object for steps between versions: each member's value is text, so that what no step
//! changes stays as it is written.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::merge::merge;
use super::raw::{RawObject, offset};
use super::{CodecError, tagged::TaggedText};
use crate::error::BoxError;

/// The members of an object in their order. A repeated member is kept, and refused where it is
/// read.
#[derive(Clone, Debug)]
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

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
        let members = object.members.into_iter();
        Ok(Self(members.map(|member| (member.name, Cow::Borrowed(member.value))).collect()))
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.retain(|(own, _)| own != name);
    }

    pub(crate) fn insert(&mut self, name: &'static str, value: &RawValue) {
        self.0.push((Cow::Borrowed(name), Cow::Owned(value.get().to_owned())));
    }

    /// Where both names stand, the new one wins.
    pub(crate) fn rename(&mut self, from: &str, to: &'static str) {
        if from != to && self.contains(to) {
            self.remove(from);
        }
        for (name, _) in self.0.iter_mut().filter(|(name, _)| name == from) {
            *name = Cow::Borrowed(to);
        }
    }

    /// Lets the application change the object. What it leaves equal keeps its text, and so does a
    /// number that it moves.
    pub(crate) fn change(
        &mut self,
        change: impl FnOnce(&mut Map<String, Value>) -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        let before = self.to_map()?;
        let mut after = before.clone();
        change(&mut after)?;
        let old = std::mem::take(&mut self.0);
        let is_left = |name: &str| after.get(name) == before.get(name);
        let (left, gone): (Vec<_>, Vec<_>) = old.iter().partition(|(name, _)| is_left(name));
        // What is moved is gone from where it was.
        let rounded = Rounded::of(&gone).or(Rounded::of(&left));
        for (name, text) in &old {
            let (Some(was), Some(is)) = (before.get(&**name), after.remove(&**name)) else { continue };
            let text = if *was == is {
                text.clone()
            } else {
                let (was, is) = (rounded.restored(was), rounded.restored(&is));
                Cow::Owned(merge(text, was.as_str().into(), is.as_str().into()).text)
            };
            self.0.push((name.clone(), text));
        }
        for (name, is) in after {
            self.0.push((Cow::Owned(name), Cow::Owned(rounded.restored(&is))));
        }
        Ok(())
    }

    /// The members as values, in which numbers beyond `u64` and `f64` are rounded.
    fn to_map(&self) -> Result<Map<String, Value>, BoxError> {
        let mut map = Map::new();
        for (name, text) in &self.0 {
            if map.insert(name.clone().into_owned(), value(text)?).is_some() {
                // In serde's words for a struct, as a name that no struct has is data.
                return Err("the object has a member twice".into());
            }
        }
        Ok(map)
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
        for (name, value) in &self.0 {
            if text.len() > 1 {
                text.push(',');
            }
            // `Value` writes itself without an error to be ignored.
            text.push_str(&Value::String(name.clone().into_owned()).to_string());
            text.push(':');
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

/// A value as steps see it. A number that no `f64` holds is the largest one.
pub(crate) fn value(text: &str) -> Result<Value, BoxError> {
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        Err(error) => {
            let text = with_numbers(text, |number| largest(number).map(Cow::Owned));
            serde_json::from_str(&text).map_err(|_| super::describe::json(&error).into())
        }
    }
}

/// The largest `f64` of its sign, for a number that is beyond it.
fn largest(number: &str) -> Option<String> {
    let number = number.parse::<f64>().ok().filter(|number| number.is_infinite())?;
    Some(Value::from(number.clamp(f64::MIN, f64::MAX)).to_string())
}

/// Numbers that [`Value`] rounds, under their rounded text; none where two numbers round to the
/// same text.
struct Rounded<'a>(HashMap<String, Option<&'a str>>);

impl<'a> Rounded<'a> {
    fn of(members: &[&'a (Cow<'_, str>, Cow<'_, str>)]) -> Self {
        let mut rounded = HashMap::new();
        let texts = members.iter().map(|(_, text)| &**text);
        for text in texts.filter(|text| may_round(text.as_bytes())) {
            with_numbers(text, |number| {
                let becomes = value(number).map(|value| value.to_string()).unwrap_or_default();
                if becomes != number {
                    let is_other =
                        |known: &mut Option<&'a str>| *known = known.filter(|known| *known == number);
                    rounded.entry(becomes).and_modify(is_other).or_insert(Some(number));
                }
                None
            });
        }
        Self(rounded)
    }

    fn or(self, mut others: Self) -> Self {
        others.0.extend(self.0);
        others
    }

    /// The text of a value, with the numbers that were rounded as they were.
    fn restored(&self, value: &Value) -> String {
        let text = value.to_string();
        if self.0.is_empty() {
            return text;
        }
        with_numbers(&text, |number| self.0.get(number).copied().flatten().map(Cow::Borrowed))
    }
}

/// The text with other numbers in it, where `replace` gives one.
fn with_numbers<'a>(text: &'a str, mut replace: impl FnMut(&'a str) -> Option<Cow<'a, str>>) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        replaced.push_str(before);
        let is_text = from.starts_with('"');
        let len = if is_text {
            1 + super::member::text_len(from.get(1..).unwrap_or_default().as_bytes()) + 1
        } else {
            from.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(from.len())
        };
        let (token, behind) = from.split_at_checked(len).unwrap_or((from, ""));
        let other = if is_text { None } else { replace(token) };
        replaced.push_str(&other.unwrap_or(Cow::Borrowed(token)));
        rest = behind;
    }
    replaced.push_str(rest);
    replaced
}

/// Whether the text may have a number that [`Value`] rounds: so many digits, or an exponent.
pub(crate) fn may_round(text: &[u8]) -> bool {
    /// As many digits as every `f64` gives back.
    const EXACT: usize = 15;
    let mut digits = 0;
    text.iter().any(|byte| {
        digits = match byte {
            b'0'..=b'9' => digits + 1,
            b'.' | b'-' | b'+' => digits,
            b'e' | b'E' if digits > 0 => EXACT + 1,
            _ => 0,
        };
        digits > EXACT
    })
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
    fn numbers_that_a_value_rounds_are_seen() {
        assert!(may_round(WIDE.as_bytes()) && may_round(b"[1e5]") && may_round(b"[12345678901234567]"));
        assert!(!may_round(br#"{"even":1,"e":-12.5,"t":1234567890123}"#));
    }
}
