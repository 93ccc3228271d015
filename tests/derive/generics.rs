//! Entities with type and constant parameters.

use std::marker::PhantomData;

use kv_runtime::{Kv, KvEntity, KvId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{collection, lay, stored};

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "cache")]
struct Cached<T> {
    #[kv(id)]
    key: String,
    value: Vec<T>,
    #[serde(default)]
    last: Option<T>,
}

#[tokio::test]
async fn a_type_parameter_is_bounded_by_what_its_fields_need() {
    async fn round_trip<T>(value: T) -> Option<Cached<T>>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        let cached = collection::<Cached<T>>();
        cached.put(&Cached { key: "a".to_owned(), value: vec![value], last: None }).await.unwrap();
        cached.get("a").await.unwrap()
    }
    assert_eq!(round_trip(5_u8).await.map(|cached| cached.value), Some(vec![5]));
    assert_eq!(round_trip("x".to_owned()).await.map(|cached| cached.last), Some(None));
}

trait Kind: Send + Sync + 'static {
    type Body: Serialize + DeserializeOwned + Send + Sync;
}

#[derive(Debug, Clone, PartialEq)]
struct Text;

impl Kind for Text {
    type Body = String;
}

/// The parameter itself is never stored: it needs none of serde's traits.
#[derive(KvEntity)]
#[kv(prefix = "doc")]
struct Document<K: Kind> {
    #[kv(id)]
    id: u64,
    body: K::Body,
    kind: PhantomData<K>,
}

#[tokio::test]
async fn associated_types_and_markers_are_fields_too() {
    let documents = collection::<Document<Text>>();
    documents.put(&Document { id: 1, body: "hello".to_owned(), kind: PhantomData }).await.unwrap();
    assert_eq!(stored(documents.store(), "doc:1").await, json!({"body": "hello", "kind": null}));
    assert_eq!(documents.get(1).await.unwrap().map(|document| document.body), Some("hello".to_owned()));
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sized<const N: usize>(u8);

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(
    prefix = "row",
    group = "a",
    derive(Debug),
    group(name = "b", derive(Debug)),
    group(name = "c", optional)
)]
struct Row<I: KvId + Into<J>, T: Clone, J, const N: usize = 4>
where
    T: PartialEq<J>,
{
    #[kv(id)]
    id: I,
    items: Sized<N>,
    #[kv(group = "b")]
    other: T,
    #[kv(group = "c")]
    last: Option<J>,
    #[kv(skip)]
    skipped: Option<J>,
}

#[tokio::test]
async fn views_keep_the_parameters_that_they_use() {
    let kv = Kv::new(kv_runtime::store::MemoryStore::new());
    let rows = kv.collection::<Row<u64, u32, u64Like>>();
    let row = Row { id: 7, items: Sized(1), other: 2_u32, last: None, skipped: Some(u64Like(3)) };
    rows.put(&row).await.unwrap();
    let a: RowA<u64, 4> = kv.collection().get(7).await.unwrap().unwrap();
    assert_eq!((a.id, a.items), (7, Sized(1)));
    let b: RowB<u64, u32> = kv.collection().get(7).await.unwrap().unwrap();
    assert_eq!((b.id, b.other), (7, 2));
    kv.collection::<RowC<u64, u64Like>>().delete(7).await.unwrap();
    assert_eq!(rows.get(7).await.unwrap().map(|row| (row.last, row.skipped)), Some((None, None)));
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(non_camel_case_types, reason = "named like the number that it wraps")]
struct u64Like(u64);

impl From<u64> for u64Like {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl PartialEq<u64Like> for u32 {
    fn eq(&self, other: &u64Like) -> bool {
        u64::from(*self) == other.0
    }
}

/// `Self` is the entity, also where the field's type is copied.
#[derive(KvEntity, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[kv(prefix = "tree")]
#[serde(default)]
struct Tree<T: Default> {
    #[kv(id)]
    id: u64,
    children: Vec<Self>,
    value: T,
}

#[tokio::test]
async fn self_is_the_entity() {
    let trees = collection::<Tree<String>>();
    let leaf = Tree { id: 2, children: Vec::new(), value: "leaf".to_owned() };
    let tree = Tree { id: 1, children: vec![leaf], value: "root".to_owned() };
    trees.put(&tree).await.unwrap();
    assert_eq!(trees.get(1).await.unwrap(), Some(tree));
    lay(trees.store(), "tree:3", json!({})).await;
    assert_eq!(trees.get(3).await.unwrap(), Some(Tree { id: 3, ..Tree::default() }));
}
