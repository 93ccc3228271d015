//! The calls of a KV binding.
//!
//! They are made here, not through the `KvStore` of the `worker` crate: of several keys read at
//! once, that fails if one is absent.

use std::collections::HashMap;

use bytes::Bytes;
use kv_store::__private::json::json_of_text;
use kv_store::key::Key;
use kv_store::{Error, Location, Result};
use serde::Deserialize;
use serde_json::Value;
use worker::js_sys::{self, Array, Function, JSON, Object, Promise, Reflect, Uint8Array};
use worker::send::SendWrapper;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;

use super::failure::Failure;
use super::{BATCH_READ, NAME};
use crate::record::{Expiration, RawRecord, Spelt};

/// The character that replaces bytes that are not text.
const REPLACEMENT: char = '\u{FFFD}';

/// A namespace.
#[derive(Clone)]
pub(super) struct Binding {
    namespace: SendWrapper<JsValue>,
    /// In seconds.
    cache_ttl: Option<u64>,
}

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
            return Ok(Self { namespace: SendWrapper::new(binding), cache_ttl: None });
        }
        let what = format!("the Worker's configuration binds no KV namespace as `{name}`; add it there");
        Err(Error::InvalidOptions { at: Location::store(NAME), what: what.into() })
    }

    pub(super) const fn with_cache_ttl(mut self, seconds: u64) -> Self {
        self.cache_ttl = Some(seconds);
        self
    }

    pub(super) async fn get(&self, key: &Key) -> Result<Option<RawRecord>> {
        let found = self.get_bytes(key.as_str()).await;
        found.map_err(|failure| failure.of("read", Location::of(NAME, key)))
    }

    async fn get_bytes(&self, key: &str) -> Result<Option<RawRecord>, Failure> {
        let reply = self.read(key.into(), "arrayBuffer").await?;
        Ok(entry(&reply)?.map(|(value, metadata)| found(Uint8Array::new(&value).to_vec(), metadata)))
    }

    /// Reads these keys, which do not repeat, until the values read have `most_bytes`. Also returns
    /// how many keys were read. Where the values are too much for one reply, each half is read by
    /// itself.
    pub(super) async fn get_many(
        &self,
        keys: &[&str],
        most_bytes: usize,
        at: &dyn Fn(&str) -> Box<Location>,
    ) -> Result<(HashMap<String, RawRecord>, usize)> {
        let (mut all, mut bytes, mut read) = (HashMap::with_capacity(keys.len()), 0_usize, 0);
        // The parts that are left, the next one last.
        let mut left: Vec<&[&str]> = keys.chunks(BATCH_READ).rev().collect();
        while bytes < most_bytes
            && let Some(part) = left.pop()
        {
            let first = part.first().copied().unwrap_or_default();
            let found = match self.get_part(part).await {
                Err(failure) if failure.is_too_much() && part.len() > 1 => {
                    let (first, second) = part.split_at(part.len() / 2);
                    left.extend([second, first]);
                    continue;
                }
                // What is too long for a reply with others is read by itself.
                Err(failure) if failure.is_too_much() => {
                    let found = self.get_bytes(first).await;
                    found.map(|found| found.map(|found| (first.to_owned(), found)).into_iter().collect())
                }
                found => found,
            };
            let found: Vec<_> = found.map_err(|failure| failure.of("read", at(first)))?;
            bytes = found.iter().fold(bytes, |bytes, (_, found)| bytes.saturating_add(found.value.len()));
            all.extend(found);
            read += part.len();
        }
        Ok((all, read))
    }

    async fn get_part(&self, keys: &[&str]) -> Result<Vec<(String, RawRecord)>, Failure> {
        let names: Array = keys.iter().map(|key| JsValue::from_str(key)).collect();
        let reply = self.read(names.into(), "text").await?;
        let reply: js_sys::Map = reply.dyn_into()?;
        let mut all = Vec::with_capacity(keys.len());
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
        Ok(all)
    }

    /// Value and metadata of a key, or of several.
    async fn read(&self, keys: JsValue, form: &str) -> Result<JsValue, Failure> {
        let how = match self.cache_ttl {
            None => form.into(),
            Some(seconds) => {
                let options = Object::new();
                Reflect::set(&options, &"type".into(), &form.into())?;
                Reflect::set(&options, &"cacheTtl".into(), &JsValue::from_f64(seconds as f64))?;
                options.into()
            }
        };
        self.call("getWithMetadata", &[keys, how]).await
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
            failure if failure.is_bad_request() && after.is_some() => Error::InvalidCursor { at: at() },
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
        Ok(json_of_text(&String::from(JSON::stringify(&reply)?))?)
    }

    async fn call(&self, method: &str, arguments: &[JsValue]) -> Result<JsValue, Failure> {
        let method: Function = Reflect::get(&self.namespace, &method.into())?.dyn_into()?;
        let promise = method.apply(&self.namespace, &arguments.iter().collect())?;
        Ok(JsFuture::from(Promise::resolve(&promise)).await?)
    }
}

fn found(value: impl Into<Bytes>, metadata: Option<Value>) -> RawRecord {
    RawRecord { value: value.into(), metadata, expiration: Expiration::Untold }
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
        false => Some(json_of_text(&String::from(JSON::stringify(&metadata)?))?),
    };
    Ok(Some((value, metadata)))
}
