//! What a commit needs for the indexes beside the records that it writes.
//!
//! The rules were checked over all interleavings of two writers. Each claim that is taken, given up
//! or relied on is a condition of the commit. One that another entity holds is taken over only on
//! condition that this entity is absent, or has the revision at which it has another value.

use std::collections::BTreeMap;

use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{Condition, Expect, Write};
use kv_store::{Error, MaybeSend, MaybeSync, Result};

use super::change::Change;
use super::claim::{holder_of, new_claim};

/// Where a plan reads: a store, or a transaction.
pub(crate) trait Reads: MaybeSync {
    fn read(&self, keys: &[Key]) -> impl Future<Output = Result<Vec<Option<Record>>>> + MaybeSend;
}

/// Further conditions and writes of a commit.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) conditions: Vec<Condition>,
    pub(crate) writes: Vec<Write>,
    /// Why the commit must not be made, if the conditions hold: an error for each value that another
    /// entity keeps. The writes leave these values alone.
    pub(crate) taken: Vec<Error>,
}

/// One of the changes, and the number of an index of its entity.
#[derive(Clone, Copy)]
struct ChangedIndex {
    change: usize,
    index: usize,
}

/// What the changes do to claims.
#[derive(Default)]
struct Claims {
    wanted: BTreeMap<Key, ChangedIndex>,
    given_up: BTreeMap<Key, ChangedIndex>,
    /// The entries of each entity after the commit.
    after: Vec<Vec<Option<Key>>>,
}

/// A value that another entity has claimed, and the claim's revision.
struct Held {
    key: Key,
    changed: ChangedIndex,
    holder: Key,
}

/// Returns what the changes of one commit need. Two that are of the same entity lead to the same
/// records.
pub(crate) async fn plan(changes: &[Change<'_>], reads: &impl Reads) -> Result<Plan> {
    let mut plan = Plan::default();
    let claims = plan.enter(changes)?;
    let keys: Vec<Key> = claims
        .wanted
        .keys()
        .chain(claims.given_up.keys().filter(|key| !claims.wanted.contains_key(*key)))
        .cloned()
        .collect();
    if keys.is_empty() {
        return Ok(plan);
    }
    let found = reads.read(&keys).await?;
    let mut held = Vec::new();
    for (key, claim) in keys.into_iter().zip(found) {
        match claims.wanted.get(&key) {
            Some(changed) => held.extend(plan.claim((changes, &claims), key, *changed, claim)?),
            None => plan.give_up((changes, &claims), key, claim)?,
        }
    }
    plan.take_over(changes, held, reads).await?;
    Ok(plan)
}

impl Plan {
    /// Adds the entries of indexes that are not unique, and returns the claims of the others.
    fn enter(&mut self, changes: &[Change<'_>]) -> Result<Claims> {
        let mut claims = Claims::default();
        for (change, it) in changes.iter().enumerate() {
            // What cannot be decoded leaves its entries, which lookups pass over and sweeps remove.
            let before = it.of.entries(&it.anchor, &it.before).unwrap_or_default();
            let after = it.of.entries(&it.anchor, &it.after)?;
            claims.after.push(after.clone());
            for (index, (schema, after)) in it.of.indexes().iter().zip(after).enumerate() {
                let before = before.get(index).cloned().flatten();
                if before == after {
                    continue;
                }
                let changed = ChangedIndex { change, index };
                if !schema.is_unique() {
                    self.writes.extend(before.map(Write::RemoveEntry));
                    self.writes.extend(after.map(Write::AddEntry));
                    continue;
                }
                claims.given_up.extend(before.map(|key| (key, changed)));
                let Some(key) = after else { continue };
                let first = *claims.wanted.entry(key).or_insert(changed);
                let first = &changes[first.change].anchor;
                // In a transaction, an entity and its views are several changes of one entity.
                if first.entity_part() != it.anchor.entity_part() {
                    self.taken.push(not_unique(changes, changed, first));
                }
            }
        }
        Ok(claims)
    }

    /// Claims a value. Returns what is to be decided if another entity has claimed it.
    fn claim(
        &mut self,
        (changes, claims): (&[Change<'_>], &Claims),
        key: Key,
        changed: ChangedIndex,
        claim: Option<Record>,
    ) -> Result<Option<Held>> {
        let Change { of, anchor, .. } = &changes[changed.change];
        let Some(claim) = claim else {
            self.conditions.push(Condition::new(key.clone(), Expect::Absent));
            self.writes.push(Write::Put(key, new_claim(anchor)));
            return Ok(None);
        };
        let holder = holder_of(*of, &key, &claim)?;
        self.conditions.push(Condition::new(key.clone(), Expect::Revision(claim.revision)));
        if holder.entity_part() == anchor.entity_part() {
            return Ok(None);
        }
        let is_holder = |other: &Change<'_>| other.anchor.entity_part() == holder.entity_part();
        let Some(other) = changes.iter().position(is_holder) else {
            return Ok(Some(Held { key, changed, holder }));
        };
        if claims.after[other].contains(&Some(key.clone())) {
            self.taken.push(not_unique(changes, changed, &holder));
        } else {
            self.writes.push(Write::Put(key, new_claim(anchor)));
        }
        Ok(None)
    }

    /// Removes the claim of a value that nobody in the commit has any more, if it is the entity's.
    fn give_up(
        &mut self,
        (changes, claims): (&[Change<'_>], &Claims),
        key: Key,
        claim: Option<Record>,
    ) -> Result<()> {
        let Some(changed) = claims.given_up.get(&key) else { return Ok(()) };
        let Some(claim) = claim else {
            // A build may be about to add it.
            self.conditions.push(Condition::new(key, Expect::Absent));
            return Ok(());
        };
        let Change { of, anchor, .. } = &changes[changed.change];
        if holder_of(*of, &key, &claim)?.entity_part() == anchor.entity_part() {
            self.conditions.push(Condition::new(key.clone(), Expect::Revision(claim.revision)));
            self.writes.push(Write::Delete(key));
        }
        Ok(())
    }

    /// Takes over the values whose holders are gone or have others.
    async fn take_over(&mut self, changes: &[Change<'_>], held: Vec<Held>, reads: &impl Reads) -> Result<()> {
        if held.is_empty() {
            return Ok(());
        }
        let keys_of = |held: &Held| changes[held.changed.change].of.keys(&held.holder);
        let keys: Vec<Vec<Key>> = held.iter().map(keys_of).collect();
        match reads.read(&keys.concat()).await {
            Ok(records) => {
                let mut records = records.into_iter();
                for (held, keys) in held.iter().zip(keys) {
                    let records: Vec<Option<Record>> = records.by_ref().take(keys.len()).collect();
                    self.decide(changes, held, &keys, &records);
                }
            }
            // A holder that cannot be read keeps its value.
            Err(error) if error.is_of_a_record() => {
                for (held, keys) in held.iter().zip(keys) {
                    match reads.read(&keys).await {
                        Ok(records) => self.decide(changes, held, &keys, &records),
                        Err(error) if error.is_of_a_record() => {
                            self.taken.push(not_unique(changes, held.changed, &held.holder));
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes a value over, or not, by the records of its holder.
    fn decide(&mut self, changes: &[Change<'_>], held: &Held, keys: &[Key], records: &[Option<Record>]) {
        let Change { of, anchor, .. } = &changes[held.changed.change];
        let group = of.indexes().get(held.changed.index).map(|schema| schema.group());
        let found = group.and_then(|group| Some((keys.get(group)?, records.get(group)?)));
        let Some((key, record)) = found else { return };
        let expect = record.as_ref().map_or(Expect::Absent, |it| Expect::Revision(it.revision.clone()));
        self.conditions.push(Condition::new(key.clone(), expect));
        if record.is_some() && keeps(*of, held, records) {
            self.taken.push(not_unique(changes, held.changed, &held.holder));
        } else {
            self.writes.push(Write::Put(held.key.clone(), new_claim(anchor)));
        }
    }
}

/// Whether the holder has the value, or may have it: nobody can tell if its records cannot be
/// decoded, or only a group of it is there.
fn keeps(of: &dyn super::IndexedType, held: &Held, records: &[Option<Record>]) -> bool {
    if records.first().is_none_or(Option::is_none) {
        return true;
    }
    match of.entries(&held.holder, records) {
        Ok(entries) => entries.get(held.changed.index).is_some_and(|entry| entry.as_ref() == Some(&held.key)),
        Err(_) => true,
    }
}

fn not_unique(changes: &[Change<'_>], changed: ChangedIndex, holder: &Key) -> Error {
    let Change { of, anchor, .. } = &changes[changed.change];
    let index = of.indexes().get(changed.index).map_or("", |schema| schema.name);
    Error::NotUnique { at: of.at(anchor), index, holder: holder.with_group(None).to_string() }
}
