//! What several examples have in common: options, an HTTP client and server, and how tests run
//! them.

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod server;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod usage;
