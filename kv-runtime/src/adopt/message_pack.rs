//! MessagePack.

use kv_store::BoxError;
use serde::ser::{Error, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::adapter::{Adapter, Adopted};

/// Records in [MessagePack](https://msgpack.org) (feature `msgpack`): maps with the names of members.
///
/// Members that no field names are kept with their values. Numbers are integers of 64 bits and
/// doubles. A record with binary data, an extension type, NaN, an infinity or a name that is there
/// twice is refused, because JSON cannot have it.
#[derive(Clone, Copy, Debug)]
pub struct MessagePack;

impl Adapter for MessagePack {
    fn read(&self, _: &str, stored: &[u8]) -> Result<Adopted, BoxError> {
        let mut source = rmp_serde::Deserializer::from_read_ref(stored);
        source.set_max_depth(DEPTH);
        let read: Value = serde::Deserialize::deserialize(&mut source)
            .map_err(|_| "it is not a MessagePack map that JSON can represent")?;
        // What would not be written again as it was, such as binary data, is refused.
        let json = serde_json::to_vec(&read)?;
        if is_all(&read, stored) { Ok(Adopted::new(json)) } else { Err(OTHER.into()) }
    }

    fn write(&self, _: &str, value: &Adopted) -> Result<Vec<u8>, BoxError> {
        let value: Value = serde_json::from_slice(&value.json)?;
        Ok(rmp_serde::to_vec(&Packed(&value))?)
    }
}

/// Deeper values are refused, as serde_json refuses them.
const DEPTH: usize = 128;

const OTHER: &str =
    "it has binary data, an extension, NaN, an infinity or a name twice, which JSON cannot have";

/// Whether the bytes hold this value and nothing that it does not show: a name that is there twice, or
/// a number that is none.
fn is_all(value: &Value, stored: &[u8]) -> bool {
    let written = rmp_serde::to_vec(&Packed(value)).unwrap_or_default();
    kinds(stored).is_some_and(|found| kinds(&written) == Some(found))
}

/// How many values of each kind the bytes hold, whatever the width of their numbers.
fn kinds(mut bytes: &[u8]) -> Option<[usize; 5]> {
    let mut kinds = [0; 5];
    while let Some((marker, rest)) = bytes.split_first() {
        let (kind, len) = head(*marker, rest)?;
        kinds[kind] += 1;
        bytes = rest.get(len..)?;
    }
    Some(kinds)
}

const SCALAR: usize = 0;
const TEXT: usize = 1;
const ARRAY: usize = 2;
const MAP: usize = 3;
const NIL: usize = 4;

/// The kind of a value, and how many bytes behind its marker belong to it alone. `None` for what JSON
/// does not have.
fn head(marker: u8, rest: &[u8]) -> Option<(usize, usize)> {
    let length = |width: usize| {
        let bytes = rest.get(..width)?;
        let length = bytes.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        length.checked_add(width)
    };
    Some(match marker {
        0xC0 => (NIL, 0),
        0x00..=0x7F | 0xE0..=0xFF | 0xC2 | 0xC3 => (SCALAR, 0),
        0xCC | 0xD0 => (SCALAR, 1),
        0xCD | 0xD1 => (SCALAR, 2),
        0xCA | 0xCE | 0xD2 => (SCALAR, 4),
        0xCB | 0xCF | 0xD3 => (SCALAR, 8),
        0xA0..=0xBF => (TEXT, usize::from(marker & 0x1F)),
        0xD9 => (TEXT, length(1)?),
        0xDA => (TEXT, length(2)?),
        0xDB => (TEXT, length(4)?),
        0x90..=0x9F => (ARRAY, 0),
        0xDC => (ARRAY, 2),
        0xDD => (ARRAY, 4),
        0x80..=0x8F => (MAP, 0),
        0xDE => (MAP, 2),
        0xDF => (MAP, 4),
        _ => return None,
    })
}

/// A value with its numbers as numbers, whatever features of serde_json are on.
struct Packed<'a>(&'a Value);

impl Serialize for Packed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::String(text) => serializer.serialize_str(text),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => serializer.serialize_u64(number),
                (_, Some(number), _) => serializer.serialize_i64(number),
                (_, _, Some(number)) => serializer.serialize_f64(number),
                _ => Err(S::Error::custom("a number is out of range for MessagePack")),
            },
            Value::Array(items) => {
                let mut array = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| array.serialize_element(&Packed(item)))?;
                array.end()
            }
            Value::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(name, value)| map.serialize_entry(name, &Packed(value)))?;
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(stored: &[u8]) -> Option<String> {
        let read = MessagePack.read("a", stored).ok()?;
        String::from_utf8(read.json.to_vec()).ok()
    }

    #[test]
    fn maps_are_objects() {
        // {"a": 1, "b": [true, nil, -1, 0.5]}, with a number of two bytes.
        let stored = b"\x82\xA1a\xCD\x00\x01\xA1b\x94\xC3\xC0\xFF\xCB\x3F\xE0\0\0\0\0\0\0";
        assert_eq!(json(stored).as_deref(), Some(r#"{"a":1,"b":[true,null,-1,0.5]}"#));
        for text in
            [r#"{"a":18446744073709551615,"b":-9223372036854775808}"#, "{}", r#"{"a":{"b":["x",1.5]}}"#]
        {
            let written = MessagePack.write("a", &Adopted::new(text)).expect("can be written");
            assert_eq!(json(&written).as_deref(), Some(text));
        }
        // serde's own form of a struct, which is a map.
        assert_eq!(
            rmp_serde::to_vec_named(&serde_json::json!({ "a": 1 })).expect("is written"),
            b"\x81\xA1a\x01"
        );
    }

    #[test]
    fn what_json_cannot_have_is_refused() {
        for stored in [
            &b""[..],
            b"\x81\xA1a\xC4\x01\x00",             // binary data
            b"\x81\xA1a\xD4\x01\x00",             // an extension
            b"\x82\xA1a\x01\xA1a\x02",            // a name twice
            b"\x81\x01\x01",                      // a number as a name
            b"\x81\xA1a",                         // cut short
            b"\x81\xA1a\x01\x01",                 // something behind it
            b"\x81\xA1a\xCB\x7F\xF8\0\0\0\0\0\0", // NaN
            b"\xDF\xFF\xFF\xFF\xFF",              // more than there is
            b"\xC1",
        ] {
            assert_eq!(json(stored), None, "{stored:02x?}");
        }
        let deep = [&[0x91_u8; 100_000][..], b"\x01"].concat();
        assert_eq!(json(&deep), None);
    }
}
