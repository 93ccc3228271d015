//! Steps on a JSON object, up to a version and down to one.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::step::{Change, Object, Step};
use crate::error::BoxError;

/// A step that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the step from version {from} to {to} failed")]
pub(crate) struct StepFailed {
    pub(crate) from: u32,
    pub(crate) to: u32,
    #[source]
    source: BoxError,
}

/// Makes an object of version `from` one of the newest version that the steps lead to.
pub(crate) fn bring_up(steps: &[Step], object: &mut Object, from: u32) -> Result<(), StepFailed> {
    for step in steps.iter().filter(|step| step.to() > from) {
        up(step, object).map_err(|source| StepFailed { from: step.to() - 1, to: step.to(), source })?;
    }
    Ok(())
}

/// Makes an object of the newest version one of version `to`.
pub(crate) fn bring_down(steps: &[Step], object: &mut Object, to: u32) -> Result<(), StepFailed> {
    for step in steps.iter().rev().filter(|step| step.to() > to) {
        down(step, object).map_err(|source| StepFailed { from: step.to(), to: step.to() - 1, source })?;
    }
    Ok(())
}

fn up(step: &Step, object: &mut Object) -> Result<(), BoxError> {
    match *step.change() {
        Change::Rename { from, to } => rename(object, from, to),
        Change::Add { name, default } => {
            if !object.contains_key(name) {
                object.insert(name.to_owned(), guarded(default)?);
            }
        }
        Change::Remove { name, .. } => {
            object.remove(name);
        }
        Change::Function { up, .. } => guarded(|| up(object))?,
    }
    Ok(())
}

fn down(step: &Step, object: &mut Object) -> Result<(), BoxError> {
    match *step.change() {
        Change::Rename { from, to } => rename(object, to, from),
        Change::Add { name, .. } => {
            object.remove(name);
        }
        Change::Remove { name, default: Some(default) } => {
            if !object.contains_key(name) {
                object.insert(name.to_owned(), guarded(default)?);
            }
        }
        Change::Function { down: Some(down), .. } => guarded(|| down(object))?,
        Change::Remove { default: None, .. } | Change::Function { down: None, .. } => {
            return Err("the step has no way back".into());
        }
    }
    Ok(())
}

fn rename(object: &mut Object, from: &str, to: &str) {
    if let Some(value) = object.remove(from)
        && !object.contains_key(to)
    {
        object.insert(to.to_owned(), value);
    }
}

/// Runs the application's code: a panic in it is that record's error, and not the end of the process.
pub(crate) fn guarded<T>(step: impl FnOnce() -> Result<T, BoxError>) -> Result<T, BoxError> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| Err(Panicked::from(panic).into()))
}

/// What a panic said. Its words are the application's own and may quote a value, so only a fixed text is shown.
#[derive(Debug, thiserror::Error)]
#[error("it panicked")]
struct Panicked;

impl From<Box<dyn Any + Send>> for Panicked {
    fn from(_: Box<dyn Any + Send>) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STEPS: &[Step] = &[
        Step::new(2, Change::Rename { from: "name", to: "userName" }),
        Step::new(3, Change::Add { name: "role", default: || Ok("guest".into()) }),
        Step::new(3, Change::Remove { name: "age", default: Some(|| Ok(0.into())) }),
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

    fn object(value: serde_json::Value) -> Object {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn steps_are_made_from_the_records_version_on() {
        let mut old = object(json!({"name": "ada", "age": 36}));
        bring_up(&STEPS[..4], &mut old, 1).expect("can be brought up");
        assert_eq!(old, object(json!({"userName": "ADA", "role": "guest"})));
        let mut newer = object(json!({"userName": "ada", "age": 36}));
        bring_up(&STEPS[..3], &mut newer, 2).expect("can be brought up");
        assert_eq!(newer, object(json!({"userName": "ada", "role": "guest"})));
        bring_down(&STEPS[..3], &mut newer, 1).expect("can be brought down");
        assert_eq!(newer, object(json!({"name": "ada", "age": 0})));
    }

    #[test]
    fn where_both_names_stand_the_new_one_wins() {
        let mut both = object(json!({"name": "old", "userName": "new"}));
        bring_up(&STEPS[..1], &mut both, 1).expect("can be brought up");
        assert_eq!(both, object(json!({"userName": "new"})));
    }

    #[test]
    fn a_failure_names_its_step_and_a_panic_is_one() {
        let failed = bring_up(STEPS, &mut object(json!({"age": 1})), 1).expect_err("has no name");
        assert_eq!((failed.from, failed.to), (3, 4));
        let failed = bring_up(STEPS, &mut object(json!({"userName": "ada"})), 4).expect_err("panics");
        assert_eq!((failed.from, failed.to, failed.source.to_string().as_str()), (4, 5, "it panicked"));
        let failed = bring_down(STEPS, &mut object(json!({})), 3).expect_err("has no way back");
        assert_eq!((failed.from, failed.to), (4, 3));
    }
}
