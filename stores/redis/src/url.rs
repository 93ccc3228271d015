//! What a URL says of how a store is connected.
//!
//! `scheme://[user[:password]@]host[:port][,host[:port]...][/path][?parameters]`. Everything before
//! the last `@` is user and password, whatever its characters are, and no error shows any of it.

use std::borrow::Cow;
use std::path::PathBuf;

use kv_store::{Error, Result};
use percent_encoding::percent_decode_str;

use super::server::{Address, Login, Protocol};

/// What a URL says. Its user and password are in no error and no `Debug`.
pub(super) struct Url {
    pub(super) kind: Kind,
    pub(super) addresses: Vec<Address>,
    pub(super) login: Login,
    pub(super) by_tls: bool,
    /// Whether it asks for TLS without a look at the certificate, which cannot be had.
    pub(super) is_insecure: bool,
    pub(super) parameters: Parameters,
}

/// Whom the addresses lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Server,
    Cluster,
    /// Sentinels, which are asked for the primary of this name.
    Sentinels(String),
}

/// What the parameters of a URL say beside the connection.
#[derive(Default)]
pub(super) struct Parameters {
    pub(super) hash_tags: Option<bool>,
    pub(super) list_index: Option<bool>,
}

/// A URL in parts. What it shows has no secret in it.
struct Parts<'u> {
    scheme: &'u str,
    user: Option<&'u str>,
    hosts: &'u str,
    path: &'u str,
    query: &'u str,
    is_insecure: bool,
    display: String,
}

const DEFAULT_PORT: u16 = 6379;
const DEFAULT_SENTINEL_PORT: u16 = 26379;

impl<'u> Parts<'u> {
    fn split(url: &'u str) -> Result<Self> {
        let Some((scheme, rest)) = url.split_once("://") else {
            let display = url.rsplit_once('@').map_or(url, |(_, host)| host);
            let display = display.split(['?', '#']).next().unwrap_or_default();
            if let Some((scheme @ ("redis+unix" | "valkey+unix"), _)) = url.split_once(':')
                && let Some((_, path)) = display.split_once(':')
            {
                let path = Some(path.trim_start_matches('/')).filter(|path| !path.is_empty());
                let path = path.unwrap_or("run/redis.sock");
                let advice = format!("a socket's path begins with three slashes; write `{scheme}:///{path}`");
                return Err(invalid(display, advice));
            }
            return Err(invalid(
                display,
                "write `redis://`, `rediss://` or `redis+cluster://` before the host",
            ));
        };
        let is_socket = scheme.ends_with("+unix");
        // A password may hold any character, so nothing ends before the last `@`. So may a path.
        let (user, rest) = match rest.rsplit_once('@').filter(|_| !is_socket) {
            Some((user, rest)) => (Some(user), rest),
            None => (None, rest),
        };
        let (rest, fragment) = rest.split_once('#').map_or((rest, ""), |(rest, fragment)| (rest, fragment));
        let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, query)| (rest, query));
        let (hosts, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let display = if is_socket { format!("{scheme}://") } else { format!("{scheme}://{hosts}") };
        let is_insecure = fragment == "insecure";
        if !fragment.is_empty() && !is_insecure {
            return Err(invalid(&display, "a URL of a store has no part behind `#`"));
        }
        Ok(Self { scheme, user, hosts, path, query, is_insecure, display })
    }
}

impl Url {
    /// Reads a URL, whose scheme has to be one of TLS if certificates were given.
    pub(super) fn parse(url: &str, certificates_are_given: bool) -> Result<Self> {
        let parts = Parts::split(url)?;
        let display = parts.display.as_str();
        let (base, more) = parts.scheme.split_once('+').unwrap_or((parts.scheme, ""));
        let by_tls = match base {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            _ => return Err(invalid(display, format!("there is no such scheme; write {SCHEMES}"))),
        };
        if by_tls && !cfg!(feature = "tls") {
            return Err(not_built(display, "redis-tls"));
        }
        if certificates_are_given && !by_tls {
            let what = "there are certificates for TLS, and this would go without; write `rediss://`, \
                        `rediss+cluster://` or `rediss+sentinel://`";
            return Err(invalid(display, what));
        }
        let (parameters, mut login, rest) = parameters(&parts, more == "unix")?;
        let kind = match more {
            "" => Kind::Server,
            "unix" if !by_tls => return Self::socket(&parts, parameters, login, &rest),
            "cluster" if !cfg!(feature = "cluster") => return Err(not_built(display, "redis-cluster")),
            "cluster" => Kind::Cluster,
            "sentinel" => Kind::Sentinels(String::new()),
            _ => return Err(invalid(display, format!("there is no such scheme; write {SCHEMES}"))),
        };
        (login.user, login.password) = user_and_password(parts.user, display)?;
        let port = if more == "sentinel" { DEFAULT_SENTINEL_PORT } else { DEFAULT_PORT };
        let addresses =
            parts.hosts.split(',').map(|host| address(host, port, display)).collect::<Result<Vec<_>>>()?;
        if kind == Kind::Server && addresses.len() > 1 {
            let what = "several hosts make a cluster; write `redis+cluster://host,host`, or \
                        `redis+sentinel://host,host/name` if they are sentinels";
            return Err(invalid(display, what));
        }
        let kind = Self::with_path(kind, parts.path, &mut login, display)?;
        Ok(Self { kind, addresses, login, by_tls, is_insecure: parts.is_insecure, parameters })
    }

    /// Reads the database, and the name of the primary that sentinels watch.
    fn with_path(kind: Kind, path: &str, login: &mut Login, display: &str) -> Result<Kind> {
        let path = path.trim_matches('/');
        let (kind, number) = match kind {
            Kind::Sentinels(_) => {
                let (name, number) = path.split_once('/').unwrap_or((path, ""));
                if name.is_empty() {
                    let what = "the name of the primary is missing; write \
                                `redis+sentinel://host,host/mymaster`";
                    return Err(invalid(display, what));
                }
                (Kind::Sentinels(decoded(name, display)?), number)
            }
            kind => (kind, path),
        };
        if !number.is_empty() {
            login.database = number.parse().map_err(|_| {
                invalid(display, "the database, after the host, has to be a number, such as `/0`")
            })?;
        }
        if kind == Kind::Cluster && login.database != 0 {
            return Err(invalid(display, "a cluster has one database, number 0"));
        }
        Ok(kind)
    }

    fn socket(
        parts: &Parts<'_>,
        parameters: Parameters,
        login: Login,
        rest: &[(&str, &str)],
    ) -> Result<Self> {
        let display = parts.display.as_str();
        let mut login = login;
        if parts.path.is_empty() || !parts.hosts.is_empty() {
            let what = "write the whole path of the socket, and user and password behind it: \
                        `redis+unix:///run/redis.sock?user=...&pass=...`";
            return Err(invalid(display, what));
        }
        for (name, value) in rest {
            match *name {
                "db" => {
                    let number = value.parse();
                    login.database =
                        number.map_err(|_| invalid(display, "the parameter `db` has to be a number"))?;
                }
                "user" => login.user = Some(decoded(value, display)?),
                _ => login.password = Some(decoded(value, display)?),
            }
        }
        let addresses = vec![Address::Socket(PathBuf::from(decoded(parts.path, display)?))];
        Ok(Self { kind: Kind::Server, addresses, login, by_tls: false, is_insecure: false, parameters })
    }

    /// Hosts and ports, or the socket.
    pub(super) fn display(&self) -> String {
        let addresses: Vec<String> = self.addresses.iter().map(Address::to_string).collect();
        addresses.join(",")
    }
}

const SCHEMES: &str = "`redis://`, `rediss://`, `redis+cluster://`, `redis+sentinel://` or `redis+unix:///`";

/// Names and values that are read later.
type Pairs<'u> = Vec<(&'u str, &'u str)>;

/// What the parameters say, and those that only a socket's URL has.
fn parameters<'u>(parts: &Parts<'u>, is_socket: bool) -> Result<(Parameters, Login, Pairs<'u>)> {
    let display = parts.display.as_str();
    let (mut taken, mut login, mut left) = (Parameters::default(), Login::default(), Vec::new());
    for parameter in parts.query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name {
            "hash_tags" => taken.hash_tags = Some(is_on(value, display)?),
            "list_index" => taken.list_index = Some(is_on(value, display)?),
            "protocol" => login.protocol = Some(protocol(value, display)?),
            "db" | "user" | "pass" if is_socket => left.push((name, value)),
            _ => {
                let socket = if is_socket { ", `db`, `user`, `pass`" } else { "" };
                let what = format!(
                    "it has a parameter that is unknown; there are `hash_tags=true`, `list_index=true`, \
                     `protocol=resp2`{socket}"
                );
                return Err(invalid(display, what));
            }
        }
    }
    Ok((taken, login, left))
}

fn is_on(value: &str, display: &str) -> Result<bool> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid(display, "the parameters `hash_tags` and `list_index` are `true` or `false`")),
    }
}

fn protocol(value: &str, display: &str) -> Result<Protocol> {
    match value {
        "resp2" | "2" => Ok(Protocol::Resp2),
        "resp3" | "3" => Ok(Protocol::Resp3),
        _ => Err(invalid(display, "the parameter `protocol` is `resp2` or `resp3`")),
    }
}

/// User and password, percent-decoded where they are encoded.
fn user_and_password(user: Option<&str>, display: &str) -> Result<(Option<String>, Option<String>)> {
    let Some(user) = user else { return Ok((None, None)) };
    let (user, password) =
        user.split_once(':').map_or((user, None), |(user, password)| (user, Some(password)));
    let user = Some(decoded(user, display)?).filter(|user| !user.is_empty());
    let password = password.map(|password| decoded(password, display)).transpose()?;
    Ok((user, password.filter(|password| !password.is_empty())))
}

fn decoded(text: &str, display: &str) -> Result<String> {
    match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(invalid(display, "what is percent-encoded in it is not UTF-8")),
    }
}

/// Reads `host[:port]`, and says which part is wrong.
fn address(host: &str, default_port: u16, display: &str) -> Result<Address> {
    let after_name = host.rfind(']').map_or(0, |end| end + 1);
    let (name, port) = match host.get(after_name..).and_then(|rest| rest.rsplit_once(':')) {
        Some((rest, port)) => (host.get(..after_name + rest.len()).unwrap_or(host), Some(port)),
        None => (host, None),
    };
    if name.is_empty() {
        return Err(invalid(display, "the host is missing; write `redis://127.0.0.1:6379`"));
    }
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let port = port.map_or(Some(default_port), |port| port.parse().ok().filter(|port| *port != 0));
    let Some(port) = port else {
        return Err(invalid(display, "the port has to be a number from 1 to 65535"));
    };
    Ok(Address::tcp(decoded(name, display)?, port))
}

fn not_built(url: &str, feature: &str) -> Error {
    invalid(url, format!("this program was built without the feature `{feature}` of kv-runtime"))
}

fn invalid(url: &str, what: impl Into<Cow<'static, str>>) -> Error {
    Error::InvalidUrl { url: url.to_owned(), what: what.into() }
}
