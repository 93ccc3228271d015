//! How text becomes one part of an index entry, so that the order of the bytes is that of the text.
//!
//! A part ends with `!`. Every escaped character begins with a byte above it and keeps its place
//! among the others, so a text comes before all that begin with it, and no two texts are written
//! alike.

use std::borrow::Cow;

use super::escape::{HEX, hex_digit};

/// What ends each part. No part contains it, and no prefix of an entity.
pub(super) const END: char = '!';

/// What begins a part that may be missing and is not. A missing one is empty.
pub(super) const PRESENT: char = '$';

/// Separates the beginning of a text that is too long from its hash.
pub(super) const CUT: char = '"';

/// Up to here bytes are written as `%` and two digits: control characters, [`END`], [`PRESENT`],
/// [`CUT`] and `%` itself.
const LAST_ESCAPED: u8 = b'%';

const fn is_escaped(byte: u8) -> bool {
    matches!(byte, 0..=LAST_ESCAPED | b'~' | 0x7F)
}

/// Appends `text`, without what ends the part.
pub(super) fn escape_sorted(text: &str, out: &mut String) {
    let mut clean_from = 0;
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        if !is_escaped(byte) {
            continue;
        }
        out.push_str(&text[clean_from..at]);
        clean_from = at + 1;
        match byte {
            b'~' => out.push_str("~0"),
            0x7F => out.push_str("~1"),
            _ => {
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    out.push_str(&text[clean_from..]);
}

/// Returns the text of a part, or `None` if [`escape_sorted`] writes no text like that.
pub(super) fn unescape_sorted(part: &str) -> Option<Cow<'_, str>> {
    if !part.bytes().any(is_escaped) {
        return Some(Cow::Borrowed(part));
    }
    let mut text = String::with_capacity(part.len());
    let mut rest = part;
    while let Some(at) = rest.bytes().position(is_escaped) {
        text.push_str(&rest[..at]);
        let (byte, len) = match rest.as_bytes()[at..] {
            [b'%', high, low, ..] => {
                (Some(hex_digit(high)? << 4 | hex_digit(low)?).filter(|byte| *byte <= LAST_ESCAPED)?, 3)
            }
            [b'~', b'0', ..] => (b'~', 2),
            [b'~', b'1', ..] => (0x7F, 2),
            _ => return None,
        };
        text.push(char::from(byte));
        rest = &rest[at + len..];
    }
    text.push_str(rest);
    Some(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(text: &str) -> String {
        let mut out = String::new();
        escape_sorted(text, &mut out);
        out.push(END);
        out
    }

    #[test]
    fn text_is_escaped_as_the_wire_format_says() {
        assert_eq!(part("ada@example.com"), "ada@example.com!");
        assert_eq!(part("a:b c!%$\"~\u{7f}é\n"), "a:b%20c%21%25%24%22~0~1é%0A!");
        assert_eq!(part(""), "!");
    }

    #[test]
    fn other_spellings_are_no_text() {
        for part in ["%41", "%2a", "%26", "%", "%2", "~", "~2", "a!b", "a b", "\u{7f}", "\"", "%é0"] {
            assert_eq!(unescape_sorted(part), None, "{part:?}");
        }
    }

    /// Texts of characters at the edges of what is escaped, which random text seldom has.
    fn edges() -> impl Strategy<Value = String> {
        let edge = prop::sample::select(
            "\0\u{1}\u{1f} !\"#$%&'+,:az{|}~\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}"
                .chars()
                .collect::<Vec<_>>(),
        );
        prop::collection::vec(prop_oneof![edge, any::<char>()], 0..8)
            .prop_map(|chars| chars.into_iter().collect())
    }

    proptest! {
        #[test]
        fn the_order_of_parts_is_that_of_texts(a in edges(), b in edges(), rest in edges(), other in edges()) {
            prop_assert_eq!(part(&a).cmp(&part(&b)), a.cmp(&b));
            let both = (part(&a) + &part(&rest)).cmp(&(part(&b) + &part(&other)));
            prop_assert_eq!(both, (a, rest).cmp(&(b, other)));
        }

        #[test]
        fn a_part_is_read_as_its_text(text in edges()) {
            let part = part(&text);
            let part = part.strip_suffix(END).expect("an end");
            prop_assert!(!part.contains(END));
            let read = unescape_sorted(part);
            prop_assert_eq!(read.as_deref(), Some(&*text));
        }

        #[test]
        fn a_part_has_one_spelling(part in edges()) {
            if let Some(text) = unescape_sorted(&part) {
                let mut again = String::new();
                escape_sorted(&text, &mut again);
                prop_assert_eq!(again, part);
            }
        }
    }
}
