//! `get` after `put` returns an equal value, for every codec and store; what cannot be read back is
//! not written.

use std::cell::Cell;
use std::collections::BTreeMap;

use kv_runtime::index::StoredIn;
use kv_runtime::store::{MemoryStore, RedbDurability, RedbStore, Store};
use kv_runtime::{Error, Kv, KvEntity};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    One(i128),
    Two(char, Option<String>),
    Named { flag: bool, inner: Vec<Shape> },
}

macro_rules! entities {
    ($($entity:ident in $codec:literal;)*) => {$(
        #[derive(KvEntity, Debug, Clone, PartialEq)]
        #[kv(prefix = $codec, codec = $codec, group = "first")]
        #[kv(group(name = "second", codec = $codec, optional))]
        struct $entity {
            #[kv(id)]
            id: String,
            whole: (u8, i64, u128),
            fraction: f64,
            single: f32,
            text: String,
            bytes: Vec<u8>,
            #[kv(group = "second")]
            map: BTreeMap<String, Option<i32>>,
            #[kv(group = "second")]
            shapes: Vec<Shape>,
        }

        impl $entity {
            fn any() -> impl Strategy<Value = Self> {
                // JSON has no words for numbers that are not finite; see `Awkward` below.
                let numbers = (any::<(u8, i64, u128)>(), any::<f64>(), any::<f32>())
                    .prop_filter("not finite", |(_, fraction, single)| fraction.is_finite() && single.is_finite());
                let map = prop::collection::btree_map(any::<String>(), any::<Option<i32>>(), 0..5);
                let shapes = prop::collection::vec(shape(), 0..4);
                (any::<String>(), numbers, any::<String>(), any::<Vec<u8>>(), map, shapes).prop_map(
                    |(id, (whole, fraction, single), text, bytes, map, shapes)| {
                        Self { id, whole, fraction, single, text, bytes, map, shapes }
                    },
                )
            }
        }
    )*};
}

entities! {
    InJson in "json";
    InPostcard in "postcard";
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Nothing),
        any::<i128>().prop_map(Shape::One),
        any::<(char, Option<String>)>().prop_map(|(letter, text)| Shape::Two(letter, text)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        (any::<bool>(), prop::collection::vec(inner, 0..4))
            .prop_map(|(flag, inner)| Shape::Named { flag, inner })
    })
}

/// Writes entities, and reads them in every way that there is.
async fn assert_kept<E, S>(kv: &Kv<S>, entities: &[E]) -> Result<(), TestCaseError>
where
    E: KvEntity<Id = String> + StoredIn<S> + Clone + PartialEq + std::fmt::Debug,
    S: Store,
{
    let collection = kv.collection::<E>();
    let failed = |error: kv_runtime::Error| TestCaseError::fail(error.to_string());
    let mut last = BTreeMap::new();
    for entity in entities {
        collection.put(entity).await.map_err(failed)?;
        let read = collection.get(&entity.id()).await.map_err(failed)?;
        prop_assert_eq!(read.as_ref(), Some(entity));
        last.insert(entity.id(), entity.clone());
    }
    collection.put_many(entities.iter().cloned()).await.map_err(failed)?;
    let ids: Vec<String> = last.keys().cloned().collect();
    let read = collection.get_many(ids).await.map_err(failed)?;
    prop_assert!(read.iter().flatten().eq(last.values()) && read.len() == last.len(), "{:?}", read);
    let page = collection.list().page().await.map_err(failed)?;
    let mut listed = page.entities;
    listed.sort_by_key(KvEntity::id);
    prop_assert!(listed.iter().eq(last.values()), "{:?}", listed);
    for id in last.keys() {
        collection.delete(id).await.map_err(failed)?;
    }
    Ok(())
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime needs nothing")
}

/// All cases of one test share a store, so that a file is made once.
fn assert_all_kept<E, S>(store: S, entities: impl Strategy<Value = E>)
where
    E: KvEntity<Id = String> + StoredIn<S> + Clone + PartialEq + std::fmt::Debug,
    S: Store,
{
    let (kv, runtime) = (Kv::new(store), runtime());
    proptest!(|(entities in prop::collection::vec(entities, 1..4))| {
        runtime.block_on(assert_kept(&kv, &entities))?;
    });
}

fn with_file(test: impl FnOnce(RedbStore)) {
    let directory = tempfile::tempdir().expect("there is room for a file");
    let options = RedbStore::options().durability(RedbDurability::OnFlush);
    test(options.open(directory.path().join("values.redb")).expect("a new file opens"));
}

#[test]
fn json_in_memory() {
    assert_all_kept(MemoryStore::new(), InJson::any());
}

#[test]
fn postcard_in_memory() {
    assert_all_kept(MemoryStore::new(), InPostcard::any());
}

#[test]
fn json_in_a_file() {
    with_file(|store| assert_all_kept(store, InJson::any()));
}

#[test]
fn postcard_in_a_file() {
    with_file(|store| assert_all_kept(store, InPostcard::any()));
}

/// What not every codec can say: numbers that are not finite, and what serde's attributes make of a
/// type.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Awkward {
    Number(f64),
    Numbers { single: f32, by_name: BTreeMap<String, Option<f64>> },
    Sparse(Sparse),
    Tagged(Tagged),
    Adjacent(Adjacent),
    Untagged(Untagged),
    Flat(Flat),
    Json(serde_json::Value),
    Deep(Deep),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sparse {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    rest: u8,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Tagged {
    One { value: u8 },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", content = "content")]
enum Adjacent {
    One(u8),
    Two { text: String },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u8),
    Text(String),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Flat {
    #[serde(flatten)]
    inner: Sparse,
}

/// As a list, so that its end is not a matter of the stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Deep(Vec<Deep>);

fn deep(levels: usize) -> Deep {
    (0..levels).fold(Deep(Vec::new()), |inner, _| Deep(vec![inner]))
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)]
}

fn sparse() -> impl Strategy<Value = Sparse> {
    any::<(Option<String>, u8)>().prop_map(|(note, rest)| Sparse { note, rest })
}

fn awkward() -> impl Strategy<Value = Awkward> {
    let numbers = (number(), prop::collection::btree_map(any::<String>(), prop::option::of(number()), 0..3));
    prop_oneof![
        number().prop_map(Awkward::Number),
        numbers.prop_map(|(single, by_name)| Awkward::Numbers { single: single as f32, by_name }),
        sparse().prop_map(Awkward::Sparse),
        any::<u8>().prop_map(|value| Awkward::Tagged(Tagged::One { value })),
        any::<u8>().prop_map(|value| Awkward::Adjacent(Adjacent::One(value))),
        any::<String>().prop_map(|text| Awkward::Adjacent(Adjacent::Two { text })),
        any::<u8>().prop_map(|value| Awkward::Untagged(Untagged::Number(value))),
        any::<String>().prop_map(|text| Awkward::Untagged(Untagged::Text(text))),
        sparse().prop_map(|inner| Awkward::Flat(Flat { inner })),
        any::<i64>().prop_map(|value| Awkward::Json(value.into())),
        (0..160_usize).prop_map(|levels| Awkward::Deep(deep(levels))),
    ]
}

macro_rules! awkward_entities {
    ($($entity:ident in $codec:literal;)*) => {$(
        #[derive(KvEntity, Debug, Clone)]
        #[kv(prefix = $codec, codec = $codec)]
        struct $entity {
            #[kv(id)]
            id: u8,
            values: Vec<Awkward>,
        }

        impl $entity {
            fn any() -> impl Strategy<Value = Self> {
                (0..3_u8, prop::collection::vec(awkward(), 0..3)).prop_map(|(id, values)| Self { id, values })
            }
        }
    )*};
}

awkward_entities! {
    AwkwardInJson in "json";
    AwkwardInPostcard in "postcard";
}

/// Writes entities one over the other: each comes back, or is refused and changes nothing. Says how
/// many were refused. `Debug` tells every NaN and every -0 from every other number.
async fn kept_or_refused<E, S>(kv: &Kv<S>, entities: &[E]) -> Result<usize, TestCaseError>
where
    E: KvEntity<Id = u8> + StoredIn<S> + Clone + std::fmt::Debug,
    S: Store,
{
    let collection = kv.collection::<E>();
    let failed = |error: Error| TestCaseError::fail(format!("{error:?}"));
    let (mut standing, mut refused) = (BTreeMap::new(), 0);
    for id in 0..3 {
        collection.delete(id).await.map_err(failed)?;
    }
    for entity in entities {
        match collection.put(entity).await {
            Ok(()) => {
                standing.insert(entity.id(), entity.clone());
            }
            Err(Error::Encode { .. }) => refused += 1,
            Err(error) => return Err(failed(error)),
        }
        let read = collection.get(entity.id()).await.map_err(failed)?;
        prop_assert_eq!(format!("{:?}", read), format!("{:?}", standing.get(&entity.id())));
    }
    Ok(refused)
}

fn assert_kept_or_refused<E>(entities: impl Strategy<Value = E>)
where
    E: KvEntity<Id = u8> + StoredIn<MemoryStore> + Clone + std::fmt::Debug,
{
    let (kv, runtime) = (Kv::new(MemoryStore::new()), runtime());
    let (refused, written) = (Cell::new(0), Cell::new(0));
    proptest!(|(entities in prop::collection::vec(entities, 1..6))| {
        let of_these = runtime.block_on(kept_or_refused(&kv, &entities))?;
        refused.set(refused.get() + of_these);
        written.set(written.get() + entities.len() - of_these);
    });
    assert!(refused.get() > 50 && written.get() > 50, "{refused:?} {written:?}");
}

#[test]
fn json_is_read_back_or_not_written() {
    assert_kept_or_refused(AwkwardInJson::any());
}

#[test]
fn postcard_is_read_back_or_not_written() {
    assert_kept_or_refused(AwkwardInPostcard::any());
}
