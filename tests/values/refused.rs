//! What would not come back is refused before it is stored.

use std::collections::{BTreeMap, HashMap, HashSet};

use kv_runtime::{Error, KvEntity};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Outcome, memory};

/// Puts an entity; gives the refusal, and checks that nothing was stored.
macro_rules! refused {
    ($ty:ty, $entity:expr) => {{
        let kv = memory();
        let entity: $ty = $entity;
        let all = kv.collection::<$ty>();
        let error = all.put(&entity).await.expect_err("would not come back");
        assert!(matches!(error, Error::Encode { .. }), "{error:?}");
        assert!(!all.exists(entity.id()).await?, "nothing is stored");
        assert!(matches!(all.insert(&entity).await, Err(Error::Encode { .. })));
        format!("{error:?}")
    }};
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum State {
    #[serde(skip)]
    #[allow(dead_code)]
    Unknown,
    Open,
    Closed,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Login {
    #[serde(skip_serializing, default)]
    pin: u8,
    tries: u8,
}

mod crooked {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(*number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        i32::deserialize(deserializer).map(|number| number.unsigned_abs())
    }
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "binary", codec = "postcard")]
struct Binary {
    #[kv(id)]
    id: u64,
    state: State,
    #[serde(with = "crooked")]
    number: u32,
    tags: HashMap<String, u32>,
    words: HashSet<u16>,
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "login", codec = "postcard")]
struct BinaryLogin {
    #[kv(id)]
    id: u64,
    login: Login,
    rest: u8,
}

fn binary() -> Binary {
    let tags = (0..20).map(|number| (number.to_string(), number)).collect();
    Binary { id: 1, state: State::Closed, number: 0, tags, words: (0..20).collect() }
}

#[tokio::test]
async fn a_binary_codec_gives_no_other_value() -> Outcome {
    let told = refused!(Binary, Binary { state: State::Open, ..binary() });
    assert!(told.contains("in `state`"), "{told}");
    let told = refused!(Binary, Binary { state: State::Closed, ..binary() });
    assert!(told.contains("variant"), "{told}");
    let told = refused!(BinaryLogin, BinaryLogin { id: 1, login: Login { pin: 7, tries: 5 }, rest: 2 });
    assert!(told.contains("in `login`") || told.contains("end before"), "{told}");
    Ok(())
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "crooked", codec = "postcard")]
struct Crooked {
    #[kv(id)]
    id: u64,
    #[serde(with = "crooked")]
    number: u32,
    tags: HashMap<String, u32>,
    words: HashSet<u16>,
}

#[tokio::test]
async fn functions_that_read_otherwise_than_they_write_are_seen() -> Outcome {
    let Binary { id, tags, words, .. } = binary();
    let told = refused!(Crooked, Crooked { id, number: 5, tags: tags.clone(), words: words.clone() });
    assert!(told.contains("in `number`"), "{told}");
    // What does come back is stored, whatever the order of hash maps.
    let kv = memory();
    let all = kv.collection::<Crooked>();
    for _ in 0..8 {
        all.put(&Crooked { id, number: 0, tags: tags.clone(), words: words.clone() }).await?;
        let again = all.get(id).await?.ok_or("is there")?;
        assert_eq!((again.tags, again.words), (tags.clone(), words.clone()));
    }
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Numbers {
    #[serde(flatten)]
    by_number: BTreeMap<u64, u8>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t")]
enum Wide {
    A { wei: u128 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Guess {
    A { wei: u128 },
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Sparse {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
struct Apart {
    first_name: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Raw {
    #[serde(flatten)]
    rest: BTreeMap<String, Box<serde_json::value::RawValue>>,
}

#[derive(KvEntity, Debug, Default)]
#[kv(prefix = "json")]
struct Json {
    #[kv(id)]
    id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    numbers: Option<Numbers>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wide: Option<Wide>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guess: Option<Guess>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sparse: Option<Sparse>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    apart: Option<Apart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw: Option<Raw>,
    #[serde(default = "five", skip_serializing_if = "is_zero")]
    five: u8,
}

fn five() -> u8 {
    5
}

fn is_zero(number: &u8) -> bool {
    *number == 0
}

#[tokio::test]
async fn json_that_could_not_be_read_is_refused_with_its_member() -> Outcome {
    let json = || Json { id: 1, five: 5, ..Json::default() };
    let raw = serde_json::value::to_raw_value(&1)?;
    let wei = u128::MAX;
    for (member, entity) in [
        ("numbers", Json { numbers: Some(Numbers { by_number: [(1, 2)].into() }), ..json() }),
        ("wide", Json { wide: Some(Wide::A { wei }), ..json() }),
        ("guess", Json { guess: Some(Guess::A { wei }), ..json() }),
        ("sparse", Json { sparse: Some(Sparse::default()), ..json() }),
        ("apart", Json { apart: Some(Apart::default()), ..json() }),
        ("raw", Json { raw: Some(Raw { rest: [("a".to_owned(), raw)].into() }), ..json() }),
        ("five", Json { five: 0, ..json() }),
    ] {
        let told = refused!(Json, entity);
        assert!(told.contains(&format!("in `{member}`")), "{member}: {told}");
    }
    let kv = memory();
    let all = kv.collection::<Json>();
    all.put(&json()).await?;
    // An update stores no such value either.
    let update = all.update(1, |json| json.sparse = Some(Sparse::default())).await;
    assert!(matches!(update, Err(Error::Encode { .. })), "{update:?}");
    assert_eq!(all.get(1).await?.ok_or("is there")?.sparse, None);
    Ok(())
}

#[derive(KvEntity, Debug, Clone)]
#[kv(prefix = "flat")]
struct Flat {
    #[kv(id)]
    id: u64,
    name: String,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t")]
enum Labels {
    Map(BTreeMap<String, String>),
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "labels")]
struct Labelled {
    #[kv(id)]
    id: u64,
    labels: Labels,
}

#[tokio::test]
async fn keys_that_meet_other_members_are_refused() -> Outcome {
    let flat = |key: &str| Flat { id: 1, name: "a".to_owned(), rest: [(key.to_owned(), 1.into())].into() };
    let told = refused!(Flat, flat("name"));
    assert!(told.contains("the name of another member"), "{told}");
    let told =
        refused!(Labelled, Labelled { id: 1, labels: Labels::Map([("t".to_owned(), String::new())].into()) });
    assert!(told.contains("in `labels`") && told.contains("the name of another member"), "{told}");
    let kv = memory();
    let flats = kv.collection::<Flat>();
    flats.put(&flat("x")).await?;
    // A name like the id's is one like any other.
    flats.put(&flat("id")).await?;
    assert_eq!(flats.get(1).await?.ok_or("is there")?.rest, flat("id").rest);
    let update = flats.update(1, |flat| drop(flat.rest.insert("name".to_owned(), 1.into()))).await;
    assert!(matches!(update, Err(Error::Encode { .. })), "{update:?}");
    Ok(())
}
