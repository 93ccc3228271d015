//! Many reads, and many writes, over several objects.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::Write;
use kv_store::{Error, Location, Result};

use super::DurableClient;
use crate::durable::message::{Change, Request};
use crate::durable::{NAME, answer};

/// A Worker has so many connections at once; more requests would wait.
const AT_ONCE: usize = 6;

/// The objects of a batch, and the places of the keys that each holds.
type Objects = Vec<(String, Vec<usize>)>;

impl DurableClient {
    fn objects<'k>(&self, keys: impl Iterator<Item = &'k str>) -> Objects {
        let mut objects = BTreeMap::<String, Vec<usize>>::new();
        for (position, key) in keys.enumerate() {
            objects.entry(self.0.shards.of_key(key)).or_default().push(position);
        }
        objects.into_iter().collect()
    }

    pub(super) async fn read_batch(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        let mut records: Vec<Option<Record>> = vec![None; keys.len()];
        let objects = self.objects(keys.iter().map(Key::as_str));
        for some in objects.chunks(AT_ONCE) {
            let reads = some.iter().map(|(object, positions)| self.read_object(object, positions, keys));
            for (read, (_, positions)) in join_all(reads).await.into_iter().zip(some) {
                for (record, position) in read?.into_iter().zip(positions) {
                    if let Some(slot) = records.get_mut(*position) {
                        *slot = record;
                    }
                }
            }
        }
        Ok(records)
    }

    async fn read_object(
        &self,
        object: &str,
        positions: &[usize],
        keys: &[Key],
    ) -> Result<Vec<Option<Record>>> {
        let keys: Vec<&Key> = positions.iter().filter_map(|position| keys.get(*position)).collect();
        let request = Request::Get(keys.iter().map(|key| key.as_str().to_owned()).collect());
        match self.call(object, &request).await {
            Ok(response) => answer::records(response, &keys),
            Err(lost) => Err(lost.of_read("read", answer::many(&keys))),
        }
    }

    /// Writes a batch: all or nothing if one object holds all keys of the store.
    pub(super) async fn write_batch(&self, writes: Vec<Write>) -> Result<()> {
        let keys: Vec<Key> = writes.iter().map(|write| write.key().clone()).collect();
        let mut changes: Vec<Option<Change>> = Change::all(writes)?.into_iter().map(Some).collect();
        let objects = self.objects(keys.iter().map(Key::as_str));
        let mut ended: Vec<Option<Result<()>>> = vec![None; keys.len()];
        for some in objects.chunks(AT_ONCE) {
            let mut take = |positions: &[usize]| -> Vec<Change> {
                positions.iter().filter_map(|position| changes.get_mut(*position)?.take()).collect()
            };
            let sent: Vec<_> = some.iter().map(|(object, positions)| (object, take(positions))).collect();
            let done = sent.into_iter().map(|(object, changes)| self.write_object(object, changes));
            let mut has_failed = false;
            for (done, (_, positions)) in join_all(done).await.into_iter().zip(some) {
                has_failed |= done.is_err();
                for position in positions {
                    if let Some(slot) = ended.get_mut(*position) {
                        *slot = Some(done.clone());
                    }
                }
            }
            if has_failed {
                return Err(self.failure(&keys, ended));
            }
        }
        Ok(())
    }

    async fn write_object(&self, object: &str, changes: Vec<Change>) -> Result<()> {
        let at = || Location::store(NAME);
        match self.call(object, &Request::Write(changes)).await {
            Ok(response) => answer::done(response, at),
            Err(lost) => Err(lost.of_write("write", at())),
        }
    }

    /// The error of a batch of which something was not written.
    fn failure(&self, keys: &[Key], ended: Vec<Option<Result<()>>>) -> Error {
        let is_done = |end: &Option<Result<()>>| matches!(end, Some(Ok(())));
        let written = ended.iter().take_while(|end| is_done(end)).count();
        let also =
            (written..ended.len()).filter(|position| ended.get(*position).is_some_and(is_done)).collect();
        let (mut unknown, mut source, mut first) = (Vec::new(), None, None);
        for (position, end) in ended.into_iter().enumerate() {
            match end {
                Some(Err(error)) if error.is_unknown() => {
                    unknown.push(position);
                    source.get_or_insert(error);
                }
                Some(Err(error)) => {
                    first.get_or_insert(error);
                }
                _ => {}
            }
        }
        let at = keys.get(written).map_or_else(|| Location::store(NAME), |key| Location::of(NAME, key));
        match source.or(first) {
            Some(error) if self.0.shards.is_one() => error,
            Some(source) => Error::Partial { at, written, also, unknown, source: Box::new(source) },
            // Not to be had: something failed.
            None => Error::Malformed { at, what: "a batch failed without an error".into() },
        }
    }
}
