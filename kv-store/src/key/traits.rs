//! What every id type has beside its keys, as one trait, so that the compiler says what is missing in
//! one error.

use std::fmt;
use std::hash::Hash;

use crate::maybe_send::{MaybeSend, MaybeSync};

/// The traits that every id type has. It is implemented for each type that has them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` lacks a trait that every id type has",
    label = "an id type needs `Clone`, `Eq`, `Hash` and `Debug`",
    note = "add those that are missing: `#[derive(Clone, PartialEq, Eq, Hash, Debug)]`"
)]
pub trait IdTraits: Clone + Eq + Hash + fmt::Debug + MaybeSend + MaybeSync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Eq + Hash + fmt::Debug + MaybeSend + MaybeSync + 'static> IdTraits for T {}

/// Has no traits.
enum Never {}

// This impl never applies. If there were one impl, the compiler would look into it, and report each
// missing trait by itself. Between two it does not choose, and reports `IdTraits`. (`for<'a>` keeps
// it from reporting that the bound never holds.)
#[diagnostic::do_not_recommend]
impl<T: IdTraits> IdTraits for T where for<'a> Never: Clone {}
