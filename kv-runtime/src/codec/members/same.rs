//! Whether a text says a value, which mostly is seen without reading it.

use std::io;

use serde_json::Value;

use super::value;

/// Whether the text says this value.
pub(super) fn says(text: &str, is: &Value) -> bool {
    match is {
        Value::String(is) if !text.contains('\\') => {
            text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) == Some(is)
        }
        Value::Number(is) if is.is_u64() => text.parse().ok() == is.as_u64(),
        _ => is_spelt(text, is) || value::read(text).is_ok_and(|was| was == *is),
    }
}

/// Whether the text is how the value is written.
fn is_spelt(text: &str, is: &Value) -> bool {
    let mut rest = Rest(text.as_bytes());
    serde_json::to_writer(&mut rest, is).is_ok() && rest.0.is_empty()
}

/// Takes what is written off the beginning of these bytes, and fails where it is something else.
struct Rest<'a>(&'a [u8]);

impl io::Write for Rest<'_> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(written).ok_or(io::ErrorKind::InvalidData)?;
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_however_it_is_spelt() {
        let said = [
            (r#"[1,"a",{"b":null}]"#, r#"[1,"a",{"b":null}]"#),
            (r#"[ 1, "\u0061", {"b" : null} ]"#, r#"[1,"a",{"b":null}]"#),
            ("1.50", "1.5"),
            ("1.5", "1.5"),
            (r#""\u0061""#, r#""a""#),
            ("7", "7"),
            ("-7", "-7"),
            ("null", "null"),
        ];
        for (text, is) in said {
            assert!(says(text, &serde_json::from_str(is).expect("is JSON")), "{text}");
        }
        for (text, is) in
            [("[1,2]", "[1]"), ("[1]", "[1,2]"), ("7", "8"), ("null", "false"), ("\"a\"", "\"ab\"")]
        {
            assert!(!says(text, &serde_json::from_str(is).expect("is JSON")), "{text}");
        }
    }
}
