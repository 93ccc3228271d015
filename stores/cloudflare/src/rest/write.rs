//! Writes: one request for up to 10,000 keys, puts and deletes apart.

use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;
use kv_store::key::Key;
use kv_store::record::NewRecord;
use kv_store::{Error, Location, Result};
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::limits;
use super::super::record::{Spelt, spell};
use super::NAME;
use super::client::Request;
use super::failure::{Cause, Failure};
use super::read::json;
use super::reply::Done;
use super::shared::Shared;

/// As many keys as the API takes.
const KEYS_OF_WRITE: usize = 10_000;

/// As many bytes as the API takes, 100 MB, with something to spare.
const BYTES_OF_WRITE: usize = 96_000_000;

/// A batch of which not all was done.
pub(super) struct Incomplete {
    done: Vec<bool>,
    at: Box<Location>,
    pub(super) source: Error,
}

impl Incomplete {
    /// The error of a batch.
    pub(super) fn into_error(self) -> Error {
        let written = self.done.iter().take_while(|done| **done).count();
        let (also, others) = (written..self.done.len()).partition(|position| self.done[*position]);
        // Which of them had been sent is not known here.
        let unknown = if self.source.is_unknown() { others } else { Vec::new() };
        Error::Partial { at: self.at, written, also, unknown, source: Box::new(self.source) }
    }
}

/// A key that a batch did not take, however often it was sent.
#[derive(Debug, thiserror::Error)]
#[error("Cloudflare did not take {refused} keys of the batch, {rounds} times")]
struct Refused {
    refused: usize,
    rounds: u32,
}

#[derive(Serialize)]
struct BulkPut<'a> {
    key: &'a str,
    value: &'a str,
    metadata: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_ttl: Option<u64>,
}

/// What is to be done under the keys, by place; of a key that is there twice, the later.
struct Batch<'a> {
    keys: &'a [Key],
    done: Vec<bool>,
}

impl Shared {
    /// Puts and deletes: of each key its record, or nothing.
    pub(super) async fn write(&self, changes: Vec<(Key, Option<NewRecord>)>) -> Result<(), Incomplete> {
        let now = self.client.clock.now();
        let (mut keys, mut spelt) = (Vec::with_capacity(changes.len()), Vec::with_capacity(changes.len()));
        let mut refused = None;
        for (key, record) in changes {
            if refused.is_none() {
                let at = || Location::of(NAME, &key);
                let checked = limits::check_key(NAME, &key);
                let one = record.map_or(Ok(None), |record| spell(record, now, &at));
                match checked.and(one) {
                    Ok(one) => spelt.push(one),
                    Err(error) => refused = Some((at(), error)),
                }
            }
            keys.push(key);
        }
        let mut batch = Batch { keys: &keys, done: vec![false; keys.len()] };
        // Limits are checked before anything is sent.
        if let Some((at, source)) = refused {
            return Err(Incomplete { done: batch.done, at, source });
        }
        let of = |position: &usize| spelt.get(*position).and_then(Option::as_ref);
        let (puts, deletes) =
            batch.last_positions().partition::<VecDeque<usize>, _>(|position| of(position).is_some());
        self.send_all(&mut batch, puts, |keys, positions| bulk_put(keys, &spelt, positions)).await?;
        self.send_all(&mut batch, deletes, bulk_delete).await?;
        Ok(())
    }

    /// Sends what is to be done in as few requests as it takes. Keys that a request did not take are sent again.
    async fn send_all(
        &self,
        batch: &mut Batch<'_>,
        mut positions: VecDeque<usize>,
        body: impl Fn(&[Key], &mut VecDeque<usize>) -> Result<(Request, Vec<usize>), Failure>,
    ) -> Result<(), Incomplete> {
        let (mut rounds, mut refused) = (1, VecDeque::new());
        while let Some(first) = positions.front().copied() {
            let sent = async {
                let (request, sent) = body(batch.keys, &mut positions)?;
                let secret = batch.keys.iter().any(Key::has_secret);
                let answer = self.client.envelope::<Done>(&request.secret(secret)).await?;
                Ok((sent, answer.result.unwrap_or_default()))
            };
            let (sent, answer) = sent
                .await
                .map_err(|failure: Failure| batch.ended(first, |at| failure.of_write(at, "write")))?;
            let not_taken: HashSet<String> =
                answer.unsuccessful_keys.unwrap_or_default().into_iter().collect();
            for position in sent {
                let key = batch.keys[position].as_str();
                if not_taken.contains(key) {
                    refused.push_back(position);
                } else {
                    batch.done[position] = true;
                }
            }
            if positions.is_empty() && !refused.is_empty() && rounds < self.client.attempts {
                let paused = self.client.pause_after(rounds).await;
                paused.map_err(|failure| batch.ended(first, |at| failure.of_write(at, "write")))?;
                rounds += 1;
                positions = std::mem::take(&mut refused);
            }
        }
        match refused.front() {
            None => Ok(()),
            Some(first) => {
                let why = Refused { refused: refused.len(), rounds };
                Err(batch.ended(*first, |at| Error::store(at, "write", true, why)))
            }
        }
    }
}

impl Batch<'_> {
    /// The places of the writes that are to remain: of a key that is there twice, the later.
    fn last_positions(&self) -> impl Iterator<Item = usize> + use<> {
        let last: HashMap<&str, usize> =
            self.keys.iter().enumerate().map(|(position, key)| (key.as_str(), position)).collect();
        let mut positions: Vec<usize> = last.into_values().collect();
        positions.sort_unstable();
        positions.into_iter()
    }

    /// What has been done so far, and why no more was.
    fn ended(&self, position: usize, source: impl FnOnce(Box<Location>) -> Error) -> Incomplete {
        let done_keys: HashSet<&str> = self
            .keys
            .iter()
            .zip(&self.done)
            .filter(|(_, done)| **done)
            .map(|(key, _)| key.as_str())
            .collect();
        let at = || Location::of(NAME, &self.keys[position]);
        // A write that a later one of the same key replaces is done with it.
        let done = self.keys.iter().map(|key| done_keys.contains(key.as_str())).collect();
        Incomplete { done, at: at(), source: source(at()) }
    }
}

/// The request for as many of these places as one takes, which are taken out of them.
fn bulk_put(
    keys: &[Key],
    spelt: &[Option<Spelt>],
    positions: &mut VecDeque<usize>,
) -> Result<(Request, Vec<usize>), Failure> {
    let (mut body, mut sent) = (vec![b'['], Vec::new());
    while let Some(position) = positions.front().copied() {
        let Some(Spelt { value, metadata, ttl_seconds }) = &spelt[position] else { break };
        let before = body.len();
        if !sent.is_empty() {
            body.push(b',');
        }
        let put = BulkPut { key: keys[position].as_str(), value, metadata, expiration_ttl: *ttl_seconds };
        serde_json::to_writer(&mut body, &put).map_err(|error| Failure::unsent(Cause::Unwritable(error)))?;
        if !sent.is_empty() && (body.len() >= BYTES_OF_WRITE || sent.len() == KEYS_OF_WRITE) {
            body.truncate(before);
            break;
        }
        sent.push(position);
        positions.pop_front();
    }
    body.push(b']');
    Ok((Request::put("bulk", Bytes::from(body)), sent))
}

fn bulk_delete(keys: &[Key], positions: &mut VecDeque<usize>) -> Result<(Request, Vec<usize>), Failure> {
    let sent: Vec<usize> = positions.drain(..positions.len().min(KEYS_OF_WRITE)).collect();
    let names: Vec<&str> = sent.iter().map(|position| keys[*position].as_str()).collect();
    Ok((Request::post("bulk/delete", json(&names)?), sent))
}
