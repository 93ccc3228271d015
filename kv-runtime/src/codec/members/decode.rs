//! The deserializer of an object that steps have changed.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use super::same::says;

/// A member's name, and what it is read from.
pub(super) type Member<'m> = (Cow<'m, str>, Source<'m>);

pub(super) enum Source<'m> {
    Text(&'m str),
    /// A value that says all that its text does.
    Value(Value),
}

/// The members of an object.
pub(super) struct FromMembers<'i, 'm> {
    pub(super) members: &'i mut dyn Iterator<Item = Member<'m>>,
    pub(super) next: Option<Source<'m>>,
}

impl<'de> Deserializer<'de> for FromMembers<'_, 'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for FromMembers<'_, 'de> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        let Some((name, source)) = self.members.next() else { return Ok(None) };
        self.next = Some(source);
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        match self.next.take() {
            Some(Source::Value(value)) => seed.deserialize(value),
            Some(Source::Text(text)) => {
                let mut json = serde_json::Deserializer::from_slice(text.as_bytes());
                let value = seed.deserialize(&mut json)?;
                json.end().map(|()| value)
            }
            None => Err(Self::Error::custom("a value without a name")),
        }
    }
}

/// The members that a type may see more of in their texts than in the values that functions have
/// made of them, by name. None if there is no such text for one of the values.
pub(super) fn needed<'m>(
    texts: &'m [(Cow<'_, str>, Cow<'_, str>)],
    values: &Map<String, Value>,
) -> Option<Vec<(&'m str, &'m str)>> {
    let (mut needed, mut with_text) = (Vec::new(), 0);
    for (name, text) in texts.iter().filter(|(_, text)| !has_one_spelling(text)) {
        match values.get(&**name) {
            Some(value) if says(text, value) => {
                with_text += usize::from(!is_plain(value));
                needed.push((&**name, &**text));
            }
            Some(value) if !is_plain(value) => return None,
            _ => {}
        }
    }
    needed.sort_unstable();
    let all = values.values().filter(|value| !is_plain(value)).count();
    (with_text == all).then_some(needed)
}

/// Whether the text is the only one of its value.
fn has_one_spelling(text: &str) -> bool {
    /// More digits may be more than a `u64` holds.
    const DIGITS: usize = 18;
    match text.as_bytes() {
        [b'"', rest @ ..] => !rest.contains(&b'\\'),
        [b'[' | b'{', ..] => false,
        [b't' | b'f' | b'n', ..] => true,
        digits => digits.len() <= DIGITS && digits.iter().all(u8::is_ascii_digit),
    }
}

/// Whether the value is no more than its type and what it says, to whatever type is read from it.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number.is_u64() || number.is_i64(),
        Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn needed_of(values: &Value) -> Option<Vec<(&str, &str)>> {
        const TEXTS: &[(Cow<'_, str>, Cow<'_, str>)] = &[
            (Cow::Borrowed("price"), Cow::Borrowed("1.50")),
            (Cow::Borrowed("name"), Cow::Borrowed(r#""A\u0064a""#)),
            (Cow::Borrowed("age"), Cow::Borrowed("36")),
        ];
        needed(TEXTS, values.as_object()?)
    }

    #[test]
    fn what_a_function_left_is_read_from_its_text() {
        let all = [("name", r#""A\u0064a""#), ("price", "1.50")];
        assert_eq!(needed_of(&json!({"price": 1.5, "name": "Ada", "age": 36})), Some(all.to_vec()));
    }

    #[test]
    fn what_a_function_changed_has_no_text() {
        let changed = json!({"price": 1.5, "name": "Bob", "age": 37});
        assert_eq!(needed_of(&changed), Some(vec![("price", "1.50")]));
        assert_eq!(needed_of(&json!({"name": null})), Some(vec![]));
        // A number that is no integer may say less than some text does.
        assert_eq!(needed_of(&json!({"price": 2.5})), None);
        assert_eq!(needed_of(&json!({"new": [1]})), None);
    }
}
