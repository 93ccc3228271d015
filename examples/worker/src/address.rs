//! What a request's address asks for.
//!
//! `Request::url` would do it, too, and make the Worker's wasm a tenth larger.

use worker::{Request, js_sys};

use crate::reply::Failure;

pub(crate) enum Address {
    /// `/profiles?limit=10&cursor=...`
    All { limit: Option<usize>, cursor: Option<String> },
    /// `/profiles/{id}`
    One(String),
    /// `/counters/{name}`
    Counter(String),
    /// `/sessions`
    Sessions,
    /// `/sessions/{token}`
    Session(String),
}

impl Address {
    pub(crate) fn of(request: &Request) -> Result<Self, Failure> {
        let path = request.path();
        let (first, rest) =
            path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
        match (first, rest) {
            ("profiles", "") => {}
            ("profiles", id) => return decode(id).map(Self::One),
            ("counters", name) if !name.is_empty() => return decode(name).map(Self::Counter),
            ("sessions", "") => return Ok(Self::Sessions),
            ("sessions", token) => return decode(token).map(Self::Session),
            _ => return Err(Failure::NoSuchPath),
        }
        let (mut limit, mut cursor) = (None, None);
        let url = request.inner().url();
        for pair in url.split_once('?').map(|(_, query)| query.split('&')).into_iter().flatten() {
            match pair.split_once('=') {
                Some(("limit", text)) => limit = text.parse().ok(),
                Some(("cursor", text)) => cursor = Some(decode(text)?),
                _ => {}
            }
        }
        Ok(Self::All { limit, cursor })
    }
}

/// The text of a part that is percent-encoded: an id may hold a slash.
fn decode(part: &str) -> Result<String, Failure> {
    let decoded = js_sys::decode_uri_component(part).map_err(|_| Failure::Encoding)?;
    Ok(decoded.into())
}
