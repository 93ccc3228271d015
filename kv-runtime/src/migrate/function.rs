//! Steps that are functions of an object's values.
//!
//! A [`Step`](super::Step) of a function holds a pointer to [`call`], and nothing else names it. So
//! a Worker whose entities have no such steps is linked without the code that turns an object into
//! values and back.

use std::any::Any;

use kv_store::BoxError;
use serde_json::{Map, Value};

use super::guarded::guarded;
use crate::codec::Members;

/// A JSON object, as a step function changes it.
///
/// The record keeps the original text of what a step leaves as it is, at every level of objects,
/// and of a member that it moves to another name. So numbers that [`Value`] rounds, beyond `u64`
/// and `f64`, survive a step that does not change them.
pub type Object = Map<String, Value>;

/// A function of the application's that changes the JSON object of a value.
pub type StepFn = fn(&mut Object) -> Result<(), BoxError>;

/// A function of the application's that also sees the id of the entity. What it gets is the entity's
/// [`Id`](crate::KvEntity::Id); `step(1 => path, with_id)` passes it on in the form that calls take.
pub type StepWithIdFn = fn(&mut Object, &dyn Any) -> Result<(), BoxError>;

/// One of the two.
#[derive(Clone, Copy)]
pub(crate) enum Function {
    Plain(StepFn),
    WithId(StepWithIdFn),
}

/// What [`call`] is.
pub(crate) type Call = fn(&mut Members<'_>, Function, &dyn Any) -> Result<(), BoxError>;

/// Applies a function to an object. A panic is an error.
pub(crate) fn call(object: &mut Members<'_>, function: Function, id: &dyn Any) -> Result<(), BoxError> {
    object.change(|object| {
        guarded(|| match function {
            Function::Plain(step) => step(object),
            Function::WithId(step) => step(object, id),
        })
    })
}
