//! Random JSON of another program, which both programs change.

use std::collections::BTreeMap;

use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity};
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::{put_theirs, text};

#[derive(KvEntity, Debug)]
#[kv(prefix = "doc", plain, version = 2, version_in = "meta.version")]
struct Doc {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "title", since = 2))]
    name: String,
    #[serde(default)]
    count: i64,
}

/// Who changes the record next.
#[derive(Clone, Debug)]
enum Step {
    Ours(String, i64),
    OursUnchanged,
    Migration,
    /// The other program sets a member to this text.
    Theirs(String, String),
    TheirsRemoves(String),
}

/// A text of JSON, with spaces and numbers that programs round.
pub fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("1.50".to_owned()),
        Just("-0".to_owned()),
        Just("1e400".to_owned()),
        Just("123456789012345678901234567890".to_owned()),
        "\\PC{0,6}".prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(" , "))),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..3).prop_map(|members| object(&members)),
        ]
    })
}

pub fn object(members: &BTreeMap<String, String>) -> String {
    let member =
        |(name, value): (&String, &String)| format!("{} : {value}", serde_json::Value::from(name.as_str()));
    format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
}

/// A name that is none of the struct's and not the version's.
pub fn name() -> impl Strategy<Value = String> {
    "[a-c]{1,2}|é|\"|x:y"
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        ("\\PC{0,6}", any::<i64>()).prop_map(|(name, count)| Step::Ours(name, count)),
        Just(Step::OursUnchanged),
        Just(Step::Migration),
        (name(), json()).prop_map(|(name, value)| Step::Theirs(name, value)),
        name().prop_map(Step::TheirsRemoves),
    ]
}

/// The members of a record, as texts.
pub fn members(record: &str) -> BTreeMap<String, String> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(record).expect("it is an object");
    members.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_of_either_program_is_lost(
        others in prop::collection::btree_map(name(), json(), 0..4),
        has_version in any::<bool>(),
        steps in prop::collection::vec(step(), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let kv = Kv::new(MemoryStore::new());
            let docs = kv.collection::<Doc>();
            let mut theirs = others.clone();
            let mut ours = ("first".to_owned(), 0);
            let mut first = others;
            first.insert("title".to_owned(), "\"first\"".to_owned());
            if has_version {
                first.insert("meta".to_owned(), r#"{"by": "them", "version": 1}"#.to_owned());
            }
            put_theirs(kv.store(), "doc:1", &object(&first)).await.expect("is written");
            for step in steps {
                match step {
                    Step::Ours(name, count) => {
                        docs.update(1, |doc| {
                            doc.name.clone_from(&name);
                            doc.count = count;
                        })
                        .await
                        .expect("is changed");
                        ours = (name, count);
                    }
                    Step::OursUnchanged => drop(docs.update(1, |_| ()).await.expect("is left alone")),
                    Step::Migration => drop(docs.migrate_all().run().await.expect("is migrated")),
                    Step::Theirs(name, value) => {
                        let mut all = members(&text(kv.store(), "doc:1").await.expect("is there"));
                        all.insert(name.clone(), value.clone());
                        theirs.insert(name, value);
                        put_theirs(kv.store(), "doc:1", &object(&all)).await.expect("is written");
                    }
                    Step::TheirsRemoves(name) => {
                        let mut all = members(&text(kv.store(), "doc:1").await.expect("is there"));
                        all.remove(&name);
                        theirs.remove(&name);
                        put_theirs(kv.store(), "doc:1", &object(&all)).await.expect("is written");
                    }
                }
                let doc = docs.get(1).await.expect("is read").expect("is there");
                assert_eq!((&doc.name, doc.count), (&ours.0, ours.1));
                let mut all = members(&text(kv.store(), "doc:1").await.expect("is there"));
                for own in ["title", "name", "count", "meta"] {
                    all.remove(own);
                }
                assert_eq!(all, theirs);
            }
            if has_version {
                let stored = text(kv.store(), "doc:1").await.expect("is there");
                assert!(members(&stored)["meta"].contains(r#""by": "them""#), "{stored}");
            }
        });
    }
}
