//! An HTTP client that keeps cookies.

use reqwest::Client;

/// Returns a client for plain HTTP.
pub fn client() -> reqwest::Result<Client> {
    #[cfg(feature = "tls-provider")]
    choose_tls_provider();
    Client::builder().cookie_store(true).build()
}

/// Chooses the cryptography of TLS, unless another thread or the program has chosen already.
#[cfg(feature = "tls-provider")]
fn choose_tls_provider() {
    use rustls::crypto::{CryptoProvider, ring};

    if CryptoProvider::get_default().is_none() {
        // An error says that another thread was faster, so there is a provider.
        drop(ring::default_provider().install_default());
    }
}
