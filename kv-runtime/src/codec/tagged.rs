//! Finds the tags of enums in JSON that is written, so that a changed variant differs from a
//! changed text.
//!
//! serde's derive writes an internal tag as a plain `str`. No field of a struct has that type: it
//! is a `String` or a `&str`. An adjacent tag has a private type of serde's.

use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::io;

use serde::Serialize;

use super::{CodecError, describe, guard, not_written};

/// JSON, and where in it members begin that are tags.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaggedText {
    pub(crate) text: String,
    /// In ascending order.
    pub(crate) tags: Vec<usize>,
}

/// Encodes a value as JSON, and finds its tags.
pub(crate) fn encode_tagged<T: Serialize>(value: &T) -> Result<TaggedText, CodecError> {
    // As long as most values, so that it grows once at most.
    let mut out = Vec::with_capacity(512);
    let tags = Tags::default();
    let counted = Counted { out: &mut out, written: &tags.written };
    guard::serialize_tagged(value, &mut serde_json::Serializer::new(counted), &tags)
        .map_err(|fault| not_written(fault, |error| describe::json(&error)))?;
    let text = String::from_utf8(out).map_err(|_| CodecError::new("it is not UTF-8"))?;
    Ok(TaggedText { text, tags: tags.places.into_inner() })
}

/// Takes down the tags while a value is written.
#[derive(Debug, Default)]
pub(super) struct Tags {
    written: Cell<usize>,
    places: RefCell<Vec<usize>>,
}

impl Tags {
    /// A member with a value of this type is written next.
    pub(super) fn meet<T: ?Sized>(&self) {
        if is_tag::<T>() {
            self.places.borrow_mut().push(self.written.get());
        }
    }
}

/// Whether a member's value of this type is a tag.
fn is_tag<T: ?Sized>() -> bool {
    let name = type_name::<T>();
    name == "str" || name.ends_with("::AdjacentlyTaggedEnumVariant")
}

struct Counted<'a> {
    out: &'a mut Vec<u8>,
    written: &'a Cell<usize>,
}

impl io::Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.extend_from_slice(bytes);
        self.written.set(self.out.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    #[serde(tag = "t")]
    enum Internal {
        Unit,
        Struct { r: u8 },
        Newtype(BTreeMap<String, String>),
    }

    #[derive(Serialize)]
    #[serde(tag = "k", content = "c")]
    enum Adjacent {
        A(String),
    }

    #[derive(Serialize)]
    enum External {
        B { x: &'static str },
    }

    #[derive(Serialize)]
    struct All {
        name: String,
        word: &'static str,
        internal: Vec<Internal>,
        adjacent: Adjacent,
        external: External,
        #[serde(flatten)]
        flat: Internal,
    }

    #[test]
    fn tags_are_told_from_texts() {
        let labels = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        let all = All {
            name: "a".to_owned(),
            word: "b",
            internal: vec![Internal::Unit, Internal::Struct { r: 1 }, Internal::Newtype(labels)],
            adjacent: Adjacent::A("x".to_owned()),
            external: External::B { x: "y" },
            flat: Internal::Struct { r: 2 },
        };
        let TaggedText { text, tags } = encode_tagged(&all).expect("is JSON");
        let at: Vec<_> = tags.iter().map(|tag| text[*tag..].trim_start_matches(',')).collect();
        let expected =
            [r#""t":"Unit""#, r#""t":"Struct""#, r#""t":"Newtype""#, r#""k":"A""#, r#""t":"Struct","r":2"#];
        assert_eq!(at.len(), expected.len(), "{at:?}");
        assert!(at.iter().zip(expected).all(|(at, expected)| at.starts_with(expected)), "{at:?}");
    }
}
