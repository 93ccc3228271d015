//! The order of keys is that of values, and no two values have one key.

use std::cmp::Ordering;
use std::fmt::Debug;

use proptest::prelude::*;

use super::{IndexKey, IndexParts, IndexValue, Last};
use crate::key::{IdKind, IdSchema, Key, KeyBuilder, KvId, parse_entry};
use crate::timestamp::Timestamp;

fn parts(write: impl FnOnce(&mut IndexParts)) -> String {
    let mut parts = IndexParts::new();
    write(&mut parts);
    parts.as_str().to_owned()
}

fn of<V: IndexValue>(value: &V) -> String {
    parts(|parts| value.write(parts))
}

fn entry<I: KvId>(values: &str, ids: &'static [IdSchema], id: &I) -> Key {
    let mut key = KeyBuilder::entry("user", "index", values, false, ids);
    key.push(id);
    key.finish_entry()
}

const NUMBER: &[IdSchema] = &[IdSchema::new("id", IdKind::Integer { signed: false, bits: 64 })];
const TEXT: &[IdSchema] = &[IdSchema::new("id", IdKind::Text).secret()];

fn assert_ordered<V: IndexValue + Ord + Debug>(a: &V, b: &V) -> Result<(), TestCaseError> {
    prop_assert_eq!(of(a).cmp(&of(b)), a.cmp(b), "{:?} {:?}", a, b);
    Ok(())
}

/// Texts of the characters around those that are escaped, some too long for a key.
fn texts() -> impl Strategy<Value = String> {
    let edges: Vec<char> = "\0\u{1f} !\"#$%&'09A~}\u{7f}\u{80}\u{d7ff}\u{e000}\u{10ffff}".chars().collect();
    let chars = prop_oneof![3 => prop::sample::select(edges), 1 => any::<char>()];
    prop_oneof![
        4 => prop::collection::vec(chars.clone(), 0..6),
        1 => prop::collection::vec(chars, 25..140),
    ]
    .prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #[test]
    fn numbers_and_moments_keep_their_order(
        a in any::<(u64, i64, u8, i128)>(), b in any::<(u64, i64, u8, i128)>(),
        c in any::<(bool, char)>(), d in any::<(bool, char)>(),
    ) {
        assert_ordered(&a.0, &b.0)?;
        assert_ordered(&a.1, &b.1)?;
        assert_ordered(&a.2, &b.2)?;
        assert_ordered(&a.3, &b.3)?;
        assert_ordered(&Timestamp::from_millis(a.0), &Timestamp::from_millis(b.0))?;
        assert_ordered(&c.0, &d.0)?;
        assert_ordered(&c.1, &d.1)?;
    }

    #[test]
    fn optional_values_keep_their_order(a in any::<Option<i32>>(), b in any::<Option<i32>>()) {
        assert_ordered(&a, &b)?;
    }

    /// Long texts keep their order as far as their beginnings differ.
    #[test]
    fn texts_keep_their_order(a in texts(), b in texts(), c in prop::option::of(texts()), d in prop::option::of(texts())) {
        let order = of(&a).cmp(&of(&b));
        if of(&a).len() <= 129 && of(&b).len() <= 129 && !of(&a).contains('"') && !of(&b).contains('"') {
            prop_assert_eq!(order, a.cmp(&b));
            prop_assert_eq!(of(&(Some(a.clone()))).cmp(&of(&Some(b.clone()))), a.cmp(&b));
        }
        prop_assert_eq!(order == Ordering::Equal, a == b);
        prop_assert_eq!(of(&c) == of(&d), c == d);
    }

    #[test]
    fn composites_keep_their_order_and_do_not_collide(
        a in (prop::option::of("[ !a~]{0,3}"), any::<u8>(), "[ !a~]{0,3}"),
        b in (prop::option::of("[ !a~]{0,3}"), any::<u8>(), "[ !a~]{0,3}"),
    ) {
        type Values = (Option<String>, u8, String);
        let key = |values: &Values| parts(|parts| {
            Values::write_ref((values.0.as_deref(), values.1, values.2.as_str()), None, parts);
        });
        prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp(&b));
        let written = parts(|parts| {
            a.0.write(parts);
            a.1.write(parts);
            IndexValue::write(&a.2, parts);
        });
        prop_assert_eq!(key(&a), written);
    }

    /// Equal values come in the order of their ids, which are read back.
    #[test]
    fn entries_end_with_their_ids(value in texts(), id in any::<u64>(), other in any::<u64>(), name in texts()) {
        let value = of(&value);
        let key = entry(&value, NUMBER, &id);
        prop_assert_eq!(key.cmp(&entry(&value, NUMBER, &other)), id.cmp(&other));
        prop_assert_eq!(parse_entry::<u64>(key.as_str(), NUMBER), Some(id));
        let key = entry(&value, TEXT, &name);
        prop_assert_eq!(parse_entry::<String>(key.as_str(), TEXT), Some(name));
    }

    /// What is no entry of the entity names no id.
    #[test]
    fn any_text_is_read_without_a_panic(key in any::<String>(), rest in texts()) {
        let _ = parse_entry::<u64>(&key, NUMBER);
        let _ = parse_entry::<String>(&format!("user!index!{rest}!"), TEXT);
    }
}

#[test]
fn a_key_hides_values_and_secret_ids() {
    let key = entry("ada@example.com!", TEXT, &"token".to_owned());
    let text = key.to_string();
    assert!(!text.contains("ada") && !text.contains("token") && text.starts_with("user!index!#"), "{text}");
    assert_eq!(key.as_str(), "user!index!ada@example.com!token!");
}

/// The test vectors of the wire format.
#[test]
fn values_are_written_as_the_wire_format_says() {
    assert_eq!(of(&7_u64), "00000000000000000007!");
    assert_eq!(of(&-1_i8), "127!");
    assert_eq!(of(&Timestamp::from_millis(1_763_900_000_000)), "001763900000000!");
    assert_eq!(of(&true), "true!");
    assert_eq!(of(&"Ada Lovelace".to_owned()), "Ada%20Lovelace!");
    assert_eq!(of(&"a!\"#$%&~\u{7f}é".to_owned()), "a%21%22%23%24%25&~0~1é!");
    assert_eq!(of(&None::<String>), "!");
    assert_eq!(of(&Some(String::new())), "$!");
    assert_eq!(of(&Some(7_u8)), "$007!");
    let long = "x".repeat(129);
    assert_eq!(of(&long), format!("{}\"{HASH_OF_LONG}!", "x".repeat(95)));
    assert_eq!(of(&"x".repeat(128)), format!("{}!", "x".repeat(128)));
    let last = parts(|parts| Last::<Option<u8>>::write_ref(None, None, parts));
    assert_eq!(last, "!");
}

/// The first 16 bytes of the SHA-256 of 129 times `x`.
const HASH_OF_LONG: &str = "0ec9eb33e74510bcdd1f2ea55206e82f";
