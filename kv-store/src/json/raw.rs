//! JSON as text: the members of an object and the elements of an array.
//!
//! Nothing is converted on the way, so numbers beyond `u64` and `f64`, the spelling of strings and
//! whitespace survive.

use std::borrow::Cow;
use std::collections::BinaryHeap;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// An object, as it is written.
#[derive(Debug)]
pub struct RawObject<'a> {
    /// All of it.
    pub text: &'a str,
    /// Its members, in order.
    pub members: Vec<RawMember<'a>>,
}

/// A member, as it is written.
#[derive(Debug)]
pub struct RawMember<'a> {
    /// The name, without escapes.
    pub name: Cow<'a, str>,
    /// The text of the value.
    pub value: &'a str,
    /// What stands between the value of the member before it, or the opening brace, and its own
    /// value.
    pub lead: &'a str,
}

impl<'a> RawObject<'a> {
    /// The object that is the whole of this text; none if it is anything else.
    pub fn read(text: &'a str) -> Option<Self> {
        let text = trimmed(text);
        if !text.starts_with('{') {
            return None;
        }
        let Pairs(pairs) = super::read::json_of_text(text).ok()?;
        let mut from = 1;
        let members = pairs.into_iter().map(|(name, value)| {
            let value = value.get();
            let start = offset(text, value);
            let lead = text.get(from..start)?;
            from = start + value.len();
            Some(RawMember { name, value, lead })
        });
        Some(Self { text, members: members.collect::<Option<_>>()? })
    }

    /// The whitespace behind the last member, and the brace.
    pub fn tail(&self) -> &'a str {
        let end = self.members.last().map_or(1, |last| offset(self.text, last.value) + last.value.len());
        self.text.get(end..).unwrap_or("}")
    }
}

impl<'a> RawMember<'a> {
    /// What stands before the value, with a comma or without one.
    pub fn lead(&self, is_first: bool) -> (&'static str, &'a str) {
        let is_after_comma = self.lead.trim_start_matches(WHITESPACE).strip_prefix(',');
        match (is_first, is_after_comma) {
            (true, Some(lead)) => ("", lead),
            (false, None) => (",", self.lead),
            (true, None) | (false, Some(_)) => ("", self.lead),
        }
    }

    /// The name and its text, if that has escapes.
    pub fn name_with_escapes(&self) -> Option<(String, &'a str)> {
        let Cow::Owned(name) = &self.name else { return None };
        let text = self.lead.get(self.lead.find('"')?..=self.lead.rfind('"')?)?;
        Some((name.clone(), text))
    }

    /// Where the member begins in `text`, of which it is a part: behind the value before it.
    pub fn start(&self, text: &str) -> usize {
        offset(text, self.lead)
    }
}

/// What JSON calls whitespace.
pub const WHITESPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// Most texts are compact, which their ends show.
fn trimmed(text: &str) -> &str {
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t' | b'\n' | b'\r'));
    let bytes = text.as_bytes();
    if is_space(bytes.first()) || is_space(bytes.last()) { text.trim_matches(WHITESPACE) } else { text }
}

/// The text of the value of a member in the text of an object: what stands between its name and the
/// next one, or the end.
pub fn between<'a>(object: &'a str, name: &str, next: Option<&str>) -> Option<&'a str> {
    let from = offset(object, name) + name.len();
    let value = match next {
        Some(next) => object.get(from..offset(object, next))?.strip_suffix('"')?,
        None => trimmed(object.get(from..)?).strip_suffix('}')?,
    };
    let value = trimmed(trimmed(value.strip_prefix('"')?).strip_prefix(':')?);
    let value = if next.is_some() { value.strip_suffix(',')? } else { value };
    Some(trimmed(value))
}

/// Where `part` begins in `whole`, of which it is a part.
pub fn offset(whole: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(whole.as_ptr().addr())
}

/// The elements of the array that is the whole of this text; none if it is anything else.
pub fn elements(text: &str) -> Option<Vec<&str>> {
    let text = trimmed(text);
    if !text.starts_with('[') {
        return None;
    }
    let Elements(elements) = super::read::json_of_text(text).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// The same value, with members in the order of their names and elements in that of their texts:
/// two encodings of one value are the same text then, whatever order its hash maps and hash sets
/// had. A heap sorts them: it is seldom asked for, and a quicksort is 3 KiB of a Worker's wasm.
pub fn sorted(text: &str) -> String {
    let text = trimmed(text);
    if let Some(object) = RawObject::read(text) {
        let members = object.members.iter().map(|member| (&member.name, sorted(member.value)));
        let members: BinaryHeap<_> = members.map(|(name, value)| format!("{name:?}:{value}")).collect();
        return format!("{{{}}}", members.into_sorted_vec().join(","));
    }
    match elements(text) {
        Some(elements) => {
            let elements: BinaryHeap<_> = elements.into_iter().map(sorted).collect();
            format!("[{}]", elements.into_sorted_vec().join(","))
        }
        None => text.to_owned(),
    }
}

/// The members of an object in their order, repeated ones included.
struct Pairs<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(name) = map.next_key_seed(Name)? {
                    pairs.push((name, map.next_value()?));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

struct Elements<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Elements<'de>, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = seq.next_element()? {
                    elements.push(element);
                }
                Ok(Elements(elements))
            }
        }
        deserializer.deserialize_seq(Read)
    }
}

/// A member's name, borrowed where it has no escapes.
pub struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// How long the text is that begins here, up to its quote.
pub fn text_len(text: &[u8]) -> usize {
    let is_special = |byte: &u8| (*byte == b'"') | (*byte == b'\\');
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        // Many bytes at a time take fewer instructions than a search for the first.
        let (blocks, _) = rest.as_chunks::<16>();
        let is_plain = |block: &&[u8; 16]| !block.iter().fold(false, |found, byte| found | is_special(byte));
        let plain = 16 * blocks.iter().take_while(is_plain).count();
        let Some(len) = rest[plain..].iter().position(is_special) else { return text.len() };
        at += plain + len;
        if text[at] == b'"' {
            return at;
        }
        // Behind what is escaped.
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_all_of_its_text() {
        let text = " { \"a\" : 1e400 ,\n\"\\u0062\":[ 1, {} ] } ";
        let object = RawObject::read(text).expect("is an object");
        let mut again = "{".to_owned();
        for (at, member) in object.members.iter().enumerate() {
            let (comma, lead) = member.lead(at == 0);
            again.extend([comma, lead, member.value]);
        }
        again.push_str(object.tail());
        assert_eq!(again, text.trim());
        assert_eq!(object.members[1].name, "b");
        assert_eq!(elements(object.members[1].value), Some(vec!["1", "{}"]));
        assert_eq!(object.members[1].lead(true), ("", "\n\"\\u0062\":"));
        assert!(RawObject::read("[]").is_none() && RawObject::read("{} x").is_none());
        assert_eq!(RawObject::read("{ }").map(|object| object.tail()), Some(" }"));
    }

    #[test]
    fn a_text_ends_at_its_first_quote_without_a_backslash() {
        for len in 0..40 {
            let plain = "x".repeat(len);
            for (text, end) in [
                (format!("{plain}\",\""), len),
                (format!("{plain}\\\"{plain}\""), 2 * len + 2),
                (format!("{plain}\\\\\"{plain}\""), len + 2),
                (plain.clone(), len),
                (format!("{plain}\\"), len + 1),
                (format!("{plain}\\\""), len + 2),
            ] {
                assert_eq!(text_len(text.as_bytes()), end, "{text}");
            }
        }
    }

    #[test]
    fn one_value_has_one_sorted_text() {
        assert_eq!(sorted(r#"{"b":[2,1],"a":{"d":1,"c":2}}"#), sorted(r#"{"a":{"c":2,"d":1},"b":[1,2]}"#));
        assert_ne!(sorted("[1,1]"), sorted("[1]"));
    }
}
