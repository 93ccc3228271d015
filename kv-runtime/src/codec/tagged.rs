//! JSON as it is written: whether it differs from an expected text, and where the tags of enums are
//! in it, so that a changed variant differs from a changed text.

use std::io;

use kv_store::codec::CodecError;
use serde::Serialize;

use super::tags::Tags;
use super::{describe, guard};

/// JSON, and where in it members begin that are tags.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaggedText {
    pub(crate) text: String,
    /// In ascending order.
    pub(crate) tags: Vec<usize>,
}

/// What is asked of JSON that is written.
pub(crate) struct Asked<'a> {
    /// Where it is written, behind what is there already.
    pub(crate) out: Vec<u8>,
    /// Nothing is written as long as it is as in this text.
    pub(crate) unless: Option<&'a [u8]>,
    /// Whether tags are found.
    pub(crate) tags: bool,
}

/// JSON that was written.
pub(crate) struct Json {
    pub(crate) out: Vec<u8>,
    /// In ascending order.
    pub(crate) tags: Vec<usize>,
    /// Whether it is the expected text, and so was not written.
    pub(crate) is_expected: bool,
    /// Whether it has to be read before it can be trusted, in every build.
    pub(crate) is_doubtful: bool,
}

/// Encodes a value as JSON. All JSON is written here, so that a type is compiled for one writer.
pub(crate) fn encode_json<T: Serialize>(value: &T, asked: Asked<'_>) -> Result<Json, CodecError> {
    let seen = guard::Seen { tags: asked.tags.then(Tags::default), ..guard::Seen::default() };
    let expected = asked.unless.unwrap_or_default();
    let writer = Writer { out: asked.out, expected, rest: asked.unless, tags: seen.tags.as_ref() };
    let mut serializer = serde_json::Serializer::new(writer);
    guard::serialize(value, &mut serializer, &seen)
        .map_err(|fault| fault.into_error(|error| describe::json(&error)))?;
    let mut writer = serializer.into_inner();
    let is_expected = writer.rest.is_some_and(<[u8]>::is_empty);
    if !is_expected {
        writer.write_what_was_expected();
    }
    let (out, is_doubtful) = (writer.out, seen.is_doubtful.get());
    let tags = seen.tags.map(Tags::into_places).unwrap_or_default();
    Ok(Json { out, tags, is_expected, is_doubtful })
}

/// Encodes a value as JSON, and finds its tags.
pub(crate) fn encode_tagged<T: Serialize>(value: &T) -> Result<TaggedText, CodecError> {
    // As long as most values, so that it grows once at most.
    let json = encode_json(value, Asked { out: Vec::with_capacity(512), unless: None, tags: true })?;
    let text = String::from_utf8(json.out).map_err(|_| CodecError::new("it is not UTF-8"))?;
    Ok(TaggedText { text, tags: json.tags })
}

struct Writer<'a> {
    out: Vec<u8>,
    expected: &'a [u8],
    /// What of the expected text is still to come, if all was as expected.
    rest: Option<&'a [u8]>,
    tags: Option<&'a Tags>,
}

impl Writer<'_> {
    /// Writes what was left out so far, as it was expected.
    #[cold]
    fn write_what_was_expected(&mut self) {
        if let Some(rest) = self.rest.take() {
            self.out.extend_from_slice(&self.expected[..self.expected.len() - rest.len()]);
        }
    }
}

impl io::Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(tags) = self.tags {
            tags.advance(bytes.len());
        }
        if let Some(rest) = self.rest {
            if let Some(rest) = rest.strip_prefix(bytes) {
                self.rest = Some(rest);
                return Ok(());
            }
            self.write_what_was_expected();
        }
        self.out.extend_from_slice(bytes);
        Ok(())
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

    #[test]
    fn only_another_text_is_written() {
        let value = vec![Internal::Struct { r: 1 }, Internal::Unit];
        let text = encode_tagged(&value).expect("is JSON");
        let json = |unless: &str| {
            let asked = Asked { out: Vec::new(), unless: Some(unless.as_bytes()), tags: true };
            encode_json(&value, asked).expect("is JSON")
        };
        let same = json(&text.text);
        assert!(same.is_expected && same.out.is_empty());
        for other in ["", "[", &text.text[1..], &text.text[..text.text.len() - 1], &format!("{} ", text.text)]
        {
            let json = json(other);
            assert!(!json.is_expected, "{other}");
            assert_eq!((json.out.as_slice(), &json.tags), (text.text.as_bytes(), &text.tags), "{other}");
        }
    }
}
