//! A store that is chosen while the program runs.
//!
//! `choice` (the store itself), `connect` and `connector` (by URL), `url` (what a URL means),
//! `foreign` (a store of another crate).

mod choice;
mod connect;
mod connector;
mod foreign;
mod url;

pub use choice::AnyStore;
#[doc(hidden)]
pub use connector::Schemes;
pub use connector::{Connector, NoSchemes, WithScheme};
pub use foreign::ForeignStore;
