//! Which texts are known to be the JSON of a value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use super::is_json_of;

#[derive(Serialize, Deserialize, Clone, Default)]
struct All {
    text: String,
    letter: char,
    numbers: (u8, i64, u128, f32, f64, bool),
    list: Vec<Option<u16>>,
    none: (),
    newtype: Newtype,
    variants: Vec<Variant>,
    tagged: Vec<Tagged>,
    by_text: BTreeMap<String, u8>,
    by_number: BTreeMap<i8, u8>,
    by_letter: BTreeMap<char, u8>,
    by_word: BTreeMap<Word, u8>,
    by_newtype: BTreeMap<Key, u8>,
    by_bool: BTreeMap<bool, u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<u8>,
    #[serde(with = "as_text")]
    displayed: u8,
    #[serde(flatten)]
    flat: BTreeMap<String, serde_json::Value>,
}

#[derive(Serialize, Deserialize, Clone, Default)]
struct Newtype(Box<Option<Unit>>);

#[derive(Serialize, Deserialize, Clone, Default)]
struct Unit;

#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key(String);

#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    One,
    Two,
}

#[derive(Serialize, Deserialize, Clone)]
enum Variant {
    Unit,
    Newtype(u8),
    Tuple(u8, String),
    EmptyTuple(),
    Struct { a: u8, b: Vec<u8> },
    EmptyStruct {},
}

#[derive(Serialize, Deserialize, Clone)]
#[serde(tag = "t")]
enum Tagged {
    Unit,
    Struct { a: u8 },
    Map(BTreeMap<String, String>),
}

mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &u8, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value} \"é\""))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.trim_end_matches(" \"é\"").parse().map_err(D::Error::custom)
    }
}

fn all() -> All {
    All {
        text: "é \" \\ \n \u{0} /".to_owned(),
        letter: '"',
        numbers: (u8::MAX, i64::MIN, u128::MAX, 1e-30, 19.990000000000002, true),
        list: vec![None, Some(7)],
        newtype: Newtype(Box::new(Some(Unit))),
        variants: vec![
            Variant::Unit,
            Variant::Newtype(1),
            Variant::Tuple(2, "x".to_owned()),
            Variant::EmptyTuple(),
            Variant::Struct { a: 3, b: vec![1, 2] },
            Variant::EmptyStruct {},
        ],
        tagged: vec![
            Tagged::Unit,
            Tagged::Struct { a: 1 },
            Tagged::Map([("k".to_owned(), "v".to_owned())].into()),
        ],
        by_text: [("a\"".to_owned(), 1), (String::new(), 2)].into(),
        by_number: [(-1, 1), (0, 2)].into(),
        by_letter: [('\\', 1)].into(),
        by_word: [(Word::One, 1), (Word::Two, 2)].into(),
        by_newtype: [(Key("n".to_owned()), 1)].into(),
        displayed: 8,
        flat: [("rest".to_owned(), serde_json::json!({"a": [1.5, null, "x"]}))].into(),
        ..All::default()
    }
}

#[test]
fn a_text_that_serde_json_writes_is_known() {
    for value in [all(), All::default(), All { absent: Some(1), ..all() }] {
        let text = serde_json::to_vec(&value).expect("is JSON");
        assert!(is_json_of(&text, &value), "{}", String::from_utf8_lossy(&text));
    }
}

#[test]
fn a_text_with_any_other_byte_is_not() {
    let value = all();
    let text = serde_json::to_vec(&value).expect("is JSON");
    for place in 0..text.len() {
        let mut other = text.clone();
        other[place] ^= 1;
        assert!(!is_json_of(&other, &value), "byte {place}");
        other.remove(place);
        assert!(!is_json_of(&other, &value), "without byte {place}");
        other.insert(place, text[place]);
        other.insert(place, b' ');
        assert!(!is_json_of(&other, &value), "a space before byte {place}");
        assert!(!is_json_of(&text[..place], &value), "up to byte {place}");
    }
    assert!(!is_json_of(&[&text[..], b" "].concat(), &value));
}

#[test]
fn a_text_in_another_spelling_is_not() {
    for (text, value) in [(r#""\u0061""#, "a"), (r#""\/""#, "/"), (r#"",""#, "\",\""), ("\"\n\"", "\n")] {
        assert!(!is_json_of(text.as_bytes(), value), "{text}");
    }
    // A text with quotes in it is not a list of several.
    assert!(!is_json_of(br#"["a","b"]"#, &[r#"a","b"#]));
    assert!(!is_json_of(b"4", &4.0));
    assert!(!is_json_of(b"4.00", &4.0));
    assert!(!is_json_of(b"null", &f64::NAN));
}

#[test]
fn a_value_without_end_ends() {
    struct Endless;

    impl Serialize for Endless {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_some(self)
        }
    }
    assert!(!is_json_of(b"null", &Endless));
}

#[test]
fn what_serde_json_writes_in_its_own_way_is_left_to_it() {
    let raw = serde_json::value::RawValue::from_string("[1]".to_owned()).expect("is JSON");
    assert!(!is_json_of(b"[1]", &raw));
}
