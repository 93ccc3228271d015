//! What the attributes mean: the form that rules are checked on and code is generated from.

mod entity;
mod id;
mod receiver;
mod steps;

pub(crate) use entity::{Entity, Field, Group, runtime};
pub(crate) use id::{Id, IdShape, Newtype, Variant};
pub(crate) use steps::{Step, StepKind};
