use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::*;
use crate::codec::{Codec, decode, describe};

const TOO_DEEP: &str = "the value is nested more than 128 levels deep";

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
struct Vecs(Vec<Vecs>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Maps {
    inner: BTreeMap<u8, Maps>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Keys(BTreeMap<Keys, u8>);

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

/// Options and newtypes alone.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wraps(Option<Box<Wraps>>);

/// As postcard itself writes, which knows no limit.
fn postcard<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("every value has bytes")
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    decode(Codec::Postcard, bytes).map_err(|error| error.to_string())
}

/// The value within `levels` others.
fn nested<T>(levels: usize, innermost: T, wrap: impl Fn(T) -> T) -> T {
    (0..levels).fold(innermost, |value, _| wrap(value))
}

fn assert_read<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    assert_eq!(read::<T>(&postcard(value)).as_ref(), Ok(value));
}

fn assert_too_deep<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    assert_eq!(read::<T>(&postcard(value)), Err(TOO_DEEP.to_owned()));
}

/// The value of this many levels is read, and with one level more refused.
fn assert_limit<T>(levels: usize, innermost: impl Fn() -> T, wrap: impl Fn(T) -> T)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    assert_read(&nested(levels, innermost(), &wrap));
    assert_too_deep(&nested(levels + 1, innermost(), &wrap));
}

fn in_json<T: Serialize + DeserializeOwned>(value: &T) -> bool {
    let text = serde_json::to_vec(value).expect("every value has a text");
    decode::<T>(Codec::Json, &text).is_ok()
}

/// The longest that JSON reads is read, too.
fn assert_as_deep_as_json<T>(innermost: impl Fn() -> T, wrap: impl Fn(T) -> T)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let longest = (0..200).rev().find(|levels| in_json(&nested(*levels, innermost(), &wrap)));
    let longest = longest.expect("JSON reads a value alone");
    assert!((60..128).contains(&longest), "{longest}");
    assert_read(&nested(longest, innermost(), &wrap));
}

#[test]
fn scalars_are_read() {
    assert_read(&(true, i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN));
    assert_read(&(false, u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX));
    assert_read(&(f32::MIN_POSITIVE, f64::NEG_INFINITY, -0.5_f64, 'ß', '\u{10FFFF}'));
    assert_read(&(String::from("text"), String::new(), ()));
}

/// Text and bytes, by whichever of a visitor's methods they come.
#[test]
fn bytes_are_read() {
    #[derive(Debug, PartialEq)]
    struct Bytes(Vec<u8>);

    impl Serialize for Bytes {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }

    impl<'de> Deserialize<'de> for Bytes {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Taken;

            impl Visitor<'_> for Taken {
                type Value = Bytes;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("bytes")
                }

                fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                    Ok(Bytes(bytes.to_vec()))
                }
            }

            assert!(!deserializer.is_human_readable());
            deserializer.deserialize_byte_buf(Taken)
        }
    }

    assert_read(&Bytes(vec![0, 0xFF, b'a']));
    assert_read(&vec![Bytes(Vec::new()), Bytes(vec![1])]);

    let bytes = postcard(&("text", Bytes(vec![7, 8])));
    let borrowed: (&str, &[u8]) =
        deserialize(&mut postcard::Deserializer::from_bytes(&bytes), &Limits::of(bytes.len()))
            .expect("both can be borrowed");
    assert_eq!(borrowed, ("text", [7, 8].as_slice()));
}

#[test]
fn what_holds_values_is_read() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Unit;
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Newtype(String);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Tuple(u8, Newtype);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Struct {
        unit: Unit,
        tuple: Tuple,
        list: Vec<Option<u16>>,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Every {
        Unit,
        Newtype(Struct),
        Tuple(i8, char),
        Struct { a: Option<Box<Every>>, b: (u8, u8) },
    }

    assert_read(&(None::<u8>, Some(1_u8), Some(Some(())), [1_u32, 2, 3]));
    assert_read(&BTreeMap::from([("a".to_owned(), vec![1, 2]), ("b".to_owned(), vec![])]));
    assert_read(&BTreeSet::from([(1, 2), (3, 4)]));
    let all = Struct { unit: Unit, tuple: Tuple(1, Newtype("in".into())), list: vec![None, Some(300)] };
    assert_read(&vec![
        Every::Unit,
        Every::Newtype(all),
        Every::Tuple(-1, 'x'),
        Every::Struct { a: None, b: (1, 2) },
        Every::Struct { a: Some(Box::new(Every::Tuple(5, 'y'))), b: (3, 4) },
    ]);
}

/// The format's own faults keep their words, and bytes behind the value are refused.
#[test]
fn other_faults_are_told_as_before() {
    assert_eq!(read::<u8>(&[1, 2, 3]), Err("2 bytes are left over".to_owned()));
    for bytes in [&[][..], &[5], &[2, b'a'], &[1, 0xFF]] {
        let plain =
            postcard::from_bytes::<String>(bytes).map_err(|error| describe::postcard(&error).to_owned());
        assert!(plain.is_err());
        assert_eq!(read::<String>(bytes), plain);
    }
}

#[test]
fn sizes_are_told_as_by_the_format() {
    struct Sizes(Option<usize>, Option<usize>);

    impl<'de> Deserialize<'de> for Sizes {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Asked;

            impl<'de> Visitor<'de> for Asked {
                type Value = Sizes;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a list")
                }

                fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Sizes, A::Error> {
                    let first = list.size_hint();
                    list.next_element::<u8>()?;
                    Ok(Sizes(first, list.size_hint()))
                }
            }

            deserializer.deserialize_seq(Asked)
        }
    }

    let sizes = |bytes: &[u8]| {
        deserialize(&mut postcard::Deserializer::from_bytes(bytes), &Limits::of(bytes.len()))
            .expect("there is an element")
    };
    let Sizes(first, second) = sizes(&[3, 1, 2, 3]);
    assert_eq!((first, second), (Some(3), Some(2)));
    // More than there are bytes for.
    let Sizes(first, second) = sizes(&[100, 1]);
    assert_eq!((first, second), (None, None));
}

#[test]
fn levels_are_counted() {
    assert_limit(128, || Tree::Leaf, |tree| Tree::Node(Box::new(tree)));
    assert_limit(127, || List { next: None }, |list| List { next: Some(Box::new(list)) });
    assert_limit(127, || Vecs(vec![]), |vecs| Vecs(vec![vecs]));
    assert_limit(128, || Pairs::End, |pairs| Pairs::Pair(1, Box::new(pairs)));
    assert_limit(128, || Named::End, |named| Named::Field { inner: Box::new(named) });
    let maps = |inner| Maps { inner };
    assert_limit(63, || maps(BTreeMap::new()), |inner| maps(BTreeMap::from([(1, inner)])));
    assert_limit(127, || Keys(BTreeMap::new()), |key| Keys(BTreeMap::from([(key, 1)])));
    // Two each, and the outermost newtype.
    assert_limit(63, || Wraps(None), |wraps| Wraps(Some(Box::new(wraps))));
}

#[test]
fn what_json_reads_is_read() {
    assert_as_deep_as_json(|| Tree::Leaf, |tree| Tree::Node(Box::new(tree)));
    assert_as_deep_as_json(|| List { next: None }, |list| List { next: Some(Box::new(list)) });
    assert_as_deep_as_json(|| Vecs(vec![]), |vecs| Vecs(vec![vecs]));
    assert_as_deep_as_json(|| Pairs::End, |pairs| Pairs::Pair(1, Box::new(pairs)));
    assert_as_deep_as_json(|| Named::End, |named| Named::Field { inner: Box::new(named) });
    let maps = |inner| Maps { inner };
    assert_as_deep_as_json(|| maps(BTreeMap::new()), |inner| maps(BTreeMap::from([(1, inner)])));
}

/// Elements that take no bytes cost time alone, which bytes must not ask for without end.
#[test]
fn empty_elements_are_bounded() {
    let too_many = "a list or map has more than 65536 elements that take no bytes";
    let of_length = |length: u64| postcard(&length);
    assert_eq!(read::<Vec<()>>(&of_length(u64::MAX)), Err(too_many.to_owned()));
    assert_eq!(read::<BTreeMap<(), ()>>(&of_length(u64::MAX)), Err(too_many.to_owned()));
    let mut many = of_length(1_000);
    many.extend(of_length(60_000).repeat(1_000));
    assert_eq!(read::<Vec<Vec<((), ())>>>(&many), Err(too_many.to_owned()));
    assert_eq!(read::<Vec<()>>(&of_length(65_536)), Ok(vec![(); 65_536]));
    // Those that take some are as many as there are bytes.
    assert_read(&vec![(7_u8, (), ((), ())); 200_000]);
    assert_read(&vec![vec![Some(()); 300]; 300]);
}

/// Depth is what is counted: any number of values may stand side by side.
#[test]
fn width_is_free() {
    let tree = || nested(100, Tree::Leaf, |tree| Tree::Node(Box::new(tree)));
    assert_read(&(0..1000).map(|_| tree()).collect::<Vec<_>>());
}

#[test]
fn hostile_bytes_do_not_overflow_the_stack() {
    fn assert_refused<T: DeserializeOwned + Debug>() {
        let bytes = vec![1; 1 << 20];
        assert_eq!(read::<T>(&bytes).expect_err("is too deep"), TOO_DEEP);
    }
    assert_refused::<Tree>();
    assert_refused::<List>();
    assert_refused::<Vecs>();
    assert_refused::<Maps>();
    assert_refused::<Keys>();
    assert_refused::<Pairs>();
    assert_refused::<Named>();
    assert_refused::<Wraps>();
    assert_refused::<Vec<Option<(u8, Tree)>>>();
}
