//! From the model to code: a constant table and thin impls. Paths are absolute, or begin with the
//! alias of the runtime.

mod adopt;
mod alias;
mod bounds;
mod entity;
mod fallback;
mod hidden;
mod id;
mod index;
mod payload;
mod schema;
mod shape;
mod spanned;
mod versions;
mod view;

pub(crate) use entity::entity;
pub(crate) use fallback::{entity_fallback, id_fallback};
pub(crate) use id::id;
pub(crate) use schema::schema_checks;
