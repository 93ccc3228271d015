//! Many writes through a binding that takes one key a call.

use std::collections::HashMap;

use kv_store::key::Key;
use kv_store::record::NewRecord;
use kv_store::{BoxFuture, Error, Location, Result};

use super::NAME;
use super::store::WorkersStore;
use crate::at_once::{AT_ONCE, at_once};

impl WorkersStore {
    /// Writes the records, and removes what stands where there is none, a few at a time; it ends after those that failed. Of several
    /// under one key the last alone is written: they would race, and a key takes one write a second.
    pub(super) async fn write_many(&self, mut writes: Vec<(Key, Option<NewRecord>)>) -> Result<()> {
        let keys: Vec<Key> = writes.iter().map(|(key, _)| key.clone()).collect();
        let last: HashMap<&str, usize> = keys.iter().map(Key::as_str).zip(0..).collect();
        let is_last = |position: &usize| {
            keys.get(*position).is_some_and(|key| last.get(key.as_str()) == Some(position))
        };
        let positions: Vec<usize> = (0..keys.len()).filter(is_last).collect();
        for positions in positions.chunks(AT_ONCE) {
            let started = positions.iter().filter_map(|position| -> Option<BoxFuture<'_, _>> {
                let (key, record) = (keys.get(*position)?, writes.get_mut(*position)?.1.take());
                Some(Box::pin(self.write_one(key, record)))
            });
            let done = at_once(started).await;
            let mut ended = positions.iter().copied().zip(done).skip_while(|(_, done)| done.is_ok());
            if let Some((failed, Err(first))) = ended.next() {
                let at =
                    keys.get(failed).map_or_else(|| Location::store(NAME), |key| Location::of(NAME, key));
                let (mut also, mut unknown, mut source) = (Vec::new(), Vec::new(), first);
                if source.is_unknown() {
                    unknown.push(failed);
                }
                for (position, done) in ended {
                    match done {
                        Ok(()) => also.push(position),
                        Err(error) if error.is_unknown() => {
                            unknown.push(position);
                            source = error;
                        }
                        Err(_) => {}
                    }
                }
                return Err(Error::Partial { at, written: failed, also, unknown, source: Box::new(source) });
            }
        }
        Ok(())
    }
}
