//! TLS: whom a connection trusts, what it shows of itself, and what it means when there is none.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

#[cfg(feature = "redis-cluster")]
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::{Client, ClientTlsConfig, ConnectionInfo, ErrorKind, RedisError, TlsCertificates};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{AlertDescription, CertificateError, Error as TlsError};

/// What was given of certificates, as it was given. Its `Debug` shows none of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Certificates(Option<TlsCertificates>);

impl Certificates {
    pub(super) fn trust(&mut self, roots: Vec<u8>) {
        self.given().root_cert = Some(roots);
    }

    pub(super) fn show(&mut self, client_cert: Vec<u8>, client_key: Vec<u8>) {
        self.given().client_tls = Some(ClientTlsConfig { client_cert, client_key });
    }

    fn given(&mut self) -> &mut TlsCertificates {
        self.0.get_or_insert(TlsCertificates { client_tls: None, root_cert: None })
    }

    pub(super) const fn are_given(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn client(&self, server: ConnectionInfo) -> Result<Client, RedisError> {
        match self.checked()? {
            None => Client::open(server),
            Some(certificates) => Client::build_with_tls(server, certificates.clone()).map_err(unusable),
        }
    }

    #[cfg(feature = "redis-cluster")]
    pub(super) fn cluster_client(&self, client: ClusterClientBuilder) -> Result<ClusterClient, RedisError> {
        match self.checked()? {
            None => client.build(),
            Some(certificates) => client.certs(certificates.clone()).build().map_err(unusable),
        }
    }

    /// A file without any certificate would trust nobody, or show nothing, and the crate does not mind.
    fn checked(&self) -> Result<Option<&TlsCertificates>, RedisError> {
        let Some(given) = &self.0 else { return Ok(None) };
        let roots = given.root_cert.as_deref();
        let shown = given.client_tls.as_ref().map(|client| client.client_cert.as_slice());
        for (pem, what) in [
            (roots, "there is no certificate in what was given to `root_certificates`"),
            (shown, "there is no certificate in what was given to `client_certificate`"),
        ] {
            if pem.is_some_and(|pem| CertificateDer::pem_slice_iter(pem).next().is_none()) {
                return Err(RedisError::from((ErrorKind::InvalidClientConfig, what)));
            }
        }
        Ok(Some(given))
    }
}

/// The crate tells of what it cannot parse as of a lost connection.
fn unusable(error: RedisError) -> RedisError {
    let what = "the certificates or the key cannot be used";
    RedisError::from((ErrorKind::InvalidClientConfig, what, error.to_string()))
}

/// What it means, and whether the same call may succeed later; none if TLS is not what failed.
pub(super) fn explain(error: &RedisError) -> Option<(&'static str, bool)> {
    if error.kind() != ErrorKind::Io {
        return None;
    }
    // The crate holds what it was told shared.
    let cause = error.source()?.downcast_ref::<Arc<dyn StdError + Send + Sync>>()?;
    let Some(io) = cause.downcast_ref::<io::Error>() else {
        return Some(("the system's certificates, or those of `SSL_CERT_FILE`, cannot be read", false));
    };
    let told = io.get_ref()?.downcast_ref::<TlsError>()?;
    Some((explain_tls(told), false))
}

fn explain_tls(error: &TlsError) -> &'static str {
    match error {
        // A bad signature is that of an authority which has the name of a trusted one, such as one that was made anew.
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "the server's certificate is of an authority that is not trusted here; give it to \
             `RedisOptions::root_certificates`, or its file to `SSL_CERT_FILE`"
        }
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "the server's certificate is for other names than the URL's host; write one of them",
        TlsError::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => "the server's certificate is not valid at this time; renew it, or set this machine's clock",
        TlsError::InvalidCertificate(_) => "the server's certificate cannot be verified",
        TlsError::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure,
        ) => {
            "the server wants a certificate of this client, see `RedisOptions::client_certificate`, or speaks no \
             TLS that is spoken here"
        }
        TlsError::AlertReceived(_) => "the server refused this client's TLS or its certificate",
        TlsError::InvalidMessage(_) => "the server speaks no TLS at this port; connect by `redis://`",
        _ => "there is no TLS with this server",
    }
}
