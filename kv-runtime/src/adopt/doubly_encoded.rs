//! JSON objects whose members are JSON as text.

use kv_store::__private::json::RawObject;
use kv_store::BoxError;

use super::adapter::{Adapter, Adopted};

/// JSON objects whose members are JSON as text, such as `{"user":"{\"name\":\"Ada\"}"}`: what
/// redux-persist writes.
///
/// Every member of the object must be a text that is JSON. A field of the struct has the inner value.
/// What an update leaves alone keeps its inner text.
#[derive(Clone, Copy, Debug)]
pub struct DoublyEncoded;

const NO_OBJECT: &str = "it is not a JSON object whose members are JSON as text";

impl Adapter for DoublyEncoded {
    fn read(&self, _: &str, stored: &[u8]) -> Result<Adopted, BoxError> {
        let text = std::str::from_utf8(stored).map_err(|_| NO_OBJECT)?;
        let object = RawObject::read(text).ok_or(NO_OBJECT)?;
        let mut json = String::with_capacity(text.len());
        for member in &object.members {
            let inner: String = serde_json::from_str(member.value).map_err(|_| NO_OBJECT)?;
            let inner: Box<serde_json::value::RawValue> =
                serde_json::from_str(&inner).map_err(|_| NO_OBJECT)?;
            push(&mut json, &member.name, inner.get())?;
        }
        Ok(Adopted::new(end(json)))
    }

    fn write(&self, _: &str, value: &Adopted) -> Result<Vec<u8>, BoxError> {
        let text = std::str::from_utf8(&value.json)?;
        let object = RawObject::read(text).ok_or("the value is not a JSON object")?;
        let mut json = String::with_capacity(text.len());
        for member in &object.members {
            push(&mut json, &member.name, &serde_json::to_string(member.value)?)?;
        }
        Ok(end(json).into_bytes())
    }
}

fn push(json: &mut String, name: &str, value: &str) -> Result<(), BoxError> {
    json.push(if json.is_empty() { '{' } else { ',' });
    json.push_str(&serde_json::to_string(name)?);
    json.push(':');
    json.push_str(value);
    Ok(())
}

fn end(json: String) -> String {
    if json.is_empty() { "{}".to_owned() } else { json + "}" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_json_within_json() {
        let stored =
            r#"{"user":"{\"name\":\"Ada\",\"n\":1e0}","_persist":"{\"version\":-1,\"rehydrated\":true}"}"#;
        let read = DoublyEncoded.read("a", stored.as_bytes()).expect("is doubly encoded");
        let json = r#"{"user":{"name":"Ada","n":1e0},"_persist":{"version":-1,"rehydrated":true}}"#;
        assert_eq!(read.json, json);
        assert_eq!(DoublyEncoded.write("a", &read).expect("can be written"), stored.as_bytes());
        assert_eq!(DoublyEncoded.read("a", b"{}").expect("is an object").json, "{}");
        for stored in ["", "[]", r#"{"a":1}"#, r#"{"a":"not JSON"}"#, r#"{"a":"1"}x"#, "{\"a\":\"\"}"] {
            assert!(DoublyEncoded.read("a", stored.as_bytes()).is_err(), "{stored}");
        }
    }
}
