//! Adds the entries of entities that are stored already.

use std::collections::VecDeque;
use std::ops::Bound;
use std::time::Duration;

use futures_util::future::join_all;
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{Commit, EntryQuery, IndexStore, Write};
use kv_store::{Error, Result};

use super::report::IndexReport;
use crate::collection::Collection;
use crate::collection::indexed::{Change, IndexedType, Of, StoreReads, by_scope, plan};
use crate::entity::KvEntity;

/// How often entities are read again that others write meanwhile.
const ATTEMPTS: u32 = 8;

/// How entries are added.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Without a look at which are there: all of a new index are missing.
    Build,
    /// Only those that are missing.
    Repair,
}

/// Adds the entries of these entities, in as few commits as possible.
pub(super) async fn enter<E: KvEntity, S: IndexStore>(
    collection: &Collection<E, S>,
    anchors: Vec<Key>,
    mode: Mode,
    report: &mut IndexReport,
) -> Result<()> {
    let limits = collection.info().capabilities().limits;
    let of_commit = Collection::<E, S>::entities_in_commit(limits.commit);
    let shards = by_scope(limits.commit_scope, anchors, |anchor| anchor);
    let parts = shards.iter().flat_map(|anchors| anchors.chunks(of_commit));
    let mut parts: VecDeque<Vec<Key>> = parts.map(<[Key]>::to_vec).collect();
    let mut attempt = 0;
    while let Some(part) = parts.pop_front() {
        let mut found = IndexReport::default();
        if try_enter(collection, &part, mode, &mut found).await? == Commit::Done {
            report.add(found);
            attempt = 0;
            continue;
        }
        attempt += 1;
        if part.len() > 1 {
            // So that one entity which others write does not hold up all of them.
            let (one, other) = part.split_at(part.len() / 2);
            parts.push_front(other.to_vec());
            parts.push_front(one.to_vec());
        } else if attempt < ATTEMPTS {
            parts.push_front(part);
            let longest = Duration::from_millis(1 << attempt.min(6));
            collection.info().clock().timer().pause(longest.mul_f64(fastrand::f64())).await;
        } else {
            report.contended += 1;
            attempt = 0;
        }
    }
    Ok(())
}

/// Adds the entries of these entities in one commit, on the condition that they are as they were
/// read.
async fn try_enter<E: KvEntity, S: IndexStore>(
    collection: &Collection<E, S>,
    anchors: &[Key],
    mode: Mode,
    report: &mut IndexReport,
) -> Result<Commit> {
    let store = collection.store();
    let of = Of(collection.clone());
    let groups = E::SCHEMA.groups.len();
    let (mut changes, mut conditions) = (Vec::new(), Vec::new());
    for (anchor, records) in anchors.iter().zip(collection.records_of_each(anchors).await?) {
        report.entities += 1;
        let records = match records.and_then(|records| of.entries(anchor, &records).map(|_| records)) {
            Ok(records) => records,
            Err(error) => {
                report.unreadable(error);
                continue;
            }
        };
        conditions.extend(collection.unchanged_of_indexes(anchor, &records));
        let nothing: Vec<Option<Record>> = vec![None; groups];
        let of: &dyn IndexedType = &of;
        changes.push(Change { of, anchor: anchor.clone(), before: nothing, after: records });
    }
    let plan = plan(&changes, &StoreReads(store)).await.map_err(|error| of_entity::<E>(error))?;
    plan.taken.into_iter().for_each(|error| report.violation(error));
    conditions.extend(plan.conditions);
    let writes = if mode == Mode::Build { plan.writes } else { missing(collection, plan.writes).await? };
    report.added += writes.len() as u64;
    if writes.is_empty() {
        return Ok(Commit::Done);
    }
    store.commit(conditions, writes.into()).await.map_err(of_entity::<E>)
}

/// How many entries are looked for at a time.
const SIDE_BY_SIDE: usize = 64;

/// Returns the writes that add what is not there.
async fn missing<E: KvEntity, S: IndexStore>(
    collection: &Collection<E, S>,
    writes: Vec<Write>,
) -> Result<Vec<Write>> {
    let mut missing = Vec::new();
    let mut writes = writes.into_iter().peekable();
    while writes.peek().is_some() {
        let some: Vec<Write> = writes.by_ref().take(SIDE_BY_SIDE).collect();
        let looks = some.iter().map(|write| is_missing(collection, write));
        let found = join_all(looks).await.into_iter().collect::<Result<Vec<bool>>>()?;
        missing.extend(
            some.into_iter().zip(found).filter_map(|(write, is_missing)| is_missing.then_some(write)),
        );
    }
    Ok(missing)
}

async fn is_missing<E: KvEntity, S: IndexStore>(
    collection: &Collection<E, S>,
    write: &Write,
) -> Result<bool> {
    // A claim is planned only if it is not the entity's.
    let Write::AddEntry(key) = write else { return Ok(true) };
    let at = || Bound::Included(key.as_str().to_owned());
    let query = EntryQuery::new(key.clone()).with_range(at(), at()).with_limit(1);
    Ok(collection.store().entries(&query).await.map_err(of_entity::<E>)?.is_empty())
}

pub(super) fn of_entity<E: KvEntity>(error: Error) -> Error {
    error.of_entity(E::SCHEMA.name)
}
