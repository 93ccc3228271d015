//! Moves one entity: it is read again as long as others write it.

use std::time::Duration;

use kv_store::key::Key;
use kv_store::record::{Expiry, Metadata, NewRecord, Record};
use kv_store::store::{AtomicStore, Commit, Condition, Expect, GetOptions, Write};
use kv_store::{Error, Result};

use super::commit::are_copies;
use super::report::Outcome;
use super::route::{Moving, Ready, Route};
use crate::codec::Codec;
use crate::entity::KvEntity;

/// How often an entity is read again that others write meanwhile.
pub(super) const ATTEMPTS: u32 = 8;

/// What is under the keys of one entity.
pub(super) enum Look {
    Gone,
    Failed(Error),
    Found(Box<Ready>, There),
}

/// What is under the new keys.
pub(super) enum There {
    Nothing,
    /// The same that would be written.
    Copy(Vec<Option<Record>>),
    Other(Vec<Option<Record>>),
}

/// The copy that this run has written, where one commit cannot move the entity.
struct Copied {
    keys: Vec<Key>,
    copies: Vec<(Key, NewRecord)>,
}

impl<P: KvEntity, E: KvEntity, T: AtomicStore, S: AtomicStore> Route<P, E, T, S> {
    /// Reads an entity, and what is under its new keys.
    pub(super) async fn look(&self, moving: &Moving) -> Result<Look> {
        let options = GetOptions::new().with_expiry().while_moving();
        let read = self.from.records_of_each_with(std::slice::from_ref(&moving.old), options).await?;
        let Some(records) = read.into_iter().next() else { return Ok(Look::Gone) };
        let ready = match records.and_then(|records| self.ready(moving, records)) {
            Ok(Some(ready)) => ready,
            Ok(None) => return Ok(Look::Gone),
            Err(error) => return Ok(Look::Failed(error)),
        };
        let options = GetOptions::new().while_moving();
        let there = match self.into.stored_records(std::slice::from_ref(&moving.new), options).await {
            Ok(there) => there,
            Err(error) if error.is_of_a_record() => return Ok(Look::Failed(error)),
            Err(error) => return Err(error),
        };
        let others = ready.new_keys.iter().zip(&there).filter(|(key, _)| !self.is_kept(&ready, key));
        let (keys, others): (Vec<Key>, Vec<Option<Record>>) =
            others.map(|(key, record)| (key.clone(), record.clone())).unzip();
        let copies: Vec<_> =
            ready.copies.iter().filter(|(key, _)| !self.is_kept(&ready, key)).cloned().collect();
        let there = if others.iter().all(Option::is_none) {
            There::Nothing
        } else if are_copies(&keys, &others, &copies) {
            There::Copy(there)
        } else {
            There::Other(there)
        };
        Ok(Look::Found(Box::new(ready), there))
    }

    /// Moves one entity.
    pub(super) async fn move_alone(&self, moving: &Moving) -> Result<Outcome> {
        let mut copied = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                let longest = Duration::from_millis(1 << attempt);
                self.into.info().clock().timer().pause(longest.mul_f64(fastrand::f64())).await;
            }
            let (ready, there) = match self.look(moving).await? {
                Look::Gone => {
                    self.take_back(moving, copied).await?;
                    return Ok(Outcome::Gone);
                }
                Look::Failed(error) => {
                    self.take_back(moving, copied).await?;
                    return Ok(Outcome::Failed(error));
                }
                Look::Found(ready, there) => (*ready, there),
            };
            match self.try_to_move(&ready, there, &mut copied).await {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {}
                Err(error) if error.is_of_an_entity() => return Ok(Outcome::Failed(error)),
                Err(error) => return Err(error),
            }
        }
        self.take_back(moving, copied).await?;
        Ok(Outcome::Contended)
    }

    /// Returns `None` if somebody else has written the entity meanwhile.
    async fn try_to_move(
        &self,
        ready: &Ready,
        there: There,
        copied: &mut Option<Copied>,
    ) -> Result<Option<Outcome>> {
        let is_done = match there {
            There::Nothing if self.is_one_commit(&ready.moving) => {
                let moved = self.move_together(std::slice::from_ref(ready)).await?;
                return Ok(moved.is_ok().then_some(Outcome::Moved));
            }
            There::Nothing => self.copy_apart(ready).await? == Commit::Done,
            There::Copy(there) => {
                if copied.is_none() && !self.is_apart(ready, &there).await? {
                    let what = "both collections are of the same records; take them from one `Kv`";
                    return Err(Error::InvalidOptions {
                        at: self.into.at(&ready.moving.new),
                        what: what.into(),
                    });
                }
                return Ok((self.remove(ready).await? == Commit::Done).then_some(Outcome::Moved));
            }
            There::Other(there) => match copied {
                // The old entity was written after it was copied.
                Some(it) if are_copies(&it.keys, &there, &it.copies) => {
                    self.replace_copy(ready, &there).await? == Commit::Done
                }
                _ => {
                    let at = self.into.at(&ready.moving.new);
                    return Ok(Some(Outcome::Failed(Error::AlreadyExists { at })));
                }
            },
        };
        if !is_done {
            return Ok(None);
        }
        *copied = Some(Copied { keys: ready.new_keys.clone(), copies: ready.copies.clone() });
        Ok((self.remove(ready).await? == Commit::Done).then_some(Outcome::Moved))
    }

    /// Removes the copy of an entity that was not moved after all, unless somebody has changed it.
    async fn take_back(&self, moving: &Moving, copied: Option<Copied>) -> Result<()> {
        let Some(Copied { keys, copies }) = copied else { return Ok(()) };
        let anchor = std::slice::from_ref(&moving.new);
        let there = self.into.stored_records(anchor, GetOptions::new().while_moving()).await?;
        if are_copies(&keys, &there, &copies) {
            // If somebody has changed it meanwhile, it stays.
            let _ = self.remove_copy(&moving.new, &there).await?;
        }
        Ok(())
    }

    /// Returns whether the old and the new key are of different records, which two handles of one
    /// server need not be. Otherwise the removal would remove both.
    async fn is_apart(&self, ready: &Ready, there: &[Option<Record>]) -> Result<bool> {
        if self.is_one_store {
            return Ok(true);
        }
        if let (Some(Some(old)), Some(Some(new))) = (ready.records.first(), there.first())
            && !old.is_plain()
            && !new.is_plain()
        {
            return Ok(old.revision != new.revision);
        }
        // The revision of a plain record is its value. A record beside each of them shows it.
        let beside =
            |key: &Key, token: u64| Key::from_text(format!("{key}!moves{token:x}", key = key.as_str()));
        let token = fastrand::u64(..);
        let (old, new) = (beside(&ready.moving.old, token), beside(&ready.moving.new, token));
        let mark = NewRecord::new("{}", Metadata::new(1, Codec::Json));
        let mark = mark.with_expiry(Expiry::After(Duration::from_secs(60)));
        let mut absent = Condition::new(new.clone(), Expect::Absent);
        absent.moves_here = true;
        // The text of these keys does not say which ids are secret.
        let hidden = |error: Error| error.with_location(self.into.at(&ready.moving.new));
        let put = Write::Put(new.clone(), mark).into();
        if self.into.kv.writes().commit(vec![absent], put).await.map_err(hidden)? != Commit::Done {
            return Ok(false);
        }
        let found = self.from.store().get(&old, GetOptions::new().while_moving()).await.map_err(hidden)?;
        self.into.kv.writes().write(Write::Delete(new).into()).await.map_err(hidden)?;
        Ok(found.is_none())
    }
}
