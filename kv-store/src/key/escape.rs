//! How text becomes one segment of a key, and back, canonically: one spelling for each text.

use std::borrow::Cow;

pub(super) const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Whether a byte is percent-encoded: the escape itself, the separator and ASCII control characters. All are ASCII, so
/// the other bytes of a text stay valid UTF-8.
const fn is_escaped(byte: u8) -> bool {
    matches!(byte, b'%' | b':' | 0x00..=0x1F | 0x7F)
}

/// Appends `text` as one segment.
pub fn escape_into(text: &str, out: &mut String) {
    let mut clean_from = 0;
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        if is_escaped(byte) {
            out.push_str(&text[clean_from..at]);
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
            clean_from = at + 1;
        }
    }
    out.push_str(&text[clean_from..]);
}

/// The text of a segment, or nothing if `segment` is not what [`escape_into`] writes for any text.
pub(super) fn unescape(segment: &str) -> Option<Cow<'_, str>> {
    if !segment.bytes().any(is_escaped) {
        return Some(Cow::Borrowed(segment));
    }
    let mut text = String::with_capacity(segment.len());
    let mut rest = segment;
    while let Some(at) = rest.bytes().position(is_escaped) {
        text.push_str(&rest[..at]);
        let [b'%', high, low, ..] = rest.as_bytes()[at..] else { return None };
        let byte = hex_digit(high)? << 4 | hex_digit(low)?;
        if !is_escaped(byte) {
            return None;
        }
        text.push(char::from(byte));
        rest = &rest[at + 3..];
    }
    text.push_str(rest);
    Some(Cow::Owned(text))
}

pub(super) const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escape(text: &str) -> String {
        let mut out = String::new();
        escape_into(text, &mut out);
        out
    }

    #[test]
    fn clean_text_stays_as_it_is() {
        for text in ["", "ada", "a/b c", "Åland", "{x}", "日本"] {
            assert_eq!(escape(text), text);
            assert_eq!(unescape(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn separators_and_controls_are_escaped() {
        assert_eq!(escape("a:b%c\n\u{7f}é"), "a%3Ab%25c%0A%7Fé");
        assert_eq!(unescape("a%3Ab%25c%0A%7Fé").as_deref(), Some("a:b%c\n\u{7f}é"));
    }

    #[test]
    fn other_spellings_belong_to_no_entity() {
        for segment in ["%3a", "%41", "%", "%3", "a%2", "%é1", "a\n", "%ZZ", "%C3%A9"] {
            assert_eq!(unescape(segment), None, "{segment:?}");
        }
    }
}
