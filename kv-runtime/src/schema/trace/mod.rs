//! The shape of a type, found out by deserializing it from nothing.
//!
//! `Deserialize` tells what it wants by the method that it calls. So a type is deserialized again
//! and again from invented values, each time towards a part that is not known yet (`context`,
//! `walker`, `access`), and what it asks for is noted in a tree (`node`). Whether a run succeeds does not
//! matter: errors say something, too (`error`): which field is missing, which variants there are.
//!
//! A struct's fields are asked for by name, one at a time, so a field that refuses every invented
//! value hides none of the others. What tells nothing (a custom `Deserialize`, `flatten`,
//! `untagged`) becomes opaque: it is known by its type's name alone.

mod access;
mod context;
mod error;
mod node;
mod walker;

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::DeserializeOwned;

use super::shape::Shape;
use context::Context;
use node::Node;

/// So many runs are made at most. A struct takes a handful of each of its fields.
const ROUNDS: usize = 100_000;

/// What `T` reads. `is_text` is whether the codec is one for people, as JSON is.
pub(super) fn trace<T: DeserializeOwned>(is_text: bool) -> Shape {
    let mut root = Node::unseen();
    for _ in 0..ROUNDS {
        if root.is_finished() {
            break;
        }
        let mut context = Context::new(is_text);
        // The application's code meets values here that it never expected. A panic is a refusal.
        let run = AssertUnwindSafe(|| context.visit(&mut root, |walker| T::deserialize(walker)).is_ok());
        if catch_unwind(run).is_err() {
            root.give_up();
        }
    }
    root.give_up();
    root.shape()
}

#[cfg(test)]
mod tests;
