//! An update writes its difference.

use std::collections::{BTreeMap, HashMap, HashSet};

use kv_runtime::KvEntity;
use serde::{Deserialize, Serialize};

use crate::{Outcome, lay, lay_version, memory, text};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Address {
    city: String,
    zip: u32,
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    number: u64,
    #[serde(alias = "fullName")]
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nick: Option<String>,
    #[serde(default)]
    home: Option<Address>,
    #[serde(default)]
    others: Vec<Address>,
    #[serde(default)]
    by_name: BTreeMap<String, Address>,
}

/// Updates a stored value, and gives what is stored then.
async fn updated(value: &str, change: impl FnMut(&mut User)) -> Outcome<String> {
    let kv = memory();
    lay(&kv, "user:7", value).await?;
    kv.collection::<User>().update(7, change).await?;
    text(&kv, "user:7").await
}

const RICH: &str = r#"{ "id": 7, "number": "x", "name":"Ada","wei":123456789012345678901234567890,"price":19.990000000000000000001,"far":1e400,
  "home": {"c\u0069ty":"London","zip":1,"geo":{"lat":51.50000000000000000001}}, "others":[{"city":"a","zip":1,"x":1},{"city":"b","zip":2,"x":2}],
  "by_name":{"one":{"city":"c","zip":3,"x":3},"two":{"city":"d","zip":4,"x":4}}, "esc\u0061ped":"\u00e9\ud83d\ude00\/" }"#;

#[tokio::test]
async fn unnamed_members_stay_byte_for_byte_at_every_level() -> Outcome {
    assert_eq!(updated(RICH, |_| ()).await?, RICH);
    let changed = updated(RICH, |user| {
        "Bob".clone_into(&mut user.name);
        user.home.as_mut().expect("is there").zip = 2;
        user.by_name.get_mut("one").expect("is there").zip = 30;
        user.others[1].zip = 20;
    });
    let expected = RICH
        .replace(r#""name":"Ada""#, r#""name":"Bob""#)
        .replace(r#""zip":1,"geo""#, r#""zip":2,"geo""#)
        .replace(r#""zip":3"#, r#""zip":30"#)
        .replace(r#"{"city":"b","zip":2,"x":2}"#, r#"{"city":"b","zip":20}"#);
    assert_eq!(changed.await?, expected);
    Ok(())
}

#[tokio::test]
async fn put_replaces() -> Outcome {
    let kv = memory();
    lay(&kv, "user:7", r#"{"name":"Ada","x":1}"#).await?;
    let users = kv.collection::<User>();
    let ada = users.get(7).await?.ok_or("is there")?;
    users.put(&ada).await?;
    assert_eq!(text(&kv, "user:7").await?, r#"{"name":"Ada","home":null,"others":[],"by_name":{}}"#);
    Ok(())
}

#[tokio::test]
async fn every_way_to_change_keeps_them() -> Outcome {
    let kv = memory();
    let users = kv.collection::<User>();
    let bob = |user: &mut User| "Bob".clone_into(&mut user.name);
    let try_bob = |user: &mut User| {
        bob(user);
        Ok::<(), kv_runtime::Error>(())
    };
    let none = || -> User { unreachable!("it is there") };
    for call in 0..6 {
        lay(&kv, "user:7", r#"{"name":"Ada","x":[1.10]}"#).await?;
        match call {
            0 => users.update(7, bob).await?,
            1 => users.try_update(7, try_bob).await?,
            2 => users.upsert(7, none, bob).await?,
            3 => users.update_last_write_wins(7, bob).await?,
            4 => users.try_update_last_write_wins(7, try_bob).await?,
            _ => users.upsert_last_write_wins(7, none, bob).await?,
        };
        assert_eq!(text(&kv, "user:7").await?, r#"{"name":"Bob","x":[1.10]}"#, "call {call}");
    }
    Ok(())
}

#[tokio::test]
async fn a_member_that_is_left_out_costs_no_other() -> Outcome {
    let ada = r#"{"name":"Ada","x":1,"nick":"a"}"#;
    let unnamed = updated(ada, |user| (user.name, user.nick) = ("Bob".to_owned(), None));
    assert_eq!(unnamed.await?, r#"{"name":"Bob","x":1}"#);
    let named = updated(r#"{"name":"Ada","x":1}"#, |user| {
        (user.name, user.nick) = ("Bob".to_owned(), Some("b".to_owned()));
    });
    assert_eq!(named.await?, r#"{"name":"Bob","x":1,"nick":"b"}"#);
    Ok(())
}

#[tokio::test]
async fn a_member_under_an_alias_gives_way_alone() -> Outcome {
    let stored = r#"{"fullName":"Ada","born":1815,"nick":"a"}"#;
    // As long as the field is not changed, it stays under its alias.
    let other = updated(stored, |user| user.nick = Some("b".to_owned())).await?;
    assert_eq!(other, r#"{"fullName":"Ada","born":1815,"nick":"b"}"#);
    let renamed = updated(stored, |user| "Bob".clone_into(&mut user.name)).await?;
    assert_eq!(renamed, r#"{"born":1815,"nick":"a","name":"Bob"}"#);
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t")]
enum Shape {
    C { r: u8 },
    D { r: u8 },
    R { w: u8 },
    P(Address),
    U,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "k", content = "v")]
enum Adjacent {
    A { x: u8 },
    B { x: u8 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Plain {
    A { x: u8 },
    B(u8),
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "drawing")]
struct Drawing {
    #[kv(id)]
    id: u64,
    s: Shape,
    #[serde(default = "adjacent")]
    a: Adjacent,
    #[serde(default = "plain")]
    p: Plain,
}

fn adjacent() -> Adjacent {
    Adjacent::A { x: 0 }
}

fn plain() -> Plain {
    Plain::B(0)
}

async fn redrawn(value: &str, change: impl FnMut(&mut Drawing)) -> Outcome<String> {
    let kv = memory();
    lay(&kv, "drawing:7", value).await?;
    let drawing = kv.collection::<Drawing>().update(7, change).await?;
    let again = kv.collection::<Drawing>().get(7).await?.ok_or("is there")?;
    assert_eq!((drawing.s, drawing.a, drawing.p), (again.s, again.a, again.p));
    text(&kv, "drawing:7").await
}

#[tokio::test]
async fn a_tagged_enum_that_changes_its_variant_is_replaced_whole() -> Outcome {
    let circle = r#"{"s":{"t":"C","r":1,"unit":"cm"},"x":1}"#;
    for (shape, expected) in [
        (Shape::R { w: 2 }, r#"{"s":{"t":"R","w":2},"x":1}"#),
        (Shape::D { r: 1 }, r#"{"s":{"t":"D","r":1},"x":1}"#),
        (Shape::U, r#"{"s":{"t":"U"},"x":1}"#),
        (Shape::C { r: 9 }, r#"{"s":{"t":"C","r":9,"unit":"cm"},"x":1}"#),
    ] {
        assert_eq!(redrawn(circle, |drawing| drawing.s = shape.clone()).await?, expected);
    }
    let place = r#"{"s":{"t":"P","city":"a","zip":1,"unit":"cm"}}"#;
    let moved = Shape::P(Address { city: "b".to_owned(), zip: 1 });
    assert_eq!(
        redrawn(place, |drawing| drawing.s = moved.clone()).await?,
        r#"{"s":{"t":"P","city":"b","zip":1,"unit":"cm"}}"#
    );
    let adjacent = r#"{"s":{"t":"U"},"a":{"k":"A","v":{"x":1,"y":2},"z":3}}"#;
    assert_eq!(
        redrawn(adjacent, |drawing| drawing.a = Adjacent::B { x: 1 }).await?,
        r#"{"s":{"t":"U"},"a":{"k":"B","v":{"x":1}}}"#
    );
    assert_eq!(
        redrawn(adjacent, |drawing| drawing.a = Adjacent::A { x: 2 }).await?,
        r#"{"s":{"t":"U"},"a":{"k":"A","v":{"x":2,"y":2},"z":3}}"#
    );
    let plain = r#"{"s":{"t":"U"},"p":{"A":{"x":1,"y":2}}}"#;
    assert_eq!(redrawn(plain, |drawing| drawing.p = Plain::B(1)).await?, r#"{"s":{"t":"U"},"p":{"B":1}}"#);
    assert_eq!(
        redrawn(plain, |drawing| drawing.p = Plain::A { x: 3 }).await?,
        r#"{"s":{"t":"U"},"p":{"A":{"x":3,"y":2}}}"#
    );
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Part {
    weight: f64,
    #[serde(flatten)]
    shape: Shape,
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "piece")]
struct Piece {
    #[kv(id)]
    id: u64,
    #[serde(flatten)]
    shape: Option<Shape>,
    weight: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part: Option<Part>,
}

async fn reshaped(value: &str, change: impl FnMut(&mut Piece)) -> Outcome<String> {
    let kv = memory();
    lay(&kv, "piece:7", value).await?;
    let piece = kv.collection::<Piece>().update(7, change).await?;
    let again = kv.collection::<Piece>().get(7).await?.ok_or("is there")?;
    assert_eq!((piece.shape, piece.weight, piece.part), (again.shape, again.weight, again.part));
    text(&kv, "piece:7").await
}

#[tokio::test]
async fn a_flattened_enum_that_changes_its_variant_costs_the_struct_nothing() -> Outcome {
    let rest = r#""owner":"x", "weight":19.990000000000000000001"#;
    let circle = format!(r#"{{"t":"C", "r":1, {rest}}}"#);
    for (shape, expected) in [
        (Some(Shape::R { w: 2 }), format!(r#"{{"t":"R", {rest},"w":2}}"#)),
        (Some(Shape::U), format!(r#"{{"t":"U", {rest}}}"#)),
        (None, format!(r#"{{ {rest}}}"#)),
    ] {
        assert_eq!(reshaped(&circle, |piece| piece.shape = shape.clone()).await?, expected);
    }
    let none = format!("{{{rest}}}");
    let expected = format!(r#"{{{rest},"t":"C","r":1}}"#);
    assert_eq!(reshaped(&none, |piece| piece.shape = Some(Shape::C { r: 1 })).await?, expected);
    // Within another struct, too.
    let part = format!(r#"{{"weight":1.0,"part":{{{rest},"t":"C","r":1}}}}"#);
    let expected = format!(r#"{{"weight":1.0,"part":{{{rest},"t":"R","w":2}}}}"#);
    let change = |piece: &mut Piece| piece.part.iter_mut().for_each(|part| part.shape = Shape::R { w: 2 });
    assert_eq!(reshaped(&part, change).await?, expected);
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Guess {
    Long { a: u8, b: u8 },
    Short { a: u8 },
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "guess")]
struct Guesses {
    #[kv(id)]
    id: u64,
    guess: Guess,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[tokio::test]
async fn what_would_be_read_otherwise_does_not_stay() -> Outcome {
    let kv = memory();
    let guesses = kv.collection::<Guesses>();
    // `b` is of another type than `Long` takes, and so unknown; beside a number it would be known.
    lay(
        &kv,
        "guess:7",
        r#"{"guess":{"a":1,"b":2,"c":3},"wei":123456789012345678901234567890,"n":{"w":1e30,"x":1}}"#,
    )
    .await?;
    guesses
        .update(7, |it| {
            it.guess = Guess::Short { a: 5 };
            it.rest.get_mut("n").expect("is there")["x"] = 2.into();
        })
        .await?;
    assert_eq!(
        text(&kv, "guess:7").await?,
        r#"{"guess":{"a":5,"c":3},"wei":123456789012345678901234567890,"n":{"w":1e30,"x":2}}"#
    );
    guesses.update(7, |it| drop(it.rest.remove("wei"))).await?;
    assert_eq!(text(&kv, "guess:7").await?, r#"{"guess":{"a":5,"c":3},"n":{"w":1e30,"x":2}}"#);
    Ok(())
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "tags")]
struct Tags {
    #[kv(id)]
    id: u64,
    count: u32,
    tags: HashMap<String, u32>,
    words: HashSet<String>,
}

#[tokio::test]
async fn the_order_of_a_hash_map_is_no_change() -> Outcome {
    let kv = memory();
    let tags = kv.collection::<Tags>();
    let stored =
        r#"{"count":1,"tags":{"a":1,"b":2,"c":3,"d":4,"e":5},"words":["v","w","x","y","z"],"rest":1}"#;
    lay(&kv, "tags:1", stored).await?;
    for _ in 0..8 {
        let before = crate::stored(&kv, "tags:1").await?.revision;
        tags.update(1, |_| ()).await?;
        assert_eq!(crate::stored(&kv, "tags:1").await?.revision, before);
    }
    tags.update(1, |tags| tags.count = 2).await?;
    assert_eq!(text(&kv, "tags:1").await?, stored.replace(r#""count":1"#, r#""count":2"#));
    tags.update(1, |tags| tags.words.retain(|word| word != "x")).await?;
    let left = tags.get(1).await?.ok_or("is there")?;
    assert_eq!(left.words, ["v", "w", "y", "z"].map(str::to_owned).into());
    assert!(text(&kv, "tags:1").await?.contains(r#""tags":{"a":1,"b":2,"c":3,"d":4,"e":5}"#));
    Ok(())
}

#[tokio::test]
async fn a_newer_record_keeps_what_old_code_does_not_name() -> Outcome {
    let kv = memory();
    let mut metadata = kv_runtime::record::Metadata::new(2, kv_runtime::Codec::Json);
    metadata.min_reader = Some(1);
    metadata.set_foreign("theirs", 7.into())?;
    let value =
        r#"{"name":"Ada","wei":123456789012345678901234567890,"home":{"city":"a","zip":1,"geo":1e400}}"#;
    let record = kv_runtime::record::NewRecord::new(value, metadata.clone());
    kv_runtime::store::StoreExt::put(kv.store(), kv_runtime::key::Key::from_text("user:7"), record).await?;
    let users = kv.collection::<User>();
    users.update(7, |user| user.home.as_mut().expect("is there").zip = 2).await?;
    assert_eq!(text(&kv, "user:7").await?, value.replace(r#""zip":1"#, r#""zip":2"#));
    assert_eq!(crate::stored(&kv, "user:7").await?.metadata, metadata);
    Ok(())
}

#[tokio::test]
async fn a_repeated_member_is_refused_on_every_way() -> Outcome {
    let kv = memory();
    let users = kv.collection::<User>();
    for version in [0, 1] {
        lay_version(&kv, "user:7", version.max(1), r#"{"name":"a","name":"b"}"#).await?;
        assert!(users.get(7).await.is_err());
        assert!(users.update(7, |_| ()).await.is_err());
    }
    Ok(())
}

#[tokio::test]
async fn a_repeated_member_that_no_struct_names_is_kept() -> Outcome {
    let kv = memory();
    let users = kv.collection::<User>();
    let value = r#"{"x":1,"name":"Ada","x":2,"home":{"y":1,"city":"a","zip":1,"y":2}}"#;
    lay_version(&kv, "user:7", 1, value).await?;
    users.update(7, |user| user.home.as_mut().expect("is there").zip = 2).await?;
    assert_eq!(text(&kv, "user:7").await?, value.replace(r#""zip":1"#, r#""zip":2"#));
    Ok(())
}
