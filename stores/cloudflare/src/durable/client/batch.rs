//! Many reads, and many writes, over several objects.

use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::Write;
use kv_store::{BoxFuture, Error, Location, Result};

use super::DurableClient;
use crate::at_once::{AT_ONCE, at_once};
use crate::durable::message::{Change, Request};
use crate::durable::{NAME, answer};

/// The objects of a batch, and the places of the keys that each holds.
type Objects = Vec<(String, Vec<usize>)>;

impl DurableClient {
    fn objects<'k>(&self, keys: impl Iterator<Item = &'k str>) -> Objects {
        let mut objects = Objects::new();
        for (position, key) in keys.enumerate() {
            let object = self.0.shards.of_key(key);
            match objects.binary_search_by(|(known, _)| known.cmp(&object)) {
                Ok(at) => objects[at].1.push(position),
                Err(at) => objects.insert(at, (object, vec![position])),
            }
        }
        objects
    }

    pub(super) async fn read_batch(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        let mut records: Vec<Option<Record>> = vec![None; keys.len()];
        let objects = self.objects(keys.iter().map(Key::as_str));
        for some in objects.chunks(AT_ONCE) {
            let reads = some.iter().map(|(object, positions)| -> BoxFuture<'_, _> {
                Box::pin(self.read_object(object, positions, keys))
            });
            for (read, (_, positions)) in at_once(reads).await.into_iter().zip(some) {
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
        let mut ends = vec![End::NotWritten; keys.len()];
        for some in objects.chunks(AT_ONCE) {
            let mut take = |positions: &[usize]| -> Vec<Change> {
                positions.iter().filter_map(|position| changes.get_mut(*position)?.take()).collect()
            };
            let sent: Vec<_> = some.iter().map(|(object, positions)| (object, take(positions))).collect();
            let done = sent.into_iter().map(|(object, changes)| -> BoxFuture<'_, _> {
                Box::pin(self.write_object(object, changes))
            });
            let (mut failed, mut unknown) = (None, None);
            for (done, (_, positions)) in at_once(done).await.into_iter().zip(some) {
                let end = match done {
                    Ok(()) => End::Written,
                    Err(error) if error.is_unknown() => {
                        unknown.get_or_insert(error);
                        End::Unknown
                    }
                    Err(error) => {
                        failed.get_or_insert(error);
                        End::NotWritten
                    }
                };
                for position in positions {
                    if let Some(slot) = ends.get_mut(*position) {
                        *slot = end;
                    }
                }
            }
            if let Some(source) = unknown.or(failed) {
                return Err(self.failure(&keys, &ends, source));
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
    fn failure(&self, keys: &[Key], ends: &[End], source: Error) -> Error {
        if self.0.shards.is_one() {
            return source;
        }
        let of = |wanted: End| (0..ends.len()).filter(move |position| ends.get(*position) == Some(&wanted));
        let written = ends.iter().take_while(|end| **end == End::Written).count();
        let at = keys.get(written).map_or_else(|| Location::store(NAME), |key| Location::of(NAME, key));
        let also = of(End::Written).filter(|position| *position > written).collect();
        Error::Partial { at, written, also, unknown: of(End::Unknown).collect(), source: Box::new(source) }
    }
}

/// How the write of a key ended.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Written,
    Unknown,
    NotWritten,
}
