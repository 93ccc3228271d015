//! Steps on a JSON object, up to a version and down to one.

use std::any::Any;

use kv_store::{BoxError, Error, Location, SharedError};

use super::function::Function;
use super::guarded::guarded;
use super::step::{Change, MakeMember, Step};
use crate::codec::{Codec, CodecError, Members};
use crate::small::SIZE_FIRST;

/// A step that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the step from version {from} to {to} failed")]
pub(crate) struct StepFailed {
    pub(crate) from: u32,
    pub(crate) to: u32,
    #[source]
    source: BoxError,
}

impl StepFailed {
    /// The error of a record.
    pub(crate) fn into_error(self, at: Box<Location>) -> Error {
        let (from, to) = (self.from, self.to);
        Error::MigrationFailed { at, from, to, source: SharedError::new(self) }
    }
}

/// Makes an object of version `from` one of the newest version that the steps lead to. `id` is the
/// entity's, for steps that see it.
pub(crate) fn bring_up(
    steps: &[Step],
    object: &mut Members<'_>,
    from: u32,
    id: &dyn Any,
) -> Result<(), StepFailed> {
    for step in steps.iter().filter(|step| step.to > from) {
        up(step, object, id).map_err(|source| StepFailed { from: step.to - 1, to: step.to, source })?;
    }
    Ok(())
}

/// Makes an object of the newest version one of version `to`.
pub(crate) fn bring_down(
    steps: &[Step],
    object: &mut Members<'_>,
    to: u32,
    id: &dyn Any,
) -> Result<(), StepFailed> {
    for step in steps.iter().rev().filter(|step| step.to > to) {
        down(step, object, id).map_err(|source| StepFailed { from: step.to, to: step.to - 1, source })?;
    }
    Ok(())
}

/// Why an object could not be read and brought up.
pub(crate) enum NotStepped {
    Read(CodecError),
    Step(StepFailed),
}

impl NotStepped {
    /// The error of a record.
    pub(crate) fn into_error(self, at: Box<Location>) -> Error {
        match self {
            Self::Read(source) => Error::Decode { at, codec: Codec::Json, source },
            Self::Step(failed) => failed.into_error(at),
        }
    }
}

/// Reads an object of version `from` as one of version `to`, which is no older and need not be the
/// newest. `read` is [`Members::read`], or [`Members::read_again`] of bytes that were decoded before.
pub(crate) fn read_stepped<'a>(
    read: fn(&'a [u8]) -> Result<Members<'a>, CodecError>,
    steps: &[Step],
    json: &'a [u8],
    (from, to): (u32, u32),
    id: &dyn Any,
) -> Result<Members<'a>, NotStepped> {
    let last = steps.partition_point(|step| step.to <= to);
    let steps = steps.get(..last).unwrap_or_default();
    let first = steps.iter().find(|step| step.to > from).map(|step| &step.change);
    let valued = match first {
        Some(change) if !SIZE_FIRST && change.is_function() => Members::read_valued(json),
        _ => None,
    };
    let mut object = match valued {
        Some(object) => object,
        None => read(json).map_err(NotStepped::Read)?,
    };
    bring_up(steps, &mut object, from, id).map_err(NotStepped::Step)?;
    Ok(object)
}

fn up(step: &Step, object: &mut Members<'_>, id: &dyn Any) -> Result<(), BoxError> {
    match step.change {
        Change::Rename { from, to } => object.rename(from, to),
        Change::Add { name, default } => add(object, name, "added", default)?,
        Change::Remove { name, .. } => object.remove(name),
        Change::Function { up, .. } => step.call(object, Function::Plain(up), id)?,
        Change::FunctionWithId { up, .. } => step.call(object, Function::WithId(up), id)?,
    }
    Ok(())
}

fn down(step: &Step, object: &mut Members<'_>, id: &dyn Any) -> Result<(), BoxError> {
    match step.change {
        Change::Rename { from, to } => object.rename(to, from),
        Change::Add { name, .. } => object.remove(name),
        Change::Remove { name, default: Some(default) } => add(object, name, "removed", default)?,
        Change::Function { down: Some(down), .. } => step.call(object, Function::Plain(down), id)?,
        Change::FunctionWithId { down: Some(down), .. } => step.call(object, Function::WithId(down), id)?,
        Change::Remove { default: None, .. }
        | Change::Function { down: None, .. }
        | Change::FunctionWithId { down: None, .. } => {
            return Err("the step has no way back".into());
        }
    }
    Ok(())
}

fn add(
    object: &mut Members<'_>,
    name: &'static str,
    attribute: &'static str,
    default: MakeMember,
) -> Result<(), BoxError> {
    if !object.contains(name) {
        let value = guarded(default).map_err(|source| BadDefault { attribute, name, source })?;
        object.insert(name, &value);
    }
    Ok(())
}

/// The value of an attribute that JSON cannot say, or a panic in it.
#[derive(Debug, thiserror::Error)]
#[error("the `default` of `{attribute}` for the member `{name}` has no value")]
struct BadDefault {
    attribute: &'static str,
    name: &'static str,
    source: BoxError,
}

#[cfg(test)]
mod tests {
    use serde_json::value::to_raw_value;

    use super::*;

    const STEPS: &[Step] = &[
        Step::new(2, Change::Rename { from: "name", to: "userName" }),
        Step::new(3, Change::Add { name: "role", default: || Ok(to_raw_value("guest")?) }),
        Step::new(3, Change::Remove { name: "age", default: Some(|| Ok(to_raw_value(&0)?)) }),
        Step::new(
            4,
            Change::Function {
                name: "shout",
                up: |object| {
                    let Some(name) = object.get("userName").and_then(|name| name.as_str()) else {
                        return Err("there is no name".into());
                    };
                    let name = name.to_uppercase();
                    object.insert("userName".to_owned(), name.into());
                    Ok(())
                },
                down: None,
            },
        ),
        Step::new(5, Change::Function { name: "never", up: |_| panic!("hunter2"), down: Some(|_| Ok(())) }),
    ];

    fn object(text: &str) -> Members<'_> {
        Members::read(text.as_bytes()).expect("is an object")
    }

    #[test]
    fn steps_are_made_from_the_records_version_on() {
        let mut old = object(r#"{"name":"ada","age":36}"#);
        bring_up(&STEPS[..4], &mut old, 1, &()).expect("can be brought up");
        assert_eq!(old.clone().into_text(), r#"{"userName":"ADA","role":"guest"}"#);
        let mut newer = object(r#"{"userName":"ada","age":36}"#);
        bring_up(&STEPS[..3], &mut newer, 2, &()).expect("can be brought up");
        assert_eq!(newer.clone().into_text(), r#"{"userName":"ada","role":"guest"}"#);
        bring_down(&STEPS[..3], &mut newer, 1, &()).expect("can be brought down");
        assert_eq!(newer.clone().into_text(), r#"{"name":"ada","age":0}"#);
    }

    #[test]
    fn where_both_names_stand_the_new_one_wins() {
        let mut both = object(r#"{"name":"old","userName":"new"}"#);
        bring_up(&STEPS[..1], &mut both, 1, &()).expect("can be brought up");
        assert_eq!(both.clone().into_text(), r#"{"userName":"new"}"#);
    }

    #[test]
    fn a_failure_names_its_step_and_a_panic_is_one() {
        let failed = bring_up(STEPS, &mut object(r#"{"age":1}"#), 1, &()).expect_err("has no name");
        assert_eq!((failed.from, failed.to), (3, 4));
        let failed = bring_up(STEPS, &mut object(r#"{"userName":"ada"}"#), 4, &()).expect_err("panics");
        assert_eq!((failed.from, failed.to, failed.source.to_string().as_str()), (4, 5, "it panicked"));
        let failed = bring_down(STEPS, &mut object(r#"{}"#), 3, &()).expect_err("has no way back");
        assert_eq!((failed.from, failed.to), (4, 3));
    }
}
