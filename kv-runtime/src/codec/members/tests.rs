//! What steps leave of the texts, and what types see of them.

use std::collections::BTreeMap;

use super::*;

const WIDE: &str = r#"{"wei":123456789012345678901234567890,"price":19.990000000000000000001,"far":[1e400,"1e400"],"n":{"a":1,"w":1e999}}"#;

fn members(text: &str) -> Members<'_> {
    Members::read(text.as_bytes()).expect("is an object")
}

#[test]
fn what_a_step_leaves_alone_keeps_its_text() {
    let mut all = members(WIDE);
    all.change(|_| Ok(())).expect("changes nothing");
    assert_eq!(all.clone().into_text(), WIDE);
    all.change(|object| {
        let wei = object.remove("wei").ok_or("it is gone")?;
        object.insert("amount".to_owned(), wei);
        object["n"]["a"] = 2.into();
        Ok(())
    })
    .expect("can be changed");
    assert_eq!(
        all.clone().into_text(),
        r#"{"price":19.990000000000000000001,"far":[1e400,"1e400"],"n":{"a":2,"w":1e999},"amount":123456789012345678901234567890}"#
    );
}

#[test]
fn a_name_keeps_its_escapes() {
    let mut all = members(r#"{"n\u0061me":"\u0041", "a\"b":1,"c":2}"#);
    all.change(|object| {
        object["c"] = 3.into();
        Ok(())
    })
    .expect("can be changed");
    all.rename("c", "d");
    assert_eq!(all.clone().into_text(), r#"{"n\u0061me":"\u0041","a\"b":1,"d":3}"#);
    all.rename("name", "title");
    assert_eq!(all.clone().into_text(), r#"{"title":"\u0041","a\"b":1,"d":3}"#);
}

#[test]
fn steps_by_name_touch_no_other_member() {
    let mut all = members(r#"{"a":1.0,"b":2}"#);
    all.rename("a", "c");
    all.rename("b", "c");
    all.insert("d", &serde_json::value::to_raw_value(&u128::MAX).expect("is JSON"));
    assert_eq!(all.clone().into_text(), r#"{"c":1.0,"d":340282366920938463463374607431768211455}"#);
    all.remove("d");
    assert!(!all.contains("d"));
}

#[test]
fn a_repeated_member_is_refused_where_it_is_read() {
    let mut twice = members(r#"{"a":1,"a":2}"#);
    assert_eq!(twice.clone().into_text(), r#"{"a":1,"a":2}"#);
    assert!(twice.change(|_| Ok(())).is_err());
}

#[test]
fn tags_move_with_their_members() {
    let source = TaggedText { text: r#"{"a":{"t":"C"},"b":{"t":"D"}}"#.to_owned(), tags: vec![6, 20] };
    let mut all = members(&source.text);
    all.remove("a");
    let moved = all.clone().into_tagged(&source);
    assert_eq!((moved.text.as_str(), moved.tags), (r#"{"b":{"t":"D"}}"#, vec![6]));
}

#[test]
fn both_ways_to_read_are_alike() {
    for text in [
        WIDE.replace("1e400", "1e40").replace("1e999", "1").as_str(),
        " { \"a\" : 1 ,\n\"b\":[ 1, {} ] } ",
        r#"{"a":"\"b\":","c":{}}"#,
        "{}",
    ] {
        let (one_pass, two) = (Members::read_valued(text.as_bytes()), members(text));
        assert_eq!(one_pass.expect("has no escape in a name").into_text(), two.clone().into_text());
    }
    for text in [r#"{"\u0061":1}"#, r#"{"a":1e400}"#, "[]", "{", r#"{"a":1} x"#] {
        assert!(Members::read_valued(text.as_bytes()).is_none(), "{text}");
    }
}

#[derive(Debug, serde::Deserialize)]
struct Exact {
    wei: u128,
    price: Box<str>,
    as_written: Box<RawValue>,
    n: Vec<(String, f32)>,
}

#[test]
fn a_type_sees_what_the_text_says() {
    let text = r#"{"wei":340282366920938463463374607431768211455,"price":"\u00e9","as_written":{"b": 1.50,"a":"\u0041"},"n":[["x",16777217]]}"#;
    let mut stepped = Members::read_valued(text.as_bytes()).expect("is an object");
    stepped.change(|_| Ok(())).expect("changes nothing");
    let found: Exact = stepped.decode().expect("is one");
    assert_eq!(found.as_written.get(), r#"{"b": 1.50,"a":"\u0041"}"#);
    assert_eq!((found.wei, &*found.price, found.n[0].1), (u128::MAX, "é", 16_777_216.0));
}

#[test]
fn a_type_sees_of_changed_values_what_their_text_says() {
    const TEXT: &str = r#"{"n":7,"m":-7,"z":-0,"f":1.50,"wide":123456789012345678901234567890,"s":"\u00e9","p":"plain","t":true,"a":[1, 2.50],"o":{"b":1,"a":"\u0041"},"nil":null}"#;
    let changes: [fn(&mut Map<String, Value>); 8] = [
        |_| {},
        |object| object["p"] = "other".into(),
        |object| object["s"] = "\"\\".into(),
        |object| object["a"][0] = 3.into(),
        |object| object["wide"] = 5.into(),
        |object| object["n"] = 0.5.into(),
        |object| {
            let moved = object.remove("wide").expect("is there");
            object.insert("moved".to_owned(), moved);
        },
        |object| {
            for (name, new) in [("a", "list"), ("p", "q"), ("nil", "null"), ("s", "r")] {
                let moved = object.remove(name).expect("is there");
                object.insert(new.to_owned(), moved);
            }
        },
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let mut stepped = Members::read_valued(TEXT.as_bytes()).expect("is an object");
        let changed = stepped.change(|object| {
            change(object);
            Ok(())
        });
        changed.expect("does not fail");
        let text = stepped.clone().into_text();
        let told: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&text).expect("is JSON");
        let seen: BTreeMap<String, Box<RawValue>> = stepped.decode().expect("is an object");
        let texts = |all: BTreeMap<String, Box<RawValue>>| -> Vec<(String, String)> {
            all.into_iter().map(|(name, text)| (name, text.get().to_owned())).collect()
        };
        assert_eq!(texts(seen), texts(told), "change {place}");
    }
}
