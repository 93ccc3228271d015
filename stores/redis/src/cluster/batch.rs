//! Batches over many slots: each slot's part goes to its node by itself, side by side.

use kv_store::key::Key;
use kv_store::record::NewRecord;
use kv_store::{Error, Location};

use super::slots::by_slot;
use crate::connection::side_by_side;
use crate::error::failed;
use crate::server::Deadline;
use crate::wire::Outgoing;
use crate::write::outgoing;
use crate::{NAME, inner::Inner};

impl Inner {
    /// Records of many entities: those of one slot in a transaction, the slots side by side.
    pub(crate) async fn put_each(&self, records: Vec<(Key, NewRecord)>, by: Deadline) -> Result<(), Error> {
        let len = records.len();
        let nothing_written = |error| all_of(len, &[Vec::new()], vec![Err(error)]);
        let records = match outgoing(records) {
            Ok(records) => records,
            Err(error) => return nothing_written(error),
        };
        let listed: Vec<(&Key, &Outgoing)> = records.iter().map(|(key, record)| (key, record)).collect();
        let entries = self.entries(&listed);
        if let Err(fault) = self.add_before(entries, by).await {
            return nothing_written(failed(Location::store(NAME), "write", fault));
        }
        let slots = self.slots_of(records.iter().map(|(key, _)| key));
        let mut records: Vec<Option<(Key, Outgoing)>> = records.into_iter().map(Some).collect();
        let parts = slots.iter().map(|places| {
            places.iter().filter_map(|index| records.get_mut(*index)?.take()).collect::<Vec<_>>()
        });
        let parts = parts.map(async |part| self.put_together(&part, by).await);
        let outcomes = side_by_side(parts).await;
        all_of(len, &slots, outcomes)
    }

    /// Keys of many entities: those of one slot with one command, the slots side by side.
    pub(crate) async fn delete_each(&self, keys: &[Key], by: Deadline) -> Result<(), Error> {
        let slots = self.slots_of(keys.iter());
        let parts = slots.iter().map(async |places| {
            let part: Vec<Key> = places.iter().filter_map(|index| keys.get(*index)).cloned().collect();
            self.delete_all(&part, by).await
        });
        all_of(keys.len(), &slots, side_by_side(parts).await)
    }

    fn slots_of<'k>(&self, keys: impl Iterator<Item = &'k Key>) -> Vec<Vec<usize>> {
        by_slot(&keys.map(|key| self.spelling.spell(key)).collect::<Vec<_>>())
    }
}

/// The outcome of a write of so many records from those of its slots: which were written, if not
/// all.
fn all_of(len: usize, slots: &[Vec<usize>], outcomes: Vec<Result<(), Error>>) -> Result<(), Error> {
    let mut done = vec![false; len];
    let mut unknown = Vec::new();
    let mut failure: Option<Error> = None;
    for (places, outcome) in slots.iter().zip(outcomes) {
        let Err(error) = outcome else {
            places.iter().for_each(|index| done[*index] = true);
            continue;
        };
        if error.is_unknown() {
            unknown.extend(places);
        }
        // What is unknown has to be looked at first, and outweighs what can be sent again.
        failure = match failure {
            Some(first) if first.is_unknown() || !error.is_unknown() => Some(first),
            _ => Some(error),
        };
    }
    let Some(error) = failure else { return Ok(()) };
    unknown.sort_unstable();
    let at = error.location().cloned().map_or_else(|| Location::store(NAME), Box::new);
    let written = done.iter().take_while(|done| **done).count();
    let also =
        done.iter().enumerate().skip(written).filter(|(_, done)| **done).map(|(index, _)| index).collect();
    Err(Error::Partial { at, written, also, unknown, source: Box::new(error) })
}
