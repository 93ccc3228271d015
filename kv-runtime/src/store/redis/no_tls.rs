//! What `tls` is without the feature `redis-tls`: nobody gives certificates, and nothing fails because of one.

#[cfg(feature = "redis-cluster")]
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::{Client, ConnectionInfo, RedisError};

#[derive(Clone, Debug, Default)]
pub(super) struct Certificates(());

impl Certificates {
    #[expect(clippy::unused_self, reason = "as it is in `tls`")]
    pub(super) const fn are_given(&self) -> bool {
        false
    }

    pub(super) fn client(&self, server: ConnectionInfo) -> Result<Client, RedisError> {
        Client::open(server)
    }

    #[cfg(feature = "redis-cluster")]
    pub(super) fn cluster_client(&self, client: ClusterClientBuilder) -> Result<ClusterClient, RedisError> {
        client.build()
    }
}

pub(super) const fn explain(_: &RedisError) -> Option<(&'static str, bool)> {
    None
}
