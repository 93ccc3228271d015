//! Numbers beyond `u64` and `f64`, which [`Value`] rounds.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// A value as steps see it. A number that no `f64` holds is the largest one.
pub fn value(text: &str) -> serde_json::Result<Value> {
    match super::read::json_of_text(text) {
        Ok(value) => Ok(value),
        Err(error) => {
            let text = with_numbers(text, |number| largest(number).map(Cow::Owned));
            super::read::json_of_text(&text).map_err(|_| error)
        }
    }
}

/// The largest `f64` of its sign, for a number that is beyond it.
fn largest(number: &str) -> Option<String> {
    let is_number = super::read::json_of_text::<IgnoredAny>(number).is_ok();
    if !is_number || super::read::json_of_text::<Value>(number).is_ok() {
        return None;
    }
    let largest = if number.starts_with('-') { f64::MIN } else { f64::MAX };
    Some(Value::from(largest).to_string())
}

/// Numbers that [`Value`] rounds, under their rounded text; none where two numbers round to the
/// same text.
#[derive(Default)]
pub struct Rounded<'a>(HashMap<String, Option<&'a str>>);

impl<'a> Rounded<'a> {
    /// Those in these texts.
    pub fn of(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut rounded = HashMap::new();
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

    /// These, and those of the others that are not among them.
    pub fn or(self, mut others: Self) -> Self {
        others.0.extend(self.0);
        others
    }

    /// The text of a value, with the numbers that were rounded as they were.
    pub fn restored(&self, value: &Value) -> String {
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
            1 + super::raw::text_len(from.get(1..).unwrap_or_default().as_bytes()) + 1
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
pub fn may_round(text: &[u8]) -> bool {
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

/// Whether a deserializer of JSON that is asked for anything gives a map for a number that is no
/// integer. serde_json does so with its feature `arbitrary_precision`, which any crate of a program
/// may turn on. serde's derive cannot read such a number from its buffer.
pub fn fractions_are_maps() -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| matches!(super::read::json_of_text("1.5"), Ok(IsMap(true))))
}

struct IsMap(bool);

impl<'de> Deserialize<'de> for IsMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Look;
        impl<'de> Visitor<'de> for Look {
            type Value = IsMap;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_f64<E>(self, _: f64) -> Result<IsMap, E> {
                Ok(IsMap(false))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<IsMap, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(IsMap(true))
            }
        }
        deserializer.deserialize_any(Look)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_a_value_rounds_are_seen() {
        let wide = br#"{"wei":123456789012345678901234567890}"#;
        assert!(may_round(wide) && may_round(b"[1e5]") && may_round(b"[12345678901234567]"));
        assert!(may_round(b"19.990000000000000000001"));
        assert!(!may_round(br#"{"even":1,"e":-12.5,"t":1234567890123}"#));
    }
}
