//! A store that is chosen while the program runs.
//!
//! `choice` (the store itself), `open` (by URL), `connector` (also by URLs of other crates), `url`
//! (what a URL means), `foreign` (a store of another crate).

mod choice;
mod connector;
mod foreign;
mod open;
mod url;

pub use choice::AnyStore;
#[doc(hidden)]
pub use connector::Schemes;
pub use connector::{Connector, NoSchemes, WithScheme};
pub use foreign::ForeignStore;
