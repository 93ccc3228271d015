//! Lists: all entities of a collection, or those within the first ids, page by page or as a stream.

// what is asked for
mod builder;

// pages
mod page;

// streams
mod paged;
mod stream;

mod awaited;
mod keys;
pub(crate) mod raw;
pub(crate) mod secret;

pub use builder::{List, ListIds};
pub(crate) use keys::{ListedKey, id_in};
pub use page::{IdPage, Page};
pub(crate) use raw::Pace;
pub use stream::{IdStream, ListStream};
