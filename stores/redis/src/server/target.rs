//! Whom a connection leads to.

use redis::RedisError;

use super::Address;
use super::dial::{Dialed, Dialer};
use super::sentinel::Sentinels;

/// Whom a connection leads to.
pub(crate) enum Target {
    Server(Address),
    /// The primary of a name, as sentinels know it.
    Primary(Sentinels),
}

impl Target {
    pub(super) async fn dial(&self, dialer: &Dialer) -> Result<Dialed, RedisError> {
        match self {
            Self::Server(address) => dialer.open(address, &dialer.login).await,
            Self::Primary(sentinels) => sentinels.dial_primary(dialer).await,
        }
    }
}
