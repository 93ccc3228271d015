//! Members that no struct names stay within every kind of container, and known values keep their
//! spelling until they change.

use std::collections::{BTreeMap, HashMap};

use kv_runtime::KvEntity;
use serde::{Deserialize, Serialize};

use crate::{Outcome, lay, memory, stored, text};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    zip_code: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wrapped(Box<Part>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Choice {
    One(Part),
    Two { part: Part },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Circle { r: u8 },
    Square { r: u8 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Flat {
    depth: u8,
    nested: Part,
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "nest")]
struct Nest {
    #[kv(id)]
    id: u64,
    count: u32,
    #[serde(default)]
    boxed: Option<Box<Part>>,
    #[serde(default)]
    wrapped: Option<Wrapped>,
    #[serde(default)]
    choice: Option<Choice>,
    #[serde(default)]
    by_name: HashMap<String, Option<Part>>,
    #[serde(default)]
    by_number: BTreeMap<i16, Part>,
    #[serde(default)]
    pair: Option<(Part, u8)>,
    #[serde(default)]
    tagged: BTreeMap<String, Option<Tagged>>,
    #[serde(flatten)]
    flat: Option<Flat>,
}

async fn updated(value: &str, change: impl FnMut(&mut Nest)) -> Outcome<String> {
    let kv = memory();
    lay(&kv, "nest:7", value).await?;
    kv.collection::<Nest>().update(7, change).await?;
    text(&kv, "nest:7").await
}

const X: &str = r#""x":[12345678901234567890123, "\u0061"]"#;

#[tokio::test]
async fn a_change_inside_keeps_what_is_beside_it() -> Outcome {
    let part = format!(r#"{{"zipCode":1,{X}}}"#);
    type Change = fn(&mut Nest);
    let cases: [(String, Change); 8] = [
        (format!(r#""boxed":{part}"#), |nest| nest.boxed.as_mut().expect("is there").zip_code = 2),
        (format!(r#""wrapped":{part}"#), |nest| nest.wrapped.as_mut().expect("is there").0.zip_code = 2),
        (format!(r#""choice":{{"One":{part}}}"#), |nest| {
            nest.choice = Some(Choice::One(Part { zip_code: 2 }));
        }),
        (format!(r#""choice":{{"Two":{{{X},"part":{part}}}}}"#), |nest| {
            nest.choice = Some(Choice::Two { part: Part { zip_code: 2 } });
        }),
        (format!(r#""by_name":{{"a":{part},"b":null}}"#), |nest| {
            nest.by_name.insert("a".to_owned(), Some(Part { zip_code: 2 }));
        }),
        (format!(r#""by_number":{{"-1":{part},"5":{part}}}"#), |nest| {
            nest.by_number.insert(-1, Part { zip_code: 2 });
        }),
        (format!(r#""tagged":{{"a":{{"r":1,"kind":"Circle",{X}}}}}"#), |nest| {
            nest.tagged.insert("a".to_owned(), Some(Tagged::Circle { r: 2 }));
        }),
        (format!(r#""depth":1,{X},"nested":{part}"#), |nest| {
            nest.flat.as_mut().expect("is there").nested.zip_code = 2;
        }),
    ];
    for (members, change) in cases {
        let value = format!(r#"{{ "y" : 1.10e5,"count":1 , {members}}}"#);
        // Another member's change leaves it, and its own changes no more than it has to.
        let beside = updated(&value, |nest| nest.count = 3).await?;
        assert_eq!(beside, value.replace(r#""count":1"#, r#""count":3"#));
        let within = updated(&value, change).await?;
        let expected =
            value.replacen(r#""zipCode":1"#, r#""zipCode":2"#, 1).replacen(r#"{"r":1"#, r#"{"r":2"#, 1);
        assert_eq!(within, expected);
    }
    Ok(())
}

#[tokio::test]
async fn an_element_that_changes_is_replaced_and_the_others_stay() -> Outcome {
    let value = format!(r#"{{"count":1,"pair":[{{"zipCode":1,{X}}},7],{X}}}"#);
    let second = updated(&value, |nest| nest.pair.as_mut().expect("is there").1 = 8).await?;
    assert_eq!(second, value.replace(",7]", ",8]"));
    let first = updated(&value, |nest| nest.pair.as_mut().expect("is there").0.zip_code = 2).await?;
    assert_eq!(first, format!(r#"{{"count":1,"pair":[{{"zipCode":2}},7],{X}}}"#));
    Ok(())
}

#[tokio::test]
async fn a_variant_within_a_map_that_changes_is_replaced_whole() -> Outcome {
    let value =
        format!(r#"{{"count":1,"tagged":{{"a":{{"kind":"Circle","r":1,"unit":"cm"}},"b":null}},{X}}}"#);
    let square = updated(&value, |nest| {
        nest.tagged.insert("a".to_owned(), Some(Tagged::Square { r: 1 }));
    });
    assert_eq!(
        square.await?,
        format!(r#"{{"count":1,"tagged":{{"a":{{"kind":"Square","r":1}},"b":null}},{X}}}"#)
    );
    let value = format!(r#"{{"count":1,"choice":{{"One":{{"zipCode":1,"unit":"cm"}}}},{X}}}"#);
    let two = updated(&value, |nest| nest.choice = Some(Choice::Two { part: Part { zip_code: 1 } }));
    assert_eq!(two.await?, format!(r#"{{"count":1,"choice":{{"Two":{{"part":{{"zipCode":1}}}}}},{X}}}"#));
    Ok(())
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "spelt")]
struct Spelt {
    #[kv(id)]
    id: u64,
    price: f64,
    small: f32,
    wei: u128,
    name: String,
    letter: char,
    at: u64,
    list: Vec<f64>,
}

#[tokio::test]
async fn a_known_value_keeps_its_spelling_until_it_changes() -> Outcome {
    let value = "{\"price\":19.990000000000000000001,\t\"small\": 1e2,\"wei\":340282366920938463463374607431768211455,\
                 \"na\\u006de\":\"\\u00e9\\/\",\"letter\":\"\\u0041\",\"at\":1,\"list\":[1.0, 2,3e0 ]}";
    let kv = memory();
    let all = kv.collection::<Spelt>();
    lay(&kv, "spelt:1", value).await?;
    let before = stored(&kv, "spelt:1").await?.revision;
    // Neither a closure that does nothing nor one that undoes its own change writes.
    all.update(1, |_| ()).await?;
    all.update(1, |spelt| (spelt.price, spelt.price) = (1.0, spelt.price)).await?;
    assert_eq!(stored(&kv, "spelt:1").await?.revision, before);
    all.update(1, |spelt| spelt.at = 2).await?;
    assert_eq!(text(&kv, "spelt:1").await?, value.replace("\"at\":1", "\"at\":2"));
    all.update(1, |spelt| spelt.small = 5.0).await?;
    assert_eq!(
        text(&kv, "spelt:1").await?,
        value.replace("\"at\":1", "\"at\":2").replace("\"small\": 1e2", "\"small\": 5.0")
    );
    Ok(())
}

/// Reads more than it writes, as a type does that rounds or that has a variant for everything else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Colour {
    Red,
    #[serde(other)]
    Unknown,
}

mod minutes {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(minutes: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(*minutes * 60)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        u32::deserialize(deserializer).map(|seconds| seconds / 60)
    }
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "round")]
struct Rounding {
    #[kv(id)]
    id: u64,
    colour: Colour,
    #[serde(with = "minutes")]
    length: u32,
    count: u32,
}

#[tokio::test]
async fn what_a_type_reads_as_less_stays_until_it_changes() -> Outcome {
    let kv = memory();
    let all = kv.collection::<Rounding>();
    let value = r#"{"colour":"purple","length":90,"count":1}"#;
    lay(&kv, "round:1", value).await?;
    let before = stored(&kv, "round:1").await?.revision;
    all.update(1, |_| ()).await?;
    assert_eq!(stored(&kv, "round:1").await?.revision, before);
    all.update(1, |it| it.count = 2).await?;
    assert_eq!(text(&kv, "round:1").await?, value.replace(r#""count":1"#, r#""count":2"#));
    all.update(1, |it| (it.colour, it.length) = (Colour::Red, 2)).await?;
    assert_eq!(text(&kv, "round:1").await?, r#"{"colour":"Red","length":120,"count":2}"#);
    Ok(())
}
