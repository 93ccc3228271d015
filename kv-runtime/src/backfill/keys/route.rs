//! Where an entity goes: its new key, and what is written there.

use std::collections::HashSet;

use kv_store::key::Key;
use kv_store::record::{NewRecord, Record};
use kv_store::store::{CommitScope, Store};
use kv_store::{Error, Location, Result};

use crate::collection::Collection;
use crate::entity::{GroupSchema, KvEntity};
use crate::list::{ListedKey, id_in};

/// Both collections, and which group becomes which.
pub(super) struct Route<P, E, T, S> {
    pub(super) from: Collection<P, T>,
    pub(super) into: Collection<E, S>,
    /// Of each old group, the place of the new one.
    places: Vec<usize>,
    /// Whether both collections are handles on one store.
    pub(super) is_one_store: bool,
}

/// The old and the new key of an entity's first group.
#[derive(Clone, Debug)]
pub(super) struct Moving {
    pub(super) old: Key,
    pub(super) new: Key,
}

/// An entity that was read.
pub(super) struct Ready {
    pub(super) moving: Moving,
    pub(super) old_keys: Vec<Key>,
    pub(super) new_keys: Vec<Key>,
    /// The records of the old groups.
    pub(super) records: Vec<Option<Record>>,
    /// What is written under the new keys.
    pub(super) copies: Vec<(Key, NewRecord)>,
}

impl Ready {
    /// How many conditions and writes its commit has, without those of indexes.
    pub(super) fn parts(&self) -> usize {
        2 * (self.old_keys.len() + self.new_keys.len())
    }

    pub(super) fn bytes(&self) -> usize {
        let copies = self.copies.iter().map(|(key, record)| key.len() + record.value.len());
        copies.sum::<usize>() + self.old_keys.iter().map(Key::len).sum::<usize>()
    }
}

impl<P: KvEntity, E: KvEntity, T: Store, S: Store> Route<P, E, T, S> {
    /// `renamed` has the old names of groups and their new ones.
    pub(super) fn new(
        from: Collection<P, T>,
        into: Collection<E, S>,
        renamed: &[(String, String)],
    ) -> Result<Self> {
        let invalid = |what: String| {
            let at = into.located(Location::store(into.info().name()));
            Error::InvalidOptions { at, what: what.into() }
        };
        let name_of = |schema: &GroupSchema| schema.name.unwrap_or_default();
        if let Some((old, _)) =
            renamed.iter().find(|(old, _)| !P::SCHEMA.groups.iter().any(|schema| name_of(schema) == old))
        {
            return Err(invalid(format!("`{}` has no group `{old}`", P::SCHEMA.name)));
        }
        let place = |(number, schema): (usize, &GroupSchema)| {
            let old = name_of(schema);
            let new = renamed.iter().find(|(from, _)| from == old).map(|(_, to)| to.as_str());
            // The first groups belong together, whatever their names are.
            if number == 0 && new.is_none() {
                return Ok(0);
            }
            let new = new.unwrap_or(old);
            E::SCHEMA.groups.iter().position(|schema| name_of(schema) == new).ok_or_else(|| {
                invalid(format!(
                    "`{}` has no group `{new}` for the records of the old group `{old}`: say which one with `group({old:?}, ..)`",
                    E::SCHEMA.name
                ))
            })
        };
        let places = P::SCHEMA.groups.iter().enumerate().map(place).collect::<Result<Vec<_>>>()?;
        if places.first() != Some(&0) || places.iter().collect::<HashSet<_>>().len() < places.len() {
            let what = "two old groups must not become one new group, and the first group stays the first";
            return Err(invalid(what.to_owned()));
        }
        let is_one_store = into.shares_store(&from);
        Ok(Self { from, into, places, is_one_store })
    }

    /// Returns where the entity goes, or `None` if it stays where it is.
    ///
    /// The new key may be one that the run lists as well, and that a later run lists in any case. So
    /// the id that is there must stay.
    pub(super) fn moving(
        &self,
        id: P::Id,
        new_id: &mut impl FnMut(P::Id) -> Option<E::Id>,
    ) -> Result<Option<Moving>> {
        let old = self.from.key_of_id(&id);
        let Some(new) = new_id(id).map(|id| self.into.key_of_id(&id)) else { return Ok(None) };
        if !self.is_one_store {
            return Ok(Some(Moving { old, new }));
        }
        if old.as_str() == new.as_str() {
            return Ok(None);
        }
        if let ListedKey::Entity(next) = id_in::<P>(new.as_str())
            && let Some(further) = new_id(next)
            && self.into.key_of_id(&further).as_str() != new.as_str()
        {
            let what = "the new id is also an old one that gets another new id, so nobody could tell whether this entity was moved already; move it to another prefix first";
            return Err(Error::InvalidOptions { at: self.into.at(&new), what: what.into() });
        }
        Ok(Some(Moving { old, new }))
    }

    /// Whether one commit can take the entity away and put it under its new keys.
    pub(super) fn is_one_commit(&self, moving: &Moving) -> bool {
        let scope = self.into.info().capabilities().limits.commit_scope;
        self.is_one_store
            && (scope == CommitScope::AnyKeys || moving.old.entity_part() == moving.new.entity_part())
    }

    /// Returns what is to be written, or `None` if the entity is gone.
    pub(super) fn ready(&self, moving: &Moving, records: Vec<Option<Record>>) -> Result<Option<Ready>> {
        if !matches!(records.first(), Some(Some(_))) {
            return Ok(None);
        }
        let old_keys = self.from.keys_of_anchor(&moving.old)?.into_owned();
        let new_keys = self.into.keys_of_anchor(&moving.new)?.into_owned();
        let mut copies = Vec::with_capacity(records.len());
        for ((record, place), old) in records.iter().zip(&self.places).zip(&old_keys) {
            let Some(record) = record else { continue };
            let (key, copy) = self.into.copy_of(&moving.new, *place, record)?;
            if self.is_one_store && key != *old && old_keys.contains(&key) {
                let what = "the new name of a group is the old name of another, so nobody could tell whether the entity was moved already; move it to another prefix first";
                return Err(Error::InvalidOptions { at: self.into.at(&key), what: what.into() });
            }
            copies.push((key, copy));
        }
        Ok(Some(Ready { moving: moving.clone(), old_keys, new_keys, records, copies }))
    }

    /// Whether a record of the entity is under this key already, because its key does not change.
    pub(super) fn is_kept(&self, ready: &Ready, key: &Key) -> bool {
        self.is_one_store && ready.old_keys.contains(key) && ready.new_keys.contains(key)
    }
}
