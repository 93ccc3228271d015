//! Random JSON with members that no struct names, under random updates.

use std::collections::BTreeMap;

use kv_runtime::KvEntity;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{lay, memory, text};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Inner {
    a: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    b: Option<String>,
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "any")]
struct Any {
    #[kv(id)]
    id: u64,
    number: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    word: Option<String>,
    inner: Inner,
    map: BTreeMap<String, Inner>,
    list: Vec<u8>,
}

/// A change of one field.
#[derive(Debug, Clone)]
enum Change {
    Nothing,
    Number(i32),
    Word(Option<String>),
    Inner(i32, Option<String>),
    Entry(String, i32),
    Entries(Vec<String>),
    Push(u8),
}

impl Change {
    fn apply(&self, any: &mut Any) {
        match self.clone() {
            Self::Nothing => {}
            Self::Number(number) => any.number = number.into(),
            Self::Word(word) => any.word = word,
            Self::Inner(a, b) => any.inner = Inner { a, b },
            Self::Entry(name, a) => {
                any.map.entry(name).or_insert(Inner { a: 0, b: None }).a = a;
            }
            Self::Entries(names) => any.map.retain(|name, _| names.contains(name)),
            Self::Push(element) => any.list.push(element),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let word = prop::option::of("[a-c\"\\\\]{0,3}");
    prop_oneof![
        Just(Change::Nothing),
        any::<i32>().prop_map(Change::Number),
        word.clone().prop_map(Change::Word),
        (any::<i32>(), word).prop_map(|(a, b)| Change::Inner(a, b)),
        ("[k-n]", any::<i32>()).prop_map(|(name, a)| Change::Entry(name, a)),
        prop::collection::vec("[k-n]", 0..3).prop_map(Change::Entries),
        any::<u8>().prop_map(Change::Push),
    ]
}

/// JSON text of any value, in spellings that this library does not write.
fn foreign() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        "-?[1-9][0-9]{0,40}(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?",
        "[a-z ]{0,6}".prop_map(|text| format!("\"{text}\\u00e9\\/\"")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|all| format!("[ {} ]", all.join(" , "))),
            prop::collection::vec(("[a-z]{1,3}", inner), 0..3).prop_map(|all| {
                let members: Vec<_> =
                    all.iter().map(|(name, value)| format!("\"{name}\" :{value}")).collect();
                format!("{{{}}}", members.join("\n,"))
            }),
        ]
    })
}

/// Members that no struct names, by names of their own.
fn unnamed() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map("x[a-z]{1,3}", foreign(), 0..3)
}

/// An object with these members, and those that a struct names, in some order.
fn object(named: &[(&str, String)], unnamed: &BTreeMap<String, String>, order: usize) -> String {
    let named = named.iter().map(|(name, value)| format!("\"{name}\": {value}"));
    let mut members: Vec<_> =
        named.chain(unnamed.iter().map(|(name, value)| format!("\"{name}\" :{value}"))).collect();
    let len = members.len().max(1);
    members.rotate_left(order % len);
    format!("{{ {} }}", members.join(" , "))
}

fn with_runtime<T>(body: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be had");
    runtime.block_on(body)
}

/// Whether the text has all of these members, byte for byte.
fn has_all(text: &str, members: &BTreeMap<String, String>) -> bool {
    members.iter().all(|(name, value)| text.contains(&format!("\"{name}\" :{value}")))
}

proptest! {
    #[test]
    fn unnamed_members_survive_updates_byte_for_byte(
        outer in unnamed(),
        inner in unnamed(),
        entry in unnamed(),
        order in 0..9_usize,
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let nested = |members: &BTreeMap<String, String>| object(&[("a", "1".to_owned())], members, order);
        let map = format!("{{\"k\":{}}}", nested(&entry));
        let named = [("number", "1.50".to_owned()), ("inner", nested(&inner)), ("map", map), ("list", "[ 1 , 2 ]".to_owned())];
        let stored = object(&named, &outer, order);
        with_runtime(async {
            let kv = memory();
            lay(&kv, "any:1", &stored).await.expect("can be stored");
            let all = kv.collection::<Any>();
            let mut expected = all.get(1).await.expect("can be read").expect("is there");
            let mut keeps_entry = true;
            for change in &changes {
                change.apply(&mut expected);
                let before = text(&kv, "any:1").await.expect("is there");
                let returned = all.update(1, |any| change.apply(any)).await.expect("can be changed");
                let read = all.get(1).await.expect("can be read").expect("is there");
                prop_assert_eq!(&returned, &expected);
                prop_assert_eq!(&read, &expected);
                keeps_entry &= expected.map.contains_key("k");
                let now = text(&kv, "any:1").await.expect("is there");
                prop_assert!(has_all(&now, &outer) && has_all(&now, &inner), "{} {}", stored, now);
                prop_assert!(!keeps_entry || has_all(&now, &entry), "{} {}", stored, now);
                if matches!(change, Change::Nothing) {
                    prop_assert_eq!(now, before);
                }
            }
            Ok(())
        })?;
    }
}
