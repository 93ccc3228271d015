//! The calls of a KV binding, and what their failures mean.
//!
//! They are made here, not through the `KvStore` of the `worker` crate: of several keys read at once, that fails if one is absent.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use worker::js_sys::{self, Array, Function, JSON, Object, Promise, Reflect, Uint8Array};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;

use super::super::record::{Expiration, Found, Spelt};
use super::NAME;
use crate::error::{Error, Location, Result, SharedError};
use crate::key::Key;

/// What stands in the place of bytes that are no text.
const REPLACEMENT: char = '\u{FFFD}';

const NO_REPLY: &str = "the binding's reply is not what it should be";

/// A namespace.
#[derive(Clone)]
pub(super) struct Binding(JsValue);

/// A key that a list shows.
#[derive(Deserialize)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) metadata: Option<Value>,
    /// In seconds since the Unix epoch.
    pub(super) expiration: Option<u64>,
}

#[derive(Deserialize)]
struct Page {
    keys: Vec<Listed>,
    list_complete: bool,
    cursor: Option<String>,
}

impl Binding {
    /// The binding that the Worker's configuration calls so.
    pub(super) fn of(env: &worker::Env, name: &str) -> Result<Self> {
        let binding = Reflect::get(env.as_ref(), &name.into()).unwrap_or_default();
        if binding.is_object() && Reflect::has(&binding, &"getWithMetadata".into()).unwrap_or_default() {
            return Ok(Self(binding));
        }
        let what = format!("the Worker's configuration binds no KV namespace as `{name}`; add it there");
        Err(Error::InvalidOptions { at: Location::store(NAME), what: what.into() })
    }

    pub(super) async fn get(&self, key: &Key) -> Result<Option<Found>> {
        let found = self.get_bytes(key.as_str()).await;
        found.map_err(|failure| failure.of("read", Location::of(NAME, key)))
    }

    async fn get_bytes(&self, key: &str) -> Result<Option<Found>, Failure> {
        let reply = self.call("getWithMetadata", &[key.into(), "arrayBuffer".into()]).await?;
        Ok(entry(&reply)?.map(|(value, metadata)| found(Uint8Array::new(&value).to_vec(), metadata)))
    }

    /// What stands under these keys. Where the values are too much for one reply, each half is asked for by itself.
    pub(super) async fn get_many(&self, keys: impl Iterator<Item = &str>) -> Result<HashMap<String, Found>> {
        let keys: Vec<&str> = keys.collect::<BTreeSet<&str>>().into_iter().collect();
        let mut all = HashMap::with_capacity(keys.len());
        let mut asked = vec![keys.as_slice()];
        while let Some(keys) = asked.pop().filter(|keys| !keys.is_empty()) {
            match self.get_part(keys, &mut all).await {
                Ok(()) => {}
                Err(failure) if failure.is_too_much() && keys.len() > 1 => {
                    let (first, second) = keys.split_at(keys.len() / 2);
                    asked.extend([first, second]);
                }
                Err(failure) => return Err(failure.of("read", Location::store(NAME))),
            }
        }
        Ok(all)
    }

    async fn get_part(&self, keys: &[&str], all: &mut HashMap<String, Found>) -> Result<(), Failure> {
        let names: Array = keys.iter().map(|key| JsValue::from_str(key)).collect();
        let reply = self.call("getWithMetadata", &[names.into(), "text".into()]).await?;
        let reply: js_sys::Map = reply.dyn_into()?;
        for key in keys {
            let Some((value, metadata)) = entry(&reply.get(&(*key).into()))? else { continue };
            let text = value.as_string().ok_or(value)?;
            // It may be no text, which a read of bytes alone tells.
            let found = match text.contains(REPLACEMENT) {
                true => self.get_bytes(key).await?,
                false => Some(found(text, metadata)),
            };
            all.extend(found.map(|found| ((*key).to_owned(), found)));
        }
        Ok(())
    }

    pub(super) async fn put(&self, key: &Key, spelt: Spelt) -> Result<()> {
        let put = async {
            let options = Object::new();
            let metadata = JSON::parse(&Value::Object(spelt.metadata).to_string())?;
            Reflect::set(&options, &"metadata".into(), &metadata)?;
            if let Some(seconds) = spelt.ttl_seconds {
                Reflect::set(&options, &"expirationTtl".into(), &JsValue::from_f64(seconds as f64))?;
            }
            let value = Uint8Array::from(spelt.value.as_bytes());
            self.call("put", &[key.as_str().into(), value.into(), options.into()]).await
        };
        put.await.map(drop).map_err(|failure: Failure| failure.of_write("write", Location::of(NAME, key)))
    }

    pub(super) async fn delete(&self, key: &Key) -> Result<()> {
        let deleted = self.call("delete", &[key.as_str().into()]).await;
        deleted.map(drop).map_err(|failure| failure.of_write("delete", Location::of(NAME, key)))
    }

    /// So many keys at most, in their order, and where the list goes on.
    pub(super) async fn list(
        &self,
        prefix: &Key,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Listed>, Option<String>)> {
        let at = || Location::of(NAME, prefix);
        let page = self.list_page(prefix.as_str(), after, limit).await.map_err(|failure| match failure {
            // Its prefix and its limit are ones that are taken.
            Failure { status: Some(400), .. } if after.is_some() => Error::InvalidCursor { at: at() },
            failure => failure.of("list", at()),
        })?;
        let next = page.cursor.filter(|cursor| !page.list_complete && !cursor.is_empty());
        Ok((page.keys, next))
    }

    async fn list_page(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Page, Failure> {
        let options = Object::new();
        Reflect::set(&options, &"prefix".into(), &prefix.into())?;
        Reflect::set(&options, &"limit".into(), &JsValue::from_f64(limit as f64))?;
        if let Some(cursor) = after {
            Reflect::set(&options, &"cursor".into(), &cursor.into())?;
        }
        let reply = self.call("list", &[options.into()]).await?;
        // One text in the place of thousands of calls into JavaScript.
        Ok(serde_json::from_str(&String::from(JSON::stringify(&reply)?))?)
    }

    async fn call(&self, method: &str, arguments: &[JsValue]) -> Result<JsValue, Failure> {
        let method: Function = Reflect::get(&self.0, &method.into())?.dyn_into()?;
        let promise = method.apply(&self.0, &arguments.iter().collect())?;
        Ok(JsFuture::from(Promise::resolve(&promise)).await?)
    }
}

fn found(value: impl Into<Bytes>, metadata: Option<Value>) -> Found {
    Found { value: value.into(), metadata, expiration: Expiration::Untold }
}

/// Value and metadata of one key: `{ value, metadata }`, or null in the place of either or of both.
fn entry(reply: &JsValue) -> Result<Option<(JsValue, Option<Value>)>, Failure> {
    if !reply.is_object() {
        return Ok(None);
    }
    let [value, metadata] = [Reflect::get(reply, &"value".into())?, Reflect::get(reply, &"metadata".into())?];
    if value.is_null() || value.is_undefined() {
        return Ok(None);
    }
    let metadata = match metadata.is_undefined() {
        true => None,
        false => Some(serde_json::from_str(&String::from(JSON::stringify(&metadata)?))?),
    };
    Ok(Some((value, metadata)))
}

/// What the runtime threw, or a reply that is none of the binding's.
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

    /// Whether it was the service or the way to it: the call itself was right.
    fn is_of_service(&self) -> bool {
        match self.status {
            Some(status) => status >= 500,
            // The connection, or the runtime itself. What else it throws are mistakes of the call, which no retry mends.
            None => self.message.contains("connection") || self.message.contains("internal error"),
        }
    }

    fn of(self, action: &'static str, at: Box<Location>) -> Error {
        let retryable = self.status == Some(429) || self.is_of_service();
        Error::store(at, action, retryable, self)
    }

    /// Of something that writes: what may have been done is not said to have failed.
    fn of_write(self, action: &'static str, at: Box<Location>) -> Error {
        if self.is_of_service() {
            return Error::OutcomeUnknown { at, source: SharedError::new(self) };
        }
        self.of(action, at)
    }
}

/// `KV PUT failed: 429 Too Many Requests` is how the runtime tells of a reply. It quotes neither key nor value, but where it parses one.
impl From<JsValue> for Failure {
    fn from(thrown: JsValue) -> Self {
        if thrown.has_type::<js_sys::SyntaxError>() {
            return Self { message: NO_REPLY.to_owned(), status: None };
        }
        let Some(error) = thrown.dyn_ref::<js_sys::Error>() else {
            return Self {
                message: "the binding gave something else than it should".to_owned(),
                status: None,
            };
        };
        let message = String::from(error.message());
        let status = message.split_once("failed: ").and_then(|(_, reply)| reply.get(..3)?.parse().ok());
        Self { message, status }
    }
}

impl From<js_sys::Object> for Failure {
    fn from(reply: js_sys::Object) -> Self {
        JsValue::from(reply).into()
    }
}

impl From<serde_json::Error> for Failure {
    fn from(_: serde_json::Error) -> Self {
        Self { message: NO_REPLY.to_owned(), status: None }
    }
}
