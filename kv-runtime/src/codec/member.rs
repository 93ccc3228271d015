//! Finds the member of a value that could not be read. Only names of the struct are returned: any
//! other name is data.

use std::cell::Cell;

use serde::de::{Deserializer, Error as _, Visitor, value::Error as Unread};
use serde::{Deserialize, forward_to_deserialize_any};

/// The names of the members that a struct reads; none of anything else, nor of one with `flatten`,
/// which reads whatever comes.
pub(crate) fn names<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let names = Cell::new([].as_slice());
    // It always fails, once it was asked for them.
    let _ = T::deserialize(Names(&names));
    names.get()
}

/// Takes down what a struct asks for, and reads nothing.
struct Names<'a>(&'a Cell<&'static [&'static str]>);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = Unread;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unread> {
        Err(Unread::custom(""))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.0.set(names);
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Returns the member of the outermost object whose value has this error, if it is one of these.
pub(super) fn of_json(
    bytes: &[u8],
    error: &serde_json::Error,
    names: &[&'static str],
) -> Option<&'static str> {
    // serde_json finds a fault of a value that it has buffered where it goes on: the last member's
    // behind the object, as a member that is missing.
    let may_be_closed = !error.to_string().starts_with("missing field ");
    let key = last_key(beginning(bytes, error)?, may_be_closed)?;
    names.iter().copied().find(|name| name.as_bytes() == key)
}

/// Returns the bytes up to the place of this error.
pub(super) fn beginning<'a>(bytes: &'a [u8], error: &serde_json::Error) -> Option<&'a [u8]> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let line_at: usize = lines.take(error.line().saturating_sub(1)).map(<[u8]>::len).sum();
    bytes.get(..line_at.checked_add(error.column())?)
}

/// The key of the member that is open where this beginning of a JSON object ends, or the last one
/// of an object that ends there, if it may. A name with an escape is not returned: names of structs
/// have none.
fn last_key(beginning: &[u8], may_be_closed: bool) -> Option<&[u8]> {
    let mut rest = beginning.trim_ascii_start();
    let (mut depth, mut key, mut is_key_next) = (0_usize, None, false);
    if rest.first() != Some(&b'{') {
        return None;
    }
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'"' => {
                let len = kv_store::__private::json::text_len(rest);
                if depth == 1 && is_key_next {
                    key = rest.get(..len);
                    is_key_next = false;
                }
                rest = rest.get(len + 1..).unwrap_or_default();
            }
            b'{' | b'[' => {
                depth += 1;
                is_key_next |= depth == 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                key = key.filter(|_| depth > 0 || (may_be_closed && rest.is_empty()));
            }
            b',' if depth == 1 => (key, is_key_next) = (None, true),
            _ => {}
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read by the derive alone")]
    struct Task {
        title: String,
        #[serde(rename = "n", alias = "number")]
        priority: u8,
        parts: Vec<Part>,
        labels: BTreeMap<String, u8>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read by the derive alone")]
    struct Part {
        done: bool,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read by the derive alone")]
    struct Open {
        n: u8,
        #[serde(flatten)]
        rest: BTreeMap<String, String>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read by the derive alone")]
    struct Last {
        kind: Kind,
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "t")]
    #[expect(dead_code, reason = "read by the derive alone")]
    enum Kind {
        A { n: u8 },
    }

    fn member<T: for<'de> Deserialize<'de> + std::fmt::Debug>(json: &str) -> Option<&'static str> {
        let error = serde_json::from_str::<T>(json).expect_err("is none");
        of_json(json.as_bytes(), &error, names::<T>())
    }

    #[test]
    fn the_member_is_told_in_whose_value_it_is() {
        for (json, expected) in [
            (r#"{"title":"a","n":"five"}"#, Some("n")),
            (r#"{"title":"\"n\":{","number":300}"#, Some("number")),
            ("{\n  \"title\": \"a, b\",\n  \"n\" : [1]\n}", Some("n")),
            (r#"{"parts":[{"done":true},{"done":1}],"n":1}"#, Some("parts")),
            (r#"{"parts":[{"done":true},{}],"n":1}"#, Some("parts")),
            (r#"{"labels":{"n":"secret"}}"#, Some("labels")),
        ] {
            assert_eq!(member::<Task>(json), expected, "{json}");
        }
    }

    #[test]
    fn the_last_member_is_told_if_its_value_was_buffered() {
        assert_eq!(member::<Last>(r#"{"kind":{"t":"A","n":"x"}}"#), Some("kind"));
        assert_eq!(member::<Last>(r#"{"kind":{"t":"A","n":"x"},"x":1}"#), Some("kind"));
        assert_eq!(member::<Last>(r#"{"x":1}"#), None);
    }

    #[test]
    fn none_is_told_of_what_is_missing_or_not_named_by_the_struct() {
        for json in [
            "",
            "[]",
            "5",
            r#"{"title":"a"}"#,
            r#"{"n":1,"secret""#,
            r#"{"title":"a","n":1,"parts":[],"labels":{}}{"n"#,
        ] {
            assert_eq!(member::<Task>(json), None, "{json}");
        }
        assert_eq!(member::<BTreeMap<String, u8>>(r#"{"secret":"a"}"#), None);
        assert_eq!(member::<Open>(r#"{"secret":5}"#), None);
    }

    proptest! {
        #[test]
        fn what_stands_before_a_member_hides_nothing(
            before in prop::collection::btree_map("[a-z]{1,3}", any::<String>(), 0..4),
            name in "[a-z]{1,3}",
            open in r#"[0-9]?|[{\[]|"[ -!#-\[\]-~]*"#,
        ) {
            let mut json = serde_json::to_string(&before).expect("is JSON");
            json.pop();
            let comma = if before.is_empty() { "" } else { "," };
            let beginning = format!("{json}{comma}\"{name}\":{open}");
            prop_assert_eq!(last_key(beginning.as_bytes(), false), Some(name.as_bytes()));
        }

        #[test]
        fn any_bytes_are_looked_through(bytes in r#"[{}\[\],:"\\a ]{0,40}"#) {
            let is_object = bytes.trim_start().starts_with('{');
            let key = last_key(bytes.as_bytes(), true);
            prop_assert!(key.is_none_or(|key| is_object && key.len() < bytes.len()));
        }
    }
}
