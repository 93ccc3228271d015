//! Where a server listens.

use std::fmt;
use std::path::PathBuf;

/// The host and port of a server, or its socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Address {
    Tcp { host: String, port: u16 },
    Socket(PathBuf),
}

impl Address {
    pub(crate) fn tcp(host: impl Into<String>, port: u16) -> Self {
        Self::Tcp { host: host.into(), port }
    }

    /// Reads `host:port`, with or without brackets around an IPv6 address.
    #[cfg_attr(not(feature = "cluster"), expect(dead_code, reason = "clusters redirect"))]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Some(Self::tcp(host, port.parse().ok()?))
    }

    /// The host, which a server leaves out of a redirection to itself.
    #[cfg_attr(not(feature = "cluster"), expect(dead_code, reason = "clusters redirect"))]
    pub(crate) fn host(&self) -> &str {
        match self {
            Self::Tcp { host, .. } => host,
            Self::Socket(_) => "",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Socket(path) => path.display().fmt(f),
        }
    }
}
