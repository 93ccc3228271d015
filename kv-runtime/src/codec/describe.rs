//! What a codec's error says, less every part of the value.
//!
//! serde's messages quote what they met (`invalid type: string "..."`), and a value may be a secret. The kind of the
//! fault, what was expected and the place are kept. postcard's quote nothing, but speak of postcard.

use serde::de::IgnoredAny;
use serde_json::error::Category;

/// What JavaScript makes of an object that is used as a text.
const OBJECT_AS_TEXT: &[u8] = b"[object Object]";

/// How other formats begin in which programs keep values.
const FORMATS: [(&[u8], &str); 7] = [
    (b"\x1F\x8B", "gzip"),
    (b"\x28\xB5\x2F\xFD", "zstd"),
    (b"\x78\x01", "zlib"),
    (b"\x78\x9C", "zlib"),
    (b"\x78\xDA", "zlib"),
    (b"\x80\x04\x95", "a pickle of Python"),
    (b"\x80\x05\x95", "a pickle of Python"),
];

/// Returns which format the bytes seem to have, if that is another one than JSON.
fn format_of(bytes: &[u8]) -> Option<&'static str> {
    let known = FORMATS.iter().find(|(begin, _)| bytes.starts_with(begin)).map(|(_, format)| *format);
    // A map of MessagePack: no text begins so.
    let is_map =
        || matches!(bytes.first(), Some(0x80..=0x8F | 0xDE | 0xDF)) && std::str::from_utf8(bytes).is_err();
    known.or_else(|| is_map().then_some("MessagePack"))
}

/// Returns what is wrong with these bytes, whose decoding ended in this error, and whether they are
/// no JSON at all. serde_json stops at the first fault, so the rest has to be looked at: it calls a
/// number that the type does not take bad syntax, and a type may refuse bytes before it shows that
/// they are no JSON.
pub(super) fn json_text(error: &serde_json::Error, bytes: &[u8]) -> (String, bool) {
    if bytes.trim_ascii() == OBJECT_AS_TEXT {
        let text = "it is the text `[object Object]`, which JavaScript writes for an object that was not given to `JSON.stringify`";
        return (text.to_owned(), true);
    }
    let is_json = serde_json::from_slice::<IgnoredAny>(bytes);
    if let (Err(_), Some(format)) = (&is_json, format_of(bytes)) {
        return (format!("it begins as {format} does, which is not JSON; an `adapter` can read it"), true);
    }
    match (error.classify(), is_json) {
        (_, Err(fault)) => (json(&fault), true),
        (Category::Data, Ok(_)) => (json(error), false),
        (_, Ok(_)) => of_whole_json(error, bytes),
    }
}

/// A fault of syntax in what is JSON all the same.
fn of_whole_json(error: &serde_json::Error, bytes: &[u8]) -> (String, bool) {
    let text = json(error);
    if text.starts_with("recursion limit exceeded") {
        return (text, false);
    }
    let is_text = ["lone leading surrogate", "invalid unicode code point", "unexpected end of hex escape"];
    if is_text.iter().any(|known| text.starts_with(known)) {
        return (text, true);
    }
    let (line, column) = (error.line(), error.column());
    let is_number = |byte: &u8| byte.is_ascii_digit() || b".eE+-".contains(byte);
    let text = match super::member::beginning(bytes, error).and_then(<[u8]>::last) {
        Some(byte) if !is_number(byte) => "invalid type, expected a number",
        _ => "a number has a fraction or an exponent that its type does not take, or is too large for it",
    };
    (format!("{text} at line {line} column {column}"), false)
}

pub(super) fn json(error: &serde_json::Error) -> String {
    let message = error.to_string();
    if error.classify() != Category::Data {
        // Syntax and end of input: serde_json's own fixed words.
        return message;
    }
    let location = format!(" at line {} column {}", error.line(), error.column());
    let (words, location) = match message.strip_suffix(&location) {
        Some(words) => (words, location.as_str()),
        None => (message.as_str(), ""),
    };
    format!("{}{location}", without_value(words))
}

#[cfg(feature = "postcard")]
pub(super) const fn postcard(error: &postcard::Error) -> &'static str {
    use postcard::Error;
    match error {
        Error::WontImplement => {
            "a type within asks the format what it holds (`untagged`, `tag`, `flatten`, `serde_json::Value`), and postcard does not say; use `codec = \"json\"`"
        }
        Error::SerializeSeqLengthUnknown => {
            "a list or map within does not tell its length beforehand (as with `flatten`), which postcard begins with; use `codec = \"json\"`"
        }
        Error::DeserializeUnexpectedEnd => "the bytes end before the value does",
        Error::DeserializeBadVarint => "a number does not end, or is too large for its type",
        Error::DeserializeBadBool => "a `bool` is neither 0 nor 1",
        Error::DeserializeBadChar => "a `char` is none",
        Error::DeserializeBadUtf8 => "a text is not UTF-8",
        Error::DeserializeBadOption => "an `Option` begins with neither 0 nor 1",
        Error::DeserializeBadEnum => "an enum's variant has too large a number",
        Error::SerdeSerCustom => "a field's own check refused it",
        Error::SerdeDeCustom => "an enum has no such variant, or a field's own check refused it",
        _ => "the bytes are not postcard's",
    }
}

/// How messages of serde begin that quote nothing of a value.
const SERDES_OWN: [&str; 10] = [
    "missing field `",
    "duplicate field `",
    "invalid length ",
    "data did not match any variant of untagged enum ",
    "no variant of enum ",
    "can only flatten structs and maps",
    "cannot deserialize unsupported type",
    "cannot serialize tagged newtype variant ",
    "the enum variant ",
    "float key must be finite",
];

/// Messages of serde, serde_json and std's parsers that are the same for each value.
const FIXED: [&str; 20] = [
    "JSON number out of range",
    "already mutably borrowed",
    "i128 is not supported",
    "invalid IP address syntax",
    "invalid IPv4 address syntax",
    "invalid IPv4 socket address syntax",
    "invalid IPv6 address syntax",
    "invalid IPv6 socket address syntax",
    "invalid socket address syntax",
    "key must be a string",
    "lock poison error while serializing",
    "overflow deserializing Duration",
    "overflow deserializing SystemTime",
    "overflow deserializing SystemTime epoch offset",
    "path contains invalid UTF-8 characters",
    "SystemTime must be later than UNIX_EPOCH",
    "u128 is not supported",
    "unexpected map key",
    "untagged and internally tagged enums do not support enum input",
    "value is missing",
];

fn without_value(words: &str) -> String {
    if FIXED.contains(&words) || SERDES_OWN.iter().any(|known| words.starts_with(known)) {
        return words.to_owned();
    }
    let quoting = ["invalid type: ", "invalid value: ", "unknown variant ", "unknown field "];
    match (quoting.iter().any(|known| words.starts_with(known)), words.rsplit_once(", expected ")) {
        (true, Some((met, expected))) => {
            let kind = met.split(['`', '"']).next().unwrap_or_default().trim_end();
            format!("{kind}, expected {expected}")
        }
        (true, None) if words.ends_with(", there are no fields") => {
            "unknown field, there are none".to_owned()
        }
        // A message of the application's own types may hold anything.
        _ => "a field's own check refused it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read by the derive alone")]
    struct Login {
        tries: u8,
        role: Role,
        #[serde(default, deserialize_with = "refuse")]
        token: String,
    }

    #[derive(Debug, Deserialize)]
    enum Role {
        Admin,
    }

    fn refuse<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        let text = String::deserialize(deserializer)?;
        Err(serde::de::Error::custom(format!("bad token {text}")))
    }

    fn described(text: &str) -> String {
        json(&serde_json::from_str::<Login>(text).expect_err("is not a login"))
    }

    #[test]
    fn values_are_left_out() {
        assert_eq!(
            described(r#"{"tries":"hunter2"}"#),
            "invalid type: string, expected u8 at line 1 column 18"
        );
        assert_eq!(described(r#"{"tries":4711}"#), "invalid value: integer, expected u8 at line 1 column 13");
        assert_eq!(
            described(r#"{"tries":1,"role":"hunter2"}"#),
            "unknown variant, expected `Admin` at line 1 column 27"
        );
        assert_eq!(
            described(r#"{"hunter2":1}"#),
            "unknown field, expected one of `tries`, `role`, `token` at line 1 column 10"
        );
        assert_eq!(described(r#"{"token":"hunter2"}"#), "a field's own check refused it at line 1 column 19");
    }

    #[test]
    fn serdes_own_refusals_are_told() {
        #[derive(Debug, Deserialize)]
        #[serde(untagged)]
        #[expect(dead_code, reason = "read by the derive alone")]
        enum Guess {
            Number(u8),
            Wide { wei: u128 },
        }
        let guess = |text: &str| json(&serde_json::from_str::<Guess>(text).expect_err("is none"));
        assert_eq!(guess("true"), "data did not match any variant of untagged enum Guess");
        let address = serde_json::from_str::<std::net::IpAddr>(r#""10.0.0""#).expect_err("is none");
        assert_eq!(json(&address), "invalid IP address syntax at line 1 column 8");
        let duration = format!(r#"{{"secs":{},"nanos":1000000000}}"#, u64::MAX);
        let duration = serde_json::from_str::<std::time::Duration>(&duration).expect_err("is none");
        assert_eq!(json(&duration), "overflow deserializing Duration at line 1 column 48");
        // One that begins like serde's may go on with a value.
        let own = <serde_json::Error as serde::de::Error>::custom("value is missing: hunter2");
        assert_eq!(json(&own), "a field's own check refused it");
    }

    #[test]
    fn places_and_names_are_kept() {
        assert_eq!(described(r#"{"tries":1}"#), "missing field `role` at line 1 column 11");
        assert_eq!(described("{"), "EOF while parsing an object at line 1 column 1");
    }

    /// Each error of postcard that a value can cause has its own message.
    #[cfg(feature = "postcard")]
    #[test]
    fn postcards_errors_are_told_apart() {
        use postcard::Error;
        let errors = [
            Error::WontImplement,
            Error::SerializeSeqLengthUnknown,
            Error::DeserializeUnexpectedEnd,
            Error::DeserializeBadVarint,
            Error::DeserializeBadBool,
            Error::DeserializeBadChar,
            Error::DeserializeBadUtf8,
            Error::DeserializeBadOption,
            Error::DeserializeBadEnum,
            Error::SerdeSerCustom,
            Error::SerdeDeCustom,
            // No value causes this one.
            Error::DeserializeBadCrc,
        ];
        let mut words: Vec<_> = errors.iter().map(postcard).collect();
        assert_eq!(words.last(), Some(&"the bytes are not postcard's"));
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), errors.len(), "{words:#?}");
    }
}
