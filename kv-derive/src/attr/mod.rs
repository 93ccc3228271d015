//! Attributes as they are written: one file for each place that has some.
//!
//! Nothing here fails: a mistake is recorded, its tokens are skipped, and parsing goes on with the next key.

mod adopt;
mod container;
mod duration;
mod field;
mod group;
mod id_type;
mod index;
mod key;
mod lint;
mod place;
mod serde;
mod slot;
mod text;
mod versions;

pub(crate) use adopt::{Mapped, Spelling};
pub(crate) use container::{Container, is_deprecated};
pub(crate) use field::Field;
pub(crate) use group::{Codec, Group, Ttl};
pub(crate) use id_type::{IdType, Variant, refuse_on_field};
pub(crate) use index::Index;
pub(crate) use serde::FieldDefault;
pub(crate) use slot::{Slot, Version};
pub(crate) use text::index_name_is_good;
pub(crate) use versions::{Added, FunctionStep, Removed, Renamed, Versions};
