//! What the engines that speak TLS have in common.

/// rustls asks the process for its cryptography, and panics where two are linked and none was
/// chosen. An application that has chosen keeps its own.
pub fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else was faster: then there is one.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
}
