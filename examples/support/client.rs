//! An HTTP client that keeps cookies.

use reqwest::Client;
use rustls::crypto::{CryptoProvider, ring};

/// A client for plain HTTP. `CloudflareStore`, which this workspace builds too, links reqwest with TLS and leaves its cryptography to be
/// chosen; a program without that feature has no such choice to make.
pub fn client() -> reqwest::Result<Client> {
    if CryptoProvider::get_default().is_none() {
        // Another thread was faster: then there is one.
        drop(ring::default_provider().install_default());
    }
    Client::builder().cookie_store(true).build()
}
