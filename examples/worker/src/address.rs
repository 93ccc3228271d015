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
}

impl Address {
    pub(crate) fn of(request: &Request) -> Result<Self, Failure> {
        match request.path().strip_prefix("/profiles") {
            Some("" | "/") => {}
            Some(rest) => {
                return rest.strip_prefix('/').ok_or(Failure::NoSuchPath).and_then(decode).map(Self::One);
            }
            None => return Err(Failure::NoSuchPath),
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
