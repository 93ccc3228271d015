//! What the attributes mean: the form that rules are checked on and code is generated from.

mod constant;
mod entity;
mod generics;
mod id;
mod index;
mod receiver;
mod steps;
mod view;

pub(crate) use entity::{Entity, Field, Group};
pub(crate) use generics::mentions;
pub(crate) use id::{Id, IdShape, Newtype, Variant};
pub(crate) use index::{ALWAYS, Found, Index, Part, unproven_defaults};
pub(crate) use steps::{Step, StepKind};
