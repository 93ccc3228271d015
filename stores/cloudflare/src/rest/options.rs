//! How a store is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kv_store::store::StoreInfo;
use kv_store::{Clock, Error, Location, Result};
use reqwest::header::HeaderValue;
use reqwest::{Url, redirect};

use super::NAME;
use super::client::Client;
use super::shared::Shared;
use super::store::CloudflareStore;
use crate::limits;

const PUBLIC_API: &str = "https://api.cloudflare.com/client/v4";

/// How a [`CloudflareStore`] is set up; [`CloudflareStore::options`] gives one.
///
/// ```
/// use std::time::Duration;
/// use kv_runtime::store::CloudflareStore;
///
/// # let token = "secret".to_owned();
/// let store = CloudflareStore::options("023e105f4ecef8ad9ca31a8372d0c353", "0f2ac74b498b48028cb68387c421e279", token)
///     .attempts(3)
///     .timeout(Duration::from_secs(10))
///     .open()?;
/// # Ok::<(), kv_runtime::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct CloudflareOptions {
    account: String,
    namespace: String,
    token: String,
    base_url: String,
    clock: Clock,
    attempts: u32,
    longest_wait: Duration,
    timeout: Duration,
}

const NO_IDENTIFIER: &str = "the account or namespace is not a Cloudflare identifier; use the one that the dashboard shows: letters and digits, `-` and `_`, at most 64";
const NO_TOKEN: &str = "the API token is empty or has characters that no token has; use one with the permission `Workers KV Storage`";
const NO_BASE: &str = "the base address must be an `https` URL without a query, or `http` to this machine";

impl CloudflareOptions {
    pub(super) fn new(account: String, namespace: String, token: String) -> Self {
        Self {
            account,
            namespace,
            token,
            base_url: PUBLIC_API.to_owned(),
            clock: Clock::system(),
            attempts: 5,
            longest_wait: Duration::from_secs(30),
            timeout: Duration::from_secs(120),
        }
    }

    /// Sets the address of the API, instead of `https://api.cloudflare.com/client/v4`. The token is
    /// sent there, so `http` is accepted only for this machine: `localhost`, `127.0.0.1`, `[::1]`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Sets the clock that decides when records expire, and whose timer waits between attempts. The
    /// default is the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How often a request is made at most, where the server is busy (429), fails (5xx) or cannot
    /// be reached; 5 if nothing is said. Pauses grow from 0.2 s, and are as long as the server asks
    /// by `Retry-After`.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The longest pause that a server may ask for; 30 s if nothing is said. If it asks for a
    /// longer one, the call fails at once, and the error says how long. Cloudflare's API refuses
    /// for up to five minutes.
    pub fn longest_wait(mut self, wait: Duration) -> Self {
        self.longest_wait = wait;
        self
    }

    /// How long one attempt may take, its answer included; 2 minutes if nothing is said.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets up the store. Nothing is sent yet: a wrong token shows with the first call. What cannot
    /// be right is [`Error::InvalidOptions`].
    pub fn open(self) -> Result<CloudflareStore> {
        let info = StoreInfo::new(NAME, limits::CAPABILITIES).with_clock(self.clock.clone());
        let (client, namespace) = self.client()?;
        Ok(CloudflareStore(Arc::new(Shared { info, client, namespace })))
    }

    fn client(self) -> Result<(Client, String)> {
        if !is_identifier(&self.account) || !is_identifier(&self.namespace) {
            return Err(invalid(NO_IDENTIFIER));
        }
        let token = self.token.trim();
        let mut header = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| invalid(NO_TOKEN))?;
        if token.is_empty() {
            return Err(invalid(NO_TOKEN));
        }
        // The client's own traces leave it out.
        header.set_sensitive(true);
        let local = is_local(&self.base_url)?;
        kv_store::__private::choose_cryptography();
        let http = reqwest::Client::builder()
            .timeout(self.timeout)
            .connect_timeout(self.timeout.min(Duration::from_secs(10)))
            // The API redirects nowhere, and the token goes nowhere else.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("kv-runtime/", env!("CARGO_PKG_VERSION")));
        let http = if local { http.no_proxy() } else { http };
        let http = http.build().map_err(|error| {
            let error = Error::store(Location::store(NAME), "be set up", false, error);
            error.because("there is no client for HTTP, and most likely no usable TLS, on this machine")
        })?;
        let runtime = kv_store::__private::network::runtime().map_err(|error| {
            Error::store(Location::store(NAME), "start the thread of its connections", true, error)
        })?;
        let base = self.base_url.trim_end_matches('/');
        let base = format!("{base}/accounts/{}/storage/kv/namespaces/{}/", self.account, self.namespace);
        let client = Client {
            http,
            runtime,
            base,
            token: header,
            clock: self.clock,
            attempts: self.attempts,
            longest_wait: self.longest_wait,
        };
        Ok((client, self.namespace))
    }
}

fn invalid(what: &'static str) -> Error {
    Error::InvalidOptions { at: Location::store(NAME), what: what.into() }
}

fn is_identifier(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(is_part)
}

/// Whether the API is on this machine. Elsewhere the token is sent encrypted or not at all.
fn is_local(base: &str) -> Result<bool> {
    let url = Url::parse(base).map_err(|_| invalid(NO_BASE))?;
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(invalid(NO_BASE));
    }
    match (url.scheme(), url.host_str()) {
        (_, None) => Err(invalid(NO_BASE)),
        ("https" | "http", Some("localhost" | "127.0.0.1" | "[::1]")) => Ok(true),
        ("https", Some(_)) => Ok(false),
        _ => Err(invalid(NO_BASE)),
    }
}

/// Shows all but the token.
impl fmt::Debug for CloudflareOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudflareOptions")
            .field("account", &self.account)
            .field("namespace", &self.namespace)
            .field("base_url", &self.base_url)
            .field("attempts", &self.attempts)
            .field("longest_wait", &self.longest_wait)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl CloudflareStore {
    /// A namespace, by the identifiers of the account and of itself, and a token with the permission `Workers KV Storage`: `Read` for reads
    /// and lists, `Edit` for writes.
    pub fn new(
        account: impl Into<String>,
        namespace: impl Into<String>,
        token: impl Into<String>,
    ) -> Result<Self> {
        Self::options(account, namespace, token).open()
    }

    /// How a store of this namespace is set up.
    pub fn options(
        account: impl Into<String>,
        namespace: impl Into<String>,
        token: impl Into<String>,
    ) -> CloudflareOptions {
        CloudflareOptions::new(account.into(), namespace.into(), token.into())
    }
}
