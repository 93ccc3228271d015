use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::codec::{Codec, decode, encode, encode_json, encode_tagged};

#[cfg(feature = "postcard")]
const CODECS: &[Codec] = &[Codec::Json, Codec::Postcard];
#[cfg(not(feature = "postcard"))]
const CODECS: &[Codec] = &[Codec::Json];

fn written<T: Serialize>(codec: Codec, value: &T) -> Result<Vec<u8>, String> {
    encode(codec, value, Vec::new()).map_err(|error| error.to_string())
}

fn json<T: Serialize>(value: &T) -> Result<String, String> {
    written(Codec::Json, value).map(|bytes| String::from_utf8(bytes).expect("JSON is text"))
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Place {
    at: Point,
    heights: Vec<f32>,
    by_name: BTreeMap<String, Option<f64>>,
    one: Option<Meters>,
    other: Option<Shape>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Point {
    x: f64,
    y: f64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Meters(f64);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Circle(f64),
    Box(f64, f64),
    Line { to: Point },
}

#[test]
fn numbers_that_json_cannot_say_are_refused() {
    let none = json(&Place::default());
    assert_eq!(
        none.as_deref(),
        Ok(r#"{"at":{"x":0.0,"y":0.0},"heights":[],"by_name":{},"one":null,"other":null}"#)
    );
    let places = |bad: f64| {
        let point = || Point { x: 0.5, y: bad };
        let with = |other| Place { other: Some(other), ..Place::default() };
        [
            ("at.y", Place { at: point(), ..Place::default() }),
            ("heights", Place { heights: vec![1.0, bad as f32], ..Place::default() }),
            ("by_name", Place { by_name: BTreeMap::from([("a".into(), Some(bad))]), ..Place::default() }),
            ("one", Place { one: Some(Meters(bad)), ..Place::default() }),
            ("other", with(Shape::Circle(bad))),
            ("other", with(Shape::Box(1.0, bad))),
            ("other.to.y", with(Shape::Line { to: point() })),
        ]
    };
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for (field, place) in places(bad) {
            let error = json(&place).expect_err("JSON has no word for it");
            assert!(error.starts_with(&format!("in `{field}`: a number is NaN or infinite")), "{error}");
            // Where a step makes an older version of it, too.
            assert!(encode_tagged(&place).is_err());
        }
    }
    assert!(json(&f64::NAN).is_err_and(|error| error.starts_with("a number is NaN")));
    assert!(json(&BTreeMap::from([("secret", f64::NAN)])).is_err_and(|error| !error.contains("secret")));
    for (_, place) in places(1.5) {
        assert!(json(&place).is_ok());
    }
}

#[cfg(feature = "postcard")]
#[test]
fn a_binary_codec_says_every_number() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0] {
        let bytes = written(Codec::Postcard, &(number, number as f32)).expect("every number has bytes");
        let (double, single): (f64, f32) = decode(Codec::Postcard, &bytes).expect("and is read from them");
        assert_eq!((double.to_bits(), single.to_bits()), (number.to_bits(), (number as f32).to_bits()));
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Sparse {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note: Option<String>,
    rest: u8,
}

#[test]
fn json_may_leave_fields_out() {
    assert_eq!(json(&Sparse { note: None, rest: 1 }).as_deref(), Ok(r#"{"rest":1}"#));
}

#[cfg(feature = "postcard")]
#[test]
fn a_codec_without_names_leaves_no_field_out() {
    #[derive(Serialize)]
    enum Either {
        Full { inner: Sparse },
    }
    let sparse = |note| vec![Either::Full { inner: Sparse { note, rest: 1 } }];
    let error = written(Codec::Postcard, &sparse(None)).expect_err("nobody could tell");
    assert!(error.starts_with("in `inner`: the field `note` is left out"), "{error}");
    assert!(written(Codec::Postcard, &sparse(Some("there".into()))).is_ok());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Node(Box<Tree>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct List {
    next: Option<Box<List>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Lists(Vec<Lists>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Pairs {
    End,
    Pair(u8, Box<Pairs>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Named {
    End,
    Field { inner: Box<Named> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Maps {
    inner: BTreeMap<u8, Maps>,
}

/// The value within `levels` others.
fn nested<T>(levels: usize, innermost: T, wrap: impl Fn(T) -> T) -> T {
    (0..levels).fold(innermost, |value, _| wrap(value))
}

/// Whatever is written is read, up to a depth at which nothing is written any more.
fn assert_written_is_read<T>(deepest: usize, innermost: impl Fn() -> T, wrap: impl Fn(T) -> T)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    for &codec in CODECS {
        for levels in 0..200 {
            let value = nested(levels, innermost(), &wrap);
            match written(codec, &value) {
                Ok(bytes) => {
                    assert!(levels <= deepest, "{codec} {levels}");
                    assert_eq!(decode::<T>(codec, &bytes).map_err(|error| error.to_string()), Ok(value));
                }
                Err(words) => {
                    assert!(levels > deepest, "{codec} {levels}: {words}");
                    assert_eq!(words, "it is nested more than 127 levels deep, which cannot be read back");
                }
            }
        }
    }
}

#[test]
fn what_is_written_is_shallow_enough_to_be_read() {
    assert_written_is_read(127, || Tree::Leaf, |tree| Tree::Node(Box::new(tree)));
    assert_written_is_read(126, || List { next: None }, |list| List { next: Some(Box::new(list)) });
    assert_written_is_read(126, || Lists(vec![]), |lists| Lists(vec![lists]));
    assert_written_is_read(63, || Pairs::End, |pairs| Pairs::Pair(1, Box::new(pairs)));
    assert_written_is_read(63, || Named::End, |named| Named::Field { inner: Box::new(named) });
    let maps = |inner| Maps { inner };
    assert_written_is_read(62, || maps(BTreeMap::new()), |inner| maps(BTreeMap::from([(1, inner)])));
}

#[test]
fn nesting_without_end_does_not_overflow_the_stack() {
    /// Contains itself without end, through every kind of container.
    struct Endless(u8);

    impl Serialize for Endless {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::{SerializeStruct, SerializeTuple};
            match self.0 {
                0 => serializer.serialize_some(self),
                1 => serializer.serialize_newtype_struct("Endless", self),
                2 => serializer.collect_seq([self]),
                3 => serializer.collect_map([(1, self)]),
                4 => {
                    let mut tuple = serializer.serialize_tuple(1)?;
                    tuple.serialize_element(self)?;
                    tuple.end()
                }
                5 => {
                    let mut object = serializer.serialize_struct("Endless", 1)?;
                    object.serialize_field("inner", self)?;
                    object.end()
                }
                _ => serializer.serialize_newtype_variant("Endless", 0, "Inner", self),
            }
        }
    }

    for &codec in CODECS {
        for way in 0..7 {
            assert!(
                written(codec, &Endless(way)).is_err_and(|words| words.contains("nested")),
                "{codec} {way}"
            );
        }
    }
}

#[derive(Serialize)]
struct Keyed<K: Serialize + Ord> {
    #[serde(flatten)]
    by_key: BTreeMap<K, u8>,
}

fn is_doubtful<T: Serialize>(value: &T) -> bool {
    encode_json(value, Vec::new(), false).expect("is JSON").is_doubtful
}

#[test]
fn what_some_types_cannot_read_is_doubtful() {
    assert!(is_doubtful(&[u128::MAX]) && is_doubtful(&i128::MIN));
    assert!(is_doubtful(&5_u128) && is_doubtful(&-5_i128));
    assert!(!is_doubtful(&(u64::MAX, i64::MIN, "5", 'a')));
    assert!(is_doubtful(&Keyed { by_key: BTreeMap::from([(5_u8, 1)]) }));
    assert!(!is_doubtful(&Keyed { by_key: BTreeMap::from([("5", 1)]) }));
    assert!(!is_doubtful(&BTreeMap::from([(5_u8, 1)])));
}
