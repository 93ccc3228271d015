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

/// What the parameters of a URL say beside the connection.
#[derive(Default)]
pub(super) struct Parameters {
    pub(super) hash_tags: Option<bool>,
    pub(super) list_index: Option<bool>,
}

impl Parameters {
    /// Takes what is this crate's out of a URL's path and query. A socket's URL has database and user among its parameters.
    fn take(path: &str, is_socket: bool, shown: &str) -> Result<(Self, String)> {
        let (path, query) = path.split_once('?').map_or((path, ""), |(path, query)| (path, query));
        let mut taken = Self::default();
        let mut left = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=').unwrap_or((parameter, "")) {
                ("hash_tags", value) => taken.hash_tags = Some(is_on(value, shown)?),
                ("list_index", value) => taken.list_index = Some(is_on(value, shown)?),
                ("db" | "user" | "pass", _) if is_socket => left.push(parameter),
                _ => {
                    let socket = if is_socket { ", `db`, `user`, `pass`" } else { "" };
                    let what = format!(
                        "it has a parameter that is unknown; there are `hash_tags=true`, `list_index=true`{socket}"
                    );
                    return Err(invalid(shown, what));
                }
            }
        }
        let question = if left.is_empty() { "" } else { "?" };
        Ok((taken, format!("{path}{question}{}", left.join("&"))))
    }
}

fn is_on(value: &str, shown: &str) -> Result<bool> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid(shown, "the parameters `hash_tags` and `list_index` are `true` or `false`")),
    }
}

/// Says which part of a server's place is wrong, which the crate's words do not.
fn check(host: &str, path: &str, shown: &str) -> Result<()> {
    let after_name = host.rfind(']').map_or(host, |end| &host[end..]);
    let (name, port) =
        after_name.rsplit_once(':').map_or((after_name, None), |(name, port)| (name, Some(port)));
    if name.is_empty() {
        return Err(invalid(shown, "the host is missing; write `redis://127.0.0.1:6379`"));
    }
    if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
        return Err(invalid(shown, "the port has to be a number from 1 to 65535"));
    }
    let database = path.split('#').next().unwrap_or_default().trim_matches('/');
    if !database.is_empty() && database.parse::<u32>().is_err() {
        return Err(invalid(shown, "the database, after the host, has to be a number, such as `/0`"));
    }
    Ok(())
}

impl Url {
    /// `scheme://[user[:password]@]host[:port][,host[:port]...][/database][?parameters]`, with a scheme of TLS if that is wanted.
    pub(super) fn parse(url: &str, by_tls: bool) -> Result<(Self, Parameters)> {
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
        let is_socket = scheme.ends_with("unix");
        let (parameters, path) = Parameters::take(path, is_socket, &shown)?;
        // The crate's words tell what is wrong with a URL, and show no part of it but a protocol.
        let node = |scheme: &str, host: &str| {
            if !is_socket {
                check(host, &path, &shown)?;
            }
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
            return Ok((node(scheme, hosts).map(Box::new).map(Self::Server)?, parameters));
        };
        let nodes = hosts.split(',').map(|host| node(scheme, host)).collect::<Result<Vec<_>>>()?;
        if nodes.iter().any(|node| node.redis_settings().db() != 0) {
            return Err(invalid(&shown, "a cluster has one database, number 0"));
        }
        Ok((Self::cluster(nodes, &shown)?, parameters))
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
