//! JSON as it is written, and where the tags of enums are in it, so that a changed variant differs
//! from a changed text.

use kv_store::codec::CodecError;
use serde::Serialize;

use super::encode::encode_json;

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
    let json = encode_json(value, Vec::with_capacity(512), true)?;
    let text = String::from_utf8(json.out).map_err(|_| CodecError::new("it is not UTF-8"))?;
    Ok(TaggedText { text, tags: json.tags })
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
