//! Compares an application's schema with what was released: every difference, what it means, and
//! how to resolve it.

mod entity;
mod indexes;
mod mend;
mod pair;
mod shapes;

pub(super) use entity::compare;
pub(super) use pair::pairs;
