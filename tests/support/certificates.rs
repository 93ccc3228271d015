//! Certificates for tests: an authority of one's own, and what it issues, as files.
//!
//! For a test that needs them: `#[path = "../support/certificates.rs"] mod certificates;`.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

/// An authority; its files are gone with it.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: TempDir,
}

/// A certificate and its key.
pub struct Issued {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    pub fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "an authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let authority = Self { issuer, directory: tempfile::tempdir()? };
        fs::write(authority.path(), authority.pem())?;
        Ok(authority)
    }

    /// Its own certificate.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// The file of its certificate.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("ca.crt")
    }

    /// Issues a certificate for a host's name or address.
    pub fn issue(&self, host: &str) -> Result<Issued, Box<dyn std::error::Error>> {
        let params = CertificateParams::new([host.to_owned()])?;
        self.write(params, host)
    }

    /// Issues one that was valid long ago.
    pub fn issue_expired(&self, host: &str) -> Result<Issued, Box<dyn std::error::Error>> {
        let mut params = CertificateParams::new([host.to_owned()])?;
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        self.write(params, &format!("{host}-expired"))
    }

    fn write(&self, mut params: CertificateParams, name: &str) -> Result<Issued, Box<dyn std::error::Error>> {
        // Another one than the authority's, or OpenSSL takes it for signed by itself.
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let file = |end: &str| self.directory.path().join(format!("{name}.{end}"));
        let issued = Issued { certificate: file("crt"), key: file("key") };
        fs::write(&issued.certificate, certificate.pem())?;
        fs::write(&issued.key, key.serialize_pem())?;
        Ok(issued)
    }
}

impl Issued {
    /// The arguments by which a server shows it, at this port. A client's has to be of the same
    /// authority.
    pub fn served(&self, authority: &Authority, port: u16) -> Vec<String> {
        let file = |path: &Path| path.display().to_string();
        [
            ["--tls-port", &port.to_string()],
            ["--tls-ca-cert-file", &file(&authority.path())],
            ["--tls-cert-file", &file(&self.certificate)],
            ["--tls-key-file", &file(&self.key)],
        ]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect()
    }

    /// Both, as PEM.
    pub fn pem(&self) -> std::io::Result<(String, String)> {
        Ok((fs::read_to_string(&self.certificate)?, fs::read_to_string(&self.key)?))
    }
}
