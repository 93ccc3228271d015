//! What a URL says of how a store is connected.

use std::borrow::Cow;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisError};

use crate::error::{Error, Result};

/// What a URL says. Its user and password are in no error and no `Debug`.
pub(super) enum Url {
    Server(Box<ConnectionInfo>),
    #[cfg(feature = "redis-cluster")]
    Cluster(Vec<ConnectionInfo>),
}

impl Url {
    /// `scheme://[user[:password]@]host[:port][,host[:port]...][/database]`, with a scheme of TLS if that is wanted.
    pub(super) fn parse(url: &str, by_tls: bool) -> Result<Self> {
        let Some((scheme, rest)) = url.split_once("://") else {
            let shown = url.rsplit_once('@').map_or(url, |(_, host)| host);
            return Err(invalid(
                shown,
                "write `redis://`, `rediss://` or `redis+cluster://` before the host",
            ));
        };
        let (hosts, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, hosts) = match hosts.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), hosts),
        };
        let shown = format!("{scheme}://{hosts}");
        if by_tls && !scheme.starts_with("rediss") {
            return Err(invalid(
                &shown,
                "there are certificates for TLS, and this would go without; write `rediss://` or `rediss+cluster://`",
            ));
        }
        // The crate's words tell what is wrong with a URL, and show no part of it but a protocol.
        let node = |scheme: &str, host: &str| {
            Self::node(&format!("{scheme}://{user}{host}{path}"))
                .map_err(|error| invalid(&shown, error.to_string()))
        };
        let Some(scheme) = scheme.strip_suffix("+cluster") else {
            if hosts.contains(',') {
                return Err(invalid(
                    &shown,
                    "several hosts make a cluster; write `redis+cluster://host,host`",
                ));
            }
            return node(scheme, hosts).map(Box::new).map(Self::Server);
        };
        let nodes = hosts.split(',').map(|host| node(scheme, host)).collect::<Result<Vec<_>>>()?;
        if nodes.iter().any(|node| node.redis_settings().db() != 0) {
            return Err(invalid(&shown, "a cluster has one database, number 0"));
        }
        Self::cluster(nodes, &shown)
    }

    #[cfg(feature = "redis-cluster")]
    fn cluster(nodes: Vec<ConnectionInfo>, _: &str) -> Result<Self> {
        Ok(Self::Cluster(nodes))
    }

    #[cfg(not(feature = "redis-cluster"))]
    fn cluster(_: Vec<ConnectionInfo>, shown: &str) -> Result<Self> {
        Err(invalid(shown, "this program was built without the feature `redis-cluster` of kv-runtime"))
    }

    pub(super) fn is_tls(&self) -> bool {
        let node = match self {
            Self::Server(server) => Some(&**server),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(nodes) => nodes.first(),
        };
        node.is_some_and(|node| matches!(node.addr(), ConnectionAddr::TcpTls { .. }))
    }

    /// Hosts and ports, or the socket.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Server(server) => server.addr().to_string(),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(nodes) => {
                let nodes: Vec<String> = nodes.iter().map(|node| node.addr().to_string()).collect();
                nodes.join(",")
            }
        }
    }

    /// RESP3 tells of a broken connection at once, not to the next call.
    fn node(url: &str) -> Result<ConnectionInfo, RedisError> {
        let node = url.into_connection_info()?;
        let settings = node.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        Ok(node.set_redis_settings(settings))
    }
}

fn invalid(url: &str, what: impl Into<Cow<'static, str>>) -> Error {
    Error::InvalidUrl { url: url.to_owned(), what: what.into() }
}
