//! What `tls` is without the feature `redis-tls`: nobody gives certificates, and there are no
//! streams of TLS.

use std::convert::Infallible;

use redis::{ErrorKind, RedisError};
use tokio::net::TcpStream;

pub(super) type TlsStream = TcpStream;

#[derive(Clone, Debug, Default)]
pub(super) struct Certificates(());

impl Certificates {
    #[expect(clippy::unused_self, reason = "as it is in `tls`")]
    pub(super) const fn are_given(&self) -> bool {
        false
    }

    #[expect(clippy::unused_self, reason = "as it is in `tls`")]
    pub(super) fn connector(&self) -> Result<Connector, RedisError> {
        let what = "this program was built without the feature `redis-tls` of kv-runtime";
        Err(RedisError::from((ErrorKind::InvalidClientConfig, what)))
    }
}

/// There is none.
#[derive(Clone)]
pub(super) struct Connector(Infallible);

impl Connector {
    #[expect(clippy::unused_async, reason = "as it is in `tls`")]
    pub(super) async fn connect(&self, _: &str, _: TcpStream) -> Result<TlsStream, RedisError> {
        match self.0 {}
    }
}

pub(super) const fn explain(_: &RedisError) -> Option<(&'static str, bool)> {
    None
}
