//! `get` after `put` returns an equal value, for every codec and store.

use std::collections::BTreeMap;

use kv_runtime::store::{MemoryStore, RedbDurability, RedbStore, Store};
use kv_runtime::{Kv, KvEntity};
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
                // JSON has no words for numbers that are not finite.
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
    E: KvEntity<Id = String> + Clone + PartialEq + std::fmt::Debug,
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
    E: KvEntity<Id = String> + Clone + PartialEq + std::fmt::Debug,
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
