//! Reads of values: one request for up to 100 keys, with metadata.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::future::try_join_all;
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::{Location, Result};
use serde::Serialize;
use serde_json::Value;

use super::super::record::{Expiration, RawRecord, read};
use super::NAME;
use super::client::{Request, escape};
use super::failure::{Cause, Failure};
use super::reply::{ValueWithMetadata, Values, seconds};
use super::shared::Shared;

/// As many keys as the API takes.
const KEYS_OF_READ: usize = 100;

/// As many requests of one call are under way at once.
const READS_AT_ONCE: usize = 4;

/// How often a long value is read that others keep writing.
const LONG_READS: usize = 8;

/// Where what is read lies, for errors.
#[derive(Clone, Copy)]
pub(super) enum ReadLocation<'a> {
    /// Under these keys, in the order of the names.
    Of(&'a [Key]),
    /// Under this prefix; nothing tells which part of a listed key is secret.
    Under(&'a Key),
}

impl ReadLocation<'_> {
    fn at(&self, index: usize) -> Box<Location> {
        match self {
            Self::Of(keys) => {
                keys.get(index).map_or_else(|| Location::store(NAME), |it| Location::of(NAME, it))
            }
            Self::Under(prefix) => Location::of(NAME, prefix),
        }
    }

    /// Returns whether the server's message might quote a secret.
    fn is_secret(&self) -> bool {
        match self {
            Self::Of(keys) => keys.iter().any(Key::has_secret),
            Self::Under(_) => true,
        }
    }
}

#[derive(Serialize)]
struct BulkGet<'a> {
    keys: &'a [&'a str],
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "withMetadata")]
    with_metadata: bool,
}

impl Shared {
    /// The records of these names, in their order; of each that cannot be read, why.
    pub(super) async fn read(
        &self,
        names: &[&str],
        location: ReadLocation<'_>,
    ) -> Result<Vec<Result<Option<Record>>>> {
        let mut asked: Vec<&str> = names.to_vec();
        asked.sort_unstable();
        asked.dedup();
        let mut found: HashMap<&str, RawRecord> = HashMap::with_capacity(asked.len());
        let parts: Vec<&[&str]> = asked.chunks(KEYS_OF_READ).collect();
        for parts in parts.chunks(READS_AT_ONCE) {
            let read = parts.iter().map(|part| self.read_part(part, location.is_secret()));
            let read = try_join_all(read).await.map_err(|failure| failure.of_read(location.at(0), "read"))?;
            found.extend(read.into_iter().flatten());
        }
        let now = self.client.clock.now();
        let record = |(number, name): (usize, &&str)| match found.get(name) {
            Some(found) => read(found.clone(), now, &|| location.at(number)),
            None => Ok(None),
        };
        Ok(names.iter().enumerate().map(record).collect())
    }

    /// What is there of so many names; if it is too much for one answer, by halves.
    async fn read_part<'a>(
        &self,
        names: &[&'a str],
        secret: bool,
    ) -> Result<Vec<(&'a str, RawRecord)>, Failure> {
        let mut found = Vec::with_capacity(names.len());
        let mut parts = vec![names];
        while let Some(part) = parts.pop() {
            match self.bulk_get(part, secret).await {
                Ok(Values { mut values }) => {
                    for name in part {
                        let value = values.remove(*name).flatten().and_then(ValueWithMetadata::into_found);
                        let read = match value {
                            Some(it) if has_lost_bytes(&it.value) => self.long(name, secret).await?,
                            value => value,
                        };
                        found.extend(read.map(|it| (*name, it)));
                    }
                }
                Err(failure) if failure.cause.is_too_large() => match part {
                    [name] => found.extend(self.long(name, secret).await?.map(|it| (*name, it))),
                    _ => {
                        let (front, back) = part.split_at(part.len() / 2);
                        parts.extend([back, front]);
                    }
                },
                Err(failure) => return Err(failure),
            }
        }
        Ok(found)
    }

    async fn bulk_get(&self, names: &[&str], secret: bool) -> Result<Values, Failure> {
        let body = BulkGet { keys: names, kind: "text", with_metadata: true };
        let request = Request::post("bulk/get", json(&body)?).secret(secret);
        self.client.result(&request).await
    }

    /// A value that is too long to be read together with its metadata, or no text. It is taken if
    /// the metadata is the same before and after, so that it is that of the value.
    async fn long(&self, name: &str, secret: bool) -> Result<Option<RawRecord>, Failure> {
        let name = escape(name);
        let metadata_request = Request::get(format!("metadata/{name}")).secret(secret);
        let value_request = Request::get(format!("values/{name}")).secret(secret);
        let mut before: Option<Value> = absent(self.metadata(&metadata_request).await)?.flatten();
        for _ in 0..LONG_READS {
            let Some(answer) = absent(self.client.answer(&value_request).await)? else { return Ok(None) };
            let after = absent(self.metadata(&metadata_request).await)?.flatten();
            if before == after {
                let expiration =
                    answer.headers.get("expiration").and_then(|it| it.to_str().ok()?.parse().ok());
                let expiration = expiration.map_or(Expiration::Untold, Expiration::At);
                return Ok(Some(RawRecord { value: Bytes::from(answer.body), metadata: after, expiration }));
            }
            before = after;
        }
        Err(Failure::unsent(Cause::Contended))
    }

    async fn metadata(&self, request: &Request) -> Result<Option<Value>, Failure> {
        Ok(self.client.envelope::<Value>(request).await?.result)
    }
}

impl ValueWithMetadata {
    pub(super) fn into_found(self) -> Option<RawRecord> {
        let expiration =
            self.expiration.as_ref().map_or(Expiration::Untold, |it| Expiration::At(seconds(it)));
        Some(RawRecord { value: self.value?.into(), metadata: self.metadata, expiration })
    }
}

/// Returns whether a value of a bulk read may not be text: it contains the character that replaces
/// invalid bytes.
fn has_lost_bytes(text: &Bytes) -> bool {
    let mut replaced = [0; 4];
    let replaced = char::REPLACEMENT_CHARACTER.encode_utf8(&mut replaced).as_bytes();
    text.windows(replaced.len()).any(|bytes| bytes == replaced)
}

/// A key that is not there is no failure.
fn absent<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.cause.is_absent() => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The body of a request.
pub(super) fn json<T: Serialize>(body: &T) -> Result<Bytes, Failure> {
    serde_json::to_vec(body).map(Bytes::from).map_err(|error| Failure::unsent(Cause::Unwritable(error)))
}
