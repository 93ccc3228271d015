//! Records of keyv.

use kv_store::__private::json::RawObject;
use kv_store::{BoxError, Timestamp};

use super::adapter::{Adapter, Adopted};

/// Records of [keyv](https://keyv.org), such as `{"value":{"name":"Ada"},"expires":1796081806107}`.
///
/// keyv writes a text that begins with `:` with one more, and a `Buffer` as a text that begins with
/// `:base64:`. Such a text is read as it is, and is a `Buffer` again when it is written.
#[derive(Clone, Copy, Debug)]
pub struct Keyv;

const BUFFER: &str = ":base64:";

impl Adapter for Keyv {
    fn read(&self, _: &str, stored: &[u8]) -> Result<Adopted, BoxError> {
        let text = std::str::from_utf8(stored).map_err(|_| NO_OBJECT)?;
        let object = RawObject::read(text).ok_or(NO_OBJECT)?;
        let (mut value, mut expires_at) = (None, None);
        for member in &object.members {
            match &*member.name {
                "value" => value = Some(without_colons(member.value)?),
                "expires" if member.value == "null" => {}
                "expires" => expires_at = Some(moment(member.value).ok_or("its `expires` is no moment")?),
                _ => {
                    return Err(
                        "it has a member beside `value` and `expires`, so keyv did not write it".into()
                    );
                }
            }
        }
        Ok(Adopted::new(value.ok_or("it has no `value`")?).with_expires_at(expires_at))
    }

    fn write(&self, _: &str, value: &Adopted) -> Result<Vec<u8>, BoxError> {
        let mut out = br#"{"value":"#.to_vec();
        out.extend_from_slice(with_colons(std::str::from_utf8(&value.json)?)?.as_bytes());
        if let Some(at) = value.expires_at {
            out.extend_from_slice(format!(",\"expires\":{}", at.as_millis()).as_bytes());
        }
        out.push(b'}');
        Ok(out)
    }

    fn has_expiry(&self) -> bool {
        true
    }
}

const NO_OBJECT: &str = "it is not a JSON object, as keyv writes it";

fn moment(number: &str) -> Option<Timestamp> {
    let millis: f64 = number.parse().ok()?;
    (millis >= 0.0).then(|| Timestamp::from_millis(millis as u64))
}

/// Takes away the colon that keyv put before a text with one.
fn without_colons(json: &str) -> Result<String, BoxError> {
    map_texts(json, |text| match text.strip_prefix(':') {
        Some(own) if own.starts_with(BUFFER) => {
            Err("a text in it begins with `:base64:`, which reads like a `Buffer`".into())
        }
        Some(own) if !text.starts_with(BUFFER) => Ok(("", own)),
        _ => Ok(("", text)),
    })
}

fn with_colons(json: &str) -> Result<String, BoxError> {
    map_texts(json, |text| {
        let is_escaped = text.starts_with(':') && !text.starts_with(BUFFER);
        Ok((if is_escaped { ":" } else { "" }, text))
    })
}

/// Copies JSON. What is between the quotes of a text becomes the two parts that `change` returns,
/// unless the text is a member's name.
fn map_texts<'a>(
    json: &'a str,
    change: impl Fn(&'a str) -> Result<(&'static str, &'a str), BoxError>,
) -> Result<String, BoxError> {
    let mut out = String::with_capacity(json.len() + 8);
    let mut rest = json;
    while let Some(open) = rest.find('"') {
        let (before, after) = rest.split_at(open + 1);
        let (text, behind) = after.split_at(text_len(after));
        let (quote, behind) = behind.split_at(behind.len().min(1));
        let is_name = behind.trim_start().starts_with(':');
        let (first, second) = if is_name { ("", text) } else { change(text)? };
        for part in [before, first, second, quote] {
            out.push_str(part);
        }
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// The length of a text up to its closing quote.
fn text_len(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(stored: &str, json: &str, expires: Option<u64>) {
        let read = Keyv.read("a", stored.as_bytes()).expect("keyv wrote it");
        let expires_at = expires.map(Timestamp::from_millis);
        assert_eq!((&read.json[..], read.expires_at), (json.as_bytes(), expires_at), "{stored}");
        let written = Keyv.write("a", &read).expect("can be written");
        assert_eq!(String::from_utf8_lossy(&written), stored);
    }

    #[test]
    fn what_keyv_writes_is_read_and_written() {
        both(
            r#"{"value":{"name":"Ada"},"expires":1796081806107}"#,
            r#"{"name":"Ada"}"#,
            Some(1_796_081_806_107),
        );
        both(
            r#"{"value":{"a":"::x","b":["::","\":y"],":c":1}}"#,
            r#"{"a":":x","b":[":","\":y"],":c":1}"#,
            None,
        );
        both(r#"{"value":{"a":":base64:AAE="}}"#, r#"{"a":":base64:AAE="}"#, None);
        both(r#"{"value":{}}"#, "{}", None);
        let spaced =
            Keyv.read("a", br#" { "expires" : null , "value" : { ":k" : "::v" } } "#).expect("is JSON");
        assert_eq!((&spaced.json[..], spaced.expires_at), (&br#"{ ":k" : ":v" }"#[..], None));
    }

    #[test]
    fn anything_else_is_refused() {
        for stored in [
            "",
            "7",
            "[]",
            "{}",
            r#"{"value":1,"other":2}"#,
            r#"{"value":1,"expires":"soon"}"#,
            "not JSON",
            r#"{"value":1,"expires":-1}"#,
            r#"{"value":"::base64:x"}"#,
            "\u{0}",
            "{\"value\":1",
        ] {
            assert!(Keyv.read("a", stored.as_bytes()).is_err(), "{stored}");
        }
        assert!(Keyv.read("a", b"\xFF").is_err());
    }
}
