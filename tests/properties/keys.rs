//! Different ids give different keys, every key parses back to its ids, and no other text is a key.

use std::fmt::Debug;
use std::sync::Arc;

use kv_runtime::__private::{id_of, key_of};
use kv_runtime::{KvEntity, KvId};
use proptest::prelude::*;
use uuid::Uuid;

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Name(String);

#[derive(KvId, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Number(i32);

#[derive(KvId, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[kv(rename_all = "kebab-case")]
enum Kind {
    Plain,
    InUse,
    #[kv(rename = "in.use")]
    Odd,
}

fn text() -> impl Strategy<Value = String> {
    // What the escape is about, what looks like it, and any text.
    prop_oneof!["[%:A-F0-9a\u{0}\u{1f}\u{7f}é]{0,8}", any::<String>(), "[a-z0-9-]{0,12}"]
}

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Plain), Just(Kind::InUse), Just(Kind::Odd)]
}

/// Numbers of every size, and those next to where a digit is added or a sign turns.
macro_rules! all_numbers {
    ($($int:ident)*) => {
        mod number {
            use super::*;
            $(
                pub fn $int() -> impl Strategy<Value = $int> {
                    let near = (0..<$int>::BITS, -2_i8..=2)
                        .prop_map(|(bit, by)| (1 as $int).wrapping_shl(bit).wrapping_add(by as $int));
                    let tens = (0..40_u32, -1_i8..=1)
                        .prop_map(|(power, by)| (10 as $int).wrapping_pow(power).wrapping_add(by as $int));
                    let small = any::<i8>().prop_map(|number| number as $int);
                    prop_oneof![any::<$int>(), near, tens, small]
                }
            )*
        }
    };
}

all_numbers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

/// A key parses back to its id, and two ids have one key only if they are one.
fn assert_reversible<E: KvEntity>(a: &E::Id, b: &E::Id) -> Result<(), TestCaseError> {
    let (key_a, key_b) = (key_of::<E>(a), key_of::<E>(b));
    prop_assert_eq!(id_of::<E>(key_a.as_str()), Some(a.clone()), "{}", key_a);
    prop_assert_eq!(a == b, key_a == key_b, "{} and {}", key_a, key_b);
    let separators = key_a.as_str().matches(':').count();
    prop_assert_eq!(
        separators,
        key_of::<E>(b).as_str().matches(':').count(),
        "an id added a separator to the key"
    );
    prop_assert!(!key_a.as_str().contains(|letter: char| letter.is_ascii_control()), "{:?}", key_a.as_str());
    Ok(())
}

/// A text is a key only if it is the one that its ids are written as.
fn assert_canonical<E: KvEntity>(text: &str) -> Result<(), TestCaseError> {
    if let Some(id) = id_of::<E>(text) {
        let key = key_of::<E>(&id);
        prop_assert_eq!(key.as_str(), text, "a second spelling of {:?}", id);
    }
    Ok(())
}

/// One edit of a key: what people, other programs and attackers write.
#[derive(Clone, Debug)]
enum Edit {
    Insert(prop::sample::Index, char),
    Replace(prop::sample::Index, char),
    Remove(prop::sample::Index),
    Repeat(prop::sample::Index),
    Upper,
    Lower,
    Escape(prop::sample::Index),
}

fn letter() -> impl Strategy<Value = char> {
    prop_oneof![
        proptest::sample::select("0179+-:%aAfF _.eé\0\n\u{7f}３".chars().collect::<Vec<_>>()),
        any::<char>()
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (any::<prop::sample::Index>(), letter()).prop_map(|(at, letter)| Edit::Insert(at, letter)),
        (any::<prop::sample::Index>(), letter()).prop_map(|(at, letter)| Edit::Replace(at, letter)),
        any::<prop::sample::Index>().prop_map(Edit::Remove),
        any::<prop::sample::Index>().prop_map(Edit::Repeat),
        Just(Edit::Upper),
        Just(Edit::Lower),
        any::<prop::sample::Index>().prop_map(Edit::Escape),
    ]
}

fn edited(key: &str, edits: &[Edit]) -> String {
    let mut letters: Vec<char> = key.chars().collect();
    for edit in edits {
        let len = letters.len().max(1);
        match edit {
            Edit::Insert(at, letter) => letters.insert(at.index(letters.len() + 1), *letter),
            Edit::Replace(at, letter) => {
                letters.get_mut(at.index(len)).map(|place| *place = *letter).unwrap_or_default();
            }
            Edit::Remove(at) => drop(letters.drain(at.index(len)..).next()),
            Edit::Repeat(at) => letters.extend_from_within(at.index(len).min(letters.len())..),
            Edit::Upper => letters = letters.iter().flat_map(|letter| letter.to_uppercase()).collect(),
            Edit::Lower => letters = letters.iter().flat_map(|letter| letter.to_lowercase()).collect(),
            Edit::Escape(at) => {
                let at = at.index(len);
                if let Some(letter) = letters.get(at).copied().filter(char::is_ascii) {
                    letters.splice(at..=at, format!("%{:02X}", letter as u32).chars());
                }
            }
        }
    }
    letters.into_iter().collect()
}

macro_rules! entities {
    ($($test:ident: $entity:ident($($field:ident: $id:ty $(, $ordered:ident)?);+) of $ids:expr;)*) => {$(
        #[derive(KvEntity)]
        #[kv(prefix = "t", group = "g")]
        struct $entity {
            $(#[kv(id $(, $ordered)?)] $field: $id,)+
        }

        proptest! {
            #[test]
            fn $test(a in $ids, b in $ids, edits in prop::collection::vec(edit(), 1..4), any in any::<String>()) {
                assert_reversible::<$entity>(&a, &b)?;
                assert_canonical::<$entity>(&edited(key_of::<$entity>(&a).as_str(), &edits))?;
                assert_canonical::<$entity>(&format!("t:{any}:g"))?;
                assert_canonical::<$entity>(&any)?;
            }
        }
    )*};
}

entities! {
    u8_ids: U8(id: u8) of number::u8();
    u16_ids: U16(id: u16) of number::u16();
    u32_ids: U32(id: u32) of number::u32();
    u64_ids: U64(id: u64) of number::u64();
    u128_ids: U128(id: u128) of number::u128();
    usize_ids: Usize(id: usize) of number::usize();
    i8_ids: I8(id: i8) of number::i8();
    i16_ids: I16(id: i16) of number::i16();
    i32_ids: I32(id: i32) of number::i32();
    i64_ids: I64(id: i64) of number::i64();
    i128_ids: I128(id: i128) of number::i128();
    isize_ids: Isize(id: isize) of number::isize();
    bool_ids: Bool(id: bool) of any::<bool>();
    char_ids: Char(id: char) of any::<char>();
    string_ids: Text(id: String) of text();
    box_str_ids: BoxStr(id: Box<str>) of text().prop_map(Box::from);
    arc_str_ids: ArcStr(id: Arc<str>) of text().prop_map(Arc::from);
    uuid_ids: Id(id: Uuid) of uuid();
    newtype_ids: Named(id: Name) of text().prop_map(Name);
    enum_ids: OfKind(id: Kind) of kind();
    pairs_of_text: TwoTexts(a: String; b: String) of (text(), text());
    triples: Three(org: Name; team: u16, ordered; user: i64) of (text().prop_map(Name), number::u16(), number::i64());
    sixfold: Six(a: bool; b: char; c: Uuid; d: Kind; e: u8; f: String)
        of (any::<bool>(), any::<char>(), uuid(), kind(), any::<u8>(), text());
}

macro_rules! ordered {
    ($($test:ident: $entity:ident($id:ty) of $ids:expr;)*) => {$(
        #[derive(KvEntity)]
        #[kv(prefix = "t")]
        struct $entity {
            #[kv(id, ordered)]
            id: $id,
        }

        proptest! {
            #[test]
            fn $test(a in $ids, b in $ids, edits in prop::collection::vec(edit(), 1..4)) {
                assert_reversible::<$entity>(&a, &b)?;
                let (key_a, key_b) = (key_of::<$entity>(&a), key_of::<$entity>(&b));
                prop_assert_eq!(a.cmp(&b), key_a.as_str().cmp(key_b.as_str()), "{} and {}", key_a, key_b);
                prop_assert_eq!(key_a.len(), key_b.len());
                assert_canonical::<$entity>(&edited(key_a.as_str(), &edits))?;
            }
        }
    )*};
}

ordered! {
    ordered_u8: OrderedU8(u8) of number::u8();
    ordered_u16: OrderedU16(u16) of number::u16();
    ordered_u32: OrderedU32(u32) of number::u32();
    ordered_u64: OrderedU64(u64) of number::u64();
    ordered_u128: OrderedU128(u128) of number::u128();
    ordered_usize: OrderedUsize(usize) of number::usize();
    ordered_i8: OrderedI8(i8) of number::i8();
    ordered_i16: OrderedI16(i16) of number::i16();
    ordered_i32: OrderedI32(i32) of number::i32();
    ordered_i64: OrderedI64(i64) of number::i64();
    ordered_i128: OrderedI128(i128) of number::i128();
    ordered_isize: OrderedIsize(isize) of number::isize();
    ordered_newtype: OrderedNumber(Number) of number::i32().prop_map(Number);
}

/// A key of one group is none of another's, nor of an entity whose prefix begins the same.
#[derive(KvEntity)]
#[kv(prefix = "t", group = "h")]
struct OtherGroup {
    #[kv(id)]
    id: String,
}

#[derive(KvEntity)]
#[kv(prefix = "t-t", group = "g")]
struct OtherPrefix {
    #[kv(id)]
    id: String,
}

proptest! {
    #[test]
    fn other_groups_and_prefixes_are_apart(id in text()) {
        let key = key_of::<Text>(&id);
        prop_assert_eq!(id_of::<OtherGroup>(key.as_str()), None);
        prop_assert_eq!(id_of::<OtherPrefix>(key.as_str()), None);
        prop_assert_eq!(id_of::<TwoTexts>(key.as_str()), None);
    }
}
