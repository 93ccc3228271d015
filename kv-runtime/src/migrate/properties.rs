//! Properties of random chains of steps.

use kv_store::BoxError;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::apply::{bring_down, bring_up};
use super::function::Object;
use super::reshape::read_reshaped;
use super::step::{Change, Step};
use crate::codec::Members;

/// Few names, so that steps meet each other's members.
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&NAMES[..])
}

fn seven() -> Result<Box<RawValue>, BoxError> {
    Ok(to_raw_value(&7)?)
}

/// The object as it is stored.
fn text(object: &Object) -> String {
    serde_json::to_string(object).expect("it is JSON")
}

fn members(text: &str) -> Members<'_> {
    Members::read(text.as_bytes()).expect("it is an object")
}

/// The object again: steps may change the order of its members.
fn value(members: &Members<'_>) -> Value {
    serde_json::from_str(&members.clone().into_text()).expect("it is JSON")
}

/// Moves a member into an object, as restructuring steps do.
fn wrap(object: &mut Object) -> Result<(), BoxError> {
    let inner = std::mem::take(object);
    object.insert("inner".to_owned(), inner.into());
    Ok(())
}

fn unwrap(object: &mut Object) -> Result<(), BoxError> {
    match object.remove("inner") {
        Some(Value::Object(inner)) => *object = inner,
        _ => return Err("there is nothing inside".into()),
    }
    Ok(())
}

/// Counts how often it was made: a step that is not idempotent.
fn count(object: &mut Object) -> Result<(), BoxError> {
    let count = object.get("count").and_then(Value::as_u64).unwrap_or(0);
    object.insert("count".to_owned(), (count + 1).into());
    Ok(())
}

fn uncount(object: &mut Object) -> Result<(), BoxError> {
    match object.get("count").and_then(Value::as_u64) {
        None | Some(0) => return Err("was never counted".into()),
        Some(1) => drop(object.remove("count")),
        Some(count) => drop(object.insert("count".to_owned(), (count - 1).into())),
    }
    Ok(())
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (name(), name()).prop_map(|(from, to)| Change::Rename { from, to }),
        name().prop_map(|name| Change::Add { name, default: seven }),
        name().prop_map(|name| Change::Remove { name, default: Some(seven) }),
        Just(Change::Function { name: "wrap", up: wrap, down: Some(unwrap) }),
        Just(Change::Function { name: "count", up: count, down: Some(uncount) }),
    ]
}

/// One to three changes for each of the versions from 2 on.
fn chain() -> impl Strategy<Value = Vec<Step>> {
    vec(vec(change(), 1..=3), 1..=6).prop_map(|versions| {
        let numbered = versions.into_iter().zip(2..);
        numbered
            .flat_map(|(changes, to)| changes.into_iter().map(move |change| Step::new(to, change)))
            .collect()
    })
}

fn object() -> impl Strategy<Value = Object> {
    let value = prop_oneof![
        any::<i32>().prop_map(Value::from),
        "[a-z]{0,4}".prop_map(Value::from),
        Just(Value::Null)
    ];
    btree_map(name().prop_map(str::to_owned), value, 0..=4).prop_map(|members| members.into_iter().collect())
}

fn newest(steps: &[Step]) -> u32 {
    steps.last().map_or(1, Step::to)
}

fn up_to(steps: &[Step], version: u32) -> Vec<Step> {
    steps.iter().copied().filter(|step| step.to <= version).collect()
}

proptest! {
    #[test]
    fn one_read_is_as_good_as_one_version_at_a_time(steps in chain(), object in object()) {
        let text = text(&object);
        let mut at_once = members(&text);
        bring_up(&steps, &mut at_once, 1, &()).expect("these steps fail on nothing");
        let mut one_by_one = members(&text);
        for version in 1..newest(&steps) {
            bring_up(&up_to(&steps, version + 1), &mut one_by_one, version, &()).expect("these steps fail on nothing");
        }
        prop_assert_eq!(value(&at_once), value(&one_by_one));
    }

    #[test]
    fn what_is_told_on_the_way_is_what_the_steps_make(steps in chain(), object in object(), from in 1..4_u32) {
        let is_attribute = |step: &Step| !matches!(&step.change, Change::Function { .. });
        let steps: Vec<Step> = steps.into_iter().filter(is_attribute).collect();
        let json = text(&object);
        let mut stepped = members(&json);
        bring_up(&steps, &mut stepped, from, &()).expect("these steps fail on nothing");
        if let Some(reshaped) = read_reshaped::<Object>(json.as_bytes(), &steps, from) {
            prop_assert_eq!(Value::Object(reshaped), value(&stepped));
        }
    }

    #[test]
    fn one_way_back_is_as_good_as_one_version_at_a_time(steps in chain(), object in object()) {
        let text = text(&object);
        let mut at_once = members(&text);
        bring_up(&steps, &mut at_once, 1, &()).expect("these steps fail on nothing");
        let mut one_by_one = at_once.clone();
        // A rename onto a name that is taken may leave a later step nothing to undo: then both fail.
        let whole = bring_down(&steps, &mut at_once, 1, &()).is_ok();
        let parts = (1..newest(&steps)).rev().all(|version| {
            bring_down(&up_to(&steps, version + 1), &mut one_by_one, version, &()).is_ok()
        });
        prop_assert_eq!(whole, parts);
        if whole {
            prop_assert_eq!(value(&at_once), value(&one_by_one));
        }
    }

    #[test]
    fn there_and_back_is_where_it_was(steps in vec(Just(Change::Function { name: "wrap", up: wrap, down: Some(unwrap) }).boxed()
        .prop_union(Just(Change::Function { name: "count", up: count, down: Some(uncount) }).boxed()), 1..6), object in object()) {
        let steps: Vec<Step> = steps.into_iter().zip(2..).map(|(change, to)| Step::new(to, change)).collect();
        let text = text(&object);
        let mut changed = members(&text);
        bring_up(&steps, &mut changed, 1, &()).expect("these steps fail on nothing");
        bring_down(&steps, &mut changed, 1, &()).expect("what was done can be undone");
        prop_assert_eq!(value(&changed), Value::Object(object));
    }
}
