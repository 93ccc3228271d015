//! TLS: whom a connection trusts, what it shows of itself, and what it means when there is none.

use std::error::Error as StdError;
use std::sync::Arc;

use redis::{ErrorKind, RedisError};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig, Error as TlsError, RootCertStore};
use tokio::net::TcpStream;

use super::cause::io_error;

/// A stream of TLS.
pub(super) type TlsStream = tokio_rustls::client::TlsStream<TcpStream>;

/// What was given of certificates, as it was given.
#[derive(Clone, Default)]
pub(super) struct Certificates {
    roots: Option<Vec<u8>>,
    /// The client's certificate and its key.
    client_auth: Option<(Vec<u8>, Vec<u8>)>,
}

/// Shows nothing of them.
impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

impl Certificates {
    pub(super) fn trust(&mut self, roots: Vec<u8>) {
        self.roots = Some(roots);
    }

    pub(super) fn show(&mut self, certificate: Vec<u8>, key: Vec<u8>) {
        self.client_auth = Some((certificate, key));
    }

    pub(super) const fn are_given(&self) -> bool {
        self.roots.is_some() || self.client_auth.is_some()
    }

    /// What makes streams of TLS with these certificates.
    pub(super) fn connector(&self) -> Result<Connector, RedisError> {
        kv_store::__private::choose_cryptography();
        let config = ClientConfig::builder().with_root_certificates(self.roots()?);
        let config = match &self.client_auth {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = parsed(certificate, NOTHING_SHOWN)?;
                let key = PrivateKeyDer::from_pem_slice(key).map_err(unusable)?;
                config.with_client_auth_cert(chain, key).map_err(unusable)?
            }
        };
        Ok(Connector(tokio_rustls::TlsConnector::from(Arc::new(config))))
    }

    /// The authorities that were given, or those of the system.
    fn roots(&self) -> Result<RootCertStore, RedisError> {
        let mut roots = RootCertStore::empty();
        if let Some(pem) = &self.roots {
            for certificate in parsed(pem, NOBODY_TRUSTED)? {
                roots.add(certificate).map_err(unusable)?;
            }
            return Ok(roots);
        }
        let mut found = rustls_native_certs::load_native_certs();
        if let Some(error) = found.errors.pop() {
            let what = "the system's certificates, or those of `SSL_CERT_FILE`, cannot be read";
            return Err(RedisError::from((ErrorKind::InvalidClientConfig, what, error.to_string())));
        }
        for certificate in found.certs {
            roots.add(certificate).map_err(unusable)?;
        }
        Ok(roots)
    }
}

const NOBODY_TRUSTED: &str = "there is no certificate in what was given to `root_certificates`";
const NOTHING_SHOWN: &str = "there is no certificate in what was given to `client_certificate`";

/// The certificates in a file. One without any would trust nobody, or show nothing.
fn parsed(pem: &[u8], if_none: &'static str) -> Result<Vec<CertificateDer<'static>>, RedisError> {
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(unusable)?;
    if certificates.is_empty() {
        return Err(RedisError::from((ErrorKind::InvalidClientConfig, if_none)));
    }
    Ok(certificates)
}

fn unusable(error: impl StdError) -> RedisError {
    let what = "the certificates or the key cannot be used";
    RedisError::from((ErrorKind::InvalidClientConfig, what, error.to_string()))
}

/// What makes streams of TLS.
#[derive(Clone)]
pub(super) struct Connector(tokio_rustls::TlsConnector);

impl Connector {
    pub(super) async fn connect(&self, host: &str, stream: TcpStream) -> Result<TlsStream, RedisError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            let what = "the host is no name that a certificate can be for";
            RedisError::from((ErrorKind::InvalidClientConfig, what))
        })?;
        Ok(self.0.connect(name, stream).await?)
    }
}

/// What it means, and whether the same call may succeed later; none if TLS is not what failed.
pub(super) fn explain(error: &RedisError) -> Option<(&'static str, bool)> {
    if error.kind() != ErrorKind::Io {
        return None;
    }
    let error = io_error(error)?.get_ref()?.downcast_ref::<TlsError>()?;
    Some((explain_tls(error), false))
}

fn explain_tls(error: &TlsError) -> &'static str {
    match error {
        // A bad signature comes from an authority with the name of a trusted one, such as one that
        // was created again.
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
        _ => "the TLS handshake with this server failed",
    }
}
