//! The calls of a KV binding, and what their failures mean.

use std::collections::HashMap;

use serde_json::Value;
use worker::KvStore;
use worker::kv::KvError;
use worker::wasm_bindgen::JsCast;

use super::super::record::{Expiration, Found, Spelt};
use super::NAME;
use crate::error::{Error, Location, Result};
use crate::key::Key;

/// A namespace.
#[derive(Clone)]
pub(super) struct Binding(KvStore);

/// A key that a list shows.
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) metadata: Option<Value>,
    /// In seconds since the Unix epoch.
    pub(super) expiration: Option<u64>,
}

impl Binding {
    pub(super) fn new(namespace: KvStore) -> Self {
        Self(namespace)
    }

    pub(super) async fn get(&self, key: &Key) -> Result<Option<Found>> {
        let read = self.0.get(key.as_str()).text_with_metadata().await;
        let (value, metadata) =
            read.map_err(|error| Failure::from(error).of("read", Location::of(NAME, key)))?;
        Ok(found(value, metadata))
    }

    /// What stands under these keys. Where the values are too much for one reply, each half is asked for by itself.
    pub(super) async fn get_many(&self, keys: impl Iterator<Item = &str>) -> Result<HashMap<String, Found>> {
        let mut keys: Vec<&str> = keys.collect();
        keys.sort_unstable();
        keys.dedup();
        let mut all = HashMap::with_capacity(keys.len());
        let mut asked = vec![keys.as_slice()];
        while let Some(keys) = asked.pop().filter(|keys| !keys.is_empty()) {
            match self.0.get_bulk(keys).text_with_metadata().await.map_err(Failure::from) {
                Ok(read) => {
                    let found = |(key, (value, metadata))| Some((key, found(value, metadata)?));
                    all.extend(read.into_iter().filter_map(found));
                }
                Err(failure) if failure.is_too_much() && keys.len() > 1 => {
                    let (first, second) = keys.split_at(keys.len() / 2);
                    asked.extend([first, second]);
                }
                Err(failure) => return Err(failure.of("read", Location::store(NAME))),
            }
        }
        Ok(all)
    }

    pub(super) async fn put(&self, key: &Key, spelt: Spelt) -> Result<()> {
        let Spelt { value, metadata, ttl_seconds } = spelt;
        let put = async {
            let mut put = self.0.put_bytes(key.as_str(), value.as_bytes())?.metadata(metadata)?;
            if let Some(seconds) = ttl_seconds {
                put = put.expiration_ttl(seconds);
            }
            put.execute().await
        };
        put.await.map_err(|error| Failure::from(error).of("write", Location::of(NAME, key)))
    }

    pub(super) async fn delete(&self, key: &Key) -> Result<()> {
        let deleted = self.0.delete(key.as_str()).await;
        deleted.map_err(|error| Failure::from(error).of("delete", Location::of(NAME, key)))
    }

    /// So many keys at most, in their order, and where the list goes on.
    pub(super) async fn list(
        &self,
        prefix: &Key,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Listed>, Option<String>)> {
        let mut list = self.0.list().prefix(prefix.as_str().to_owned()).limit(limit as u64);
        if let Some(cursor) = after {
            list = list.cursor(cursor.to_owned());
        }
        let page = list.execute().await.map_err(|error| match Failure::from(error) {
            // Its prefix and limit are within what it takes.
            Failure { status: Some(400), .. } if after.is_some() => {
                Error::InvalidCursor { at: Location::of(NAME, prefix) }
            }
            failure => failure.of("list", Location::of(NAME, prefix)),
        })?;
        let listed = page.keys.into_iter().map(|key| Listed {
            name: key.name,
            metadata: key.metadata,
            expiration: key.expiration,
        });
        let next = page.cursor.filter(|cursor| !page.list_complete && !cursor.is_empty());
        Ok((listed.collect(), next))
    }
}

fn found(value: Option<String>, metadata: Option<Value>) -> Option<Found> {
    Some(Found { value: value?.into(), metadata, expiration: Expiration::Untold })
}

/// What the runtime threw. It quotes no value.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Failure {
    message: String,
    /// The status of the service's reply, where it was that.
    status: Option<u16>,
}

impl Failure {
    fn is_too_much(&self) -> bool {
        self.status == Some(413)
    }

    fn of(self, action: &'static str, at: Box<Location>) -> Error {
        let retryable = match self.status {
            Some(status) => status == 429 || status >= 500,
            // The connection, or the runtime itself: what else it throws are mistakes in the call, which no retry mends.
            None => self.message.contains("connection") || self.message.contains("internal error"),
        };
        Error::store(at, action, retryable, self)
    }
}

/// "KV PUT failed: 429 Too Many Requests" is how the runtime tells of a reply.
impl From<KvError> for Failure {
    fn from(error: KvError) -> Self {
        let message = match error {
            KvError::JavaScript(thrown) => match thrown.dyn_ref::<worker::js_sys::Error>() {
                Some(error) => String::from(error.message()),
                None => {
                    thrown.as_string().unwrap_or_else(|| "something that is no error was thrown".to_owned())
                }
            },
            error => error.to_string(),
        };
        let status = message.split_once("failed: ").and_then(|(_, reply)| reply.get(..3)?.parse().ok());
        Self { message, status }
    }
}
