//! What is written, and which texts are known to be the JSON of a value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use super::{Json, Written, is_json_of};

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

fn written<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let mut out = Written { out: b"before".to_vec(), from: 6, tags: None };
    value.serialize(Json(&mut out))?;
    let bytes = out.out;
    Ok(String::from_utf8(bytes).expect("is UTF-8").strip_prefix("before").expect("is there").to_owned())
}

fn assert_is_written<T: Serialize + ?Sized>(value: &T) {
    match (written(value), serde_json::to_string(value)) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs),
        (Err(ours), Err(theirs)) => assert_eq!(ours.to_string(), theirs.to_string()),
        (ours, theirs) => panic!("{ours:?} and {theirs:?}"),
    }
}

/// A map with any keys.
struct Pairs<K>(Vec<(K, u8)>);

impl<K: Serialize> Serialize for Pairs<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

struct Bytes(&'static [u8]);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

#[test]
fn what_is_written_is_what_serde_json_writes() {
    for value in [all(), All::default(), All { absent: Some(1), ..all() }] {
        assert_is_written(&value);
    }
    for number in [0.0, -0.0, 1.0, 1e21, f64::MIN_POSITIVE, f64::NAN] {
        assert_is_written(&(number, number as f32, Some(number)));
        assert_is_written(&Pairs(vec![(number, 1), (number, 2)]));
        assert_is_written(&[Pairs(vec![(number as f32, 1)])]);
    }
    assert_is_written(&Pairs(vec![(Some("x"), 1), (Some("\""), 2)]));
    assert_is_written(&Pairs(vec![(i128::MIN, 1), (i128::MAX, 2)]));
    assert_is_written(&Pairs::<()>(Vec::new()));
    let raw = |text: &str| serde_json::value::RawValue::from_string(text.to_owned()).expect("is JSON");
    assert_is_written(&BTreeMap::from([("a", raw("[1, 1e400]")), ("b", raw("\"\\u0061\""))]));
    assert_is_written(&[Bytes(b""), Bytes(b"ab")]);
    assert_is_written(&serde_json::json!({"a": [null, -1, 1.5, {"b": {}}]}));
}

#[test]
fn what_is_no_key_is_refused_in_the_words_of_serde_json() {
    assert_is_written(&Pairs(vec![((), 1)]));
    assert_is_written(&Pairs(vec![(None::<u8>, 1)]));
    assert_is_written(&Pairs(vec![(vec![1], 1)]));
    assert_is_written(&Pairs(vec![(Bytes(b"a"), 1)]));
    assert_is_written(&Pairs(vec![(Variant::Newtype(1), 1)]));
    assert_is_written(&Pairs(vec![(Variant::Struct { a: 1, b: Vec::new() }, 1)]));
}

#[test]
fn a_display_that_fails_is_an_error() {
    struct Fails;

    impl std::fmt::Display for Fails {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Err(std::fmt::Error)
        }
    }

    impl Serialize for Fails {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }
    assert!(written(&Fails).is_err());
    assert!(!is_json_of(b"\"\"", &Fails));
}
