//! The store over the REST API.
//!
//! `store` (the store itself), `options` (how it is set up), `client` (one request, its attempts), `reply` (answers on the wire), `failure` (errors), `read`, `write` and
//! `list` (what the store's methods do).

mod client;
mod failure;
#[cfg(fuzzing)]
mod fuzzing;
mod list;
mod options;
mod read;
mod reply;
mod shared;
mod store;
mod write;

#[cfg(fuzzing)]
pub use fuzzing::cloudflare_answer;
pub use options::CloudflareOptions;
pub use store::CloudflareStore;

/// The store's name.
const NAME: &str = "cloudflare-kv";
