//! The one error type, and where an error happened.
//!
//! `variants` (what can go wrong), `location` and `relocate` (where), `display` (texts), `cause` and
//! `chain` (why), `change` (errors of an application's changes).

mod cause;
mod chain;
mod change;
mod display;
mod location;
mod methods;
mod relocate;
mod variants;

pub use cause::{BoxError, SharedError};
#[doc(hidden)]
pub use chain::causes;
pub use change::ChangeError;
pub use location::Location;
pub use variants::{Error, Result};
