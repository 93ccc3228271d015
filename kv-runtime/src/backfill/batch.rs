//! One batch of a backfill: what it takes to bring its entities up, made while the batch before is written; and the writing.

use futures_util::{StreamExt, stream};
use kv_store::__private::coop::Hold;
use kv_store::Result;
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{AtomicStore, Commit, Condition, Cursor, Expect, GetOptions, ListQuery, Store, Write};

use super::report::MigrationReport;
use crate::collection::{Collection, GroupOf, Replacement};
use crate::entity::KvEntity;
use crate::list::raw;

/// How often a record is read again that others write meanwhile, and a batch committed again without those that others wrote.
const ATTEMPTS: usize = 8;

/// How many entities are written side by side where each is committed by itself.
const SIDE_BY_SIDE: usize = 64;

/// What is to be written for one page of entities.
pub(super) struct Batch<I> {
    behind: Vec<Behind<I>>,
    /// How many entities the page has, behind or not.
    pub(super) entities: u64,
    /// What is known without writing anything.
    pub(super) report: MigrationReport,
    /// Where the next page begins.
    pub(super) cursor: Option<Cursor>,
}

/// An entity of which a record is older than what is written.
struct Behind<I> {
    key: Key,
    id: I,
    replacements: Vec<Replacement>,
    /// Its records that need nothing.
    current: u64,
}

impl<I> Behind<I> {
    fn records(&self) -> usize {
        self.replacements.len()
    }

    fn bytes(&self) -> usize {
        self.replacements.iter().map(|it| it.key.len() + it.record.value.len()).sum()
    }
}

impl<I> Batch<I> {
    /// Records that are to be written.
    pub(super) fn records(&self) -> u64 {
        self.behind.iter().map(|behind| behind.records() as u64).sum()
    }
}

/// Reads one page of at most `limit` entities, and migrates it in memory. It yields every few
/// milliseconds.
pub(super) async fn prepare<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    prefix: &Key,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Batch<E::Id>> {
    let mut hold = Hold::begin();
    let page = raw::page(collection, prefix, cursor, limit, ListQuery::MAX_BYTES).await?;
    let mut report = MigrationReport { skipped: page.skipped as u64, ..MigrationReport::default() };
    let entities = page.anchors.len() as u64;
    for error in page.failed {
        report.fail(error);
    }
    let mut behind = Vec::new();
    for anchor in page.anchors {
        hold.yield_after(anchor.bytes()).await;
        match bring_up(collection, &anchor.key, anchor.id.clone(), &anchor.records) {
            Ok((replacements, current)) => {
                report.current += current;
                if !replacements.is_empty() {
                    behind.push(Behind { key: anchor.key, id: anchor.id, replacements, current });
                }
            }
            Err(error) => report.fail(error),
        }
    }
    Ok(Batch { behind, entities, report, cursor: page.cursor })
}

/// Writes a batch, in as few commits as the store takes.
pub(super) async fn write<E: KvEntity, S: AtomicStore>(
    collection: &Collection<E, S>,
    batch: Batch<E::Id>,
) -> Result<MigrationReport> {
    let mut report = batch.report;
    let mut alone = Vec::new();
    let mut rest = batch.behind.into_iter().peekable();
    let capabilities = collection.info().capabilities();
    let limits = capabilities.limits;
    // Each record is a condition and a write.
    let most_records = limits.batch_write.min(limits.commit / 2);
    let most_bytes = limits.batch_write_bytes.min(limits.commit_bytes);
    while let Some(first) = rest.next() {
        if !capabilities.atomic_batches {
            alone.push(first);
            continue;
        }
        let (mut records, mut bytes) = (first.records(), first.bytes());
        let mut together = vec![first];
        while let Some(next) = rest.next_if(|next| {
            records += next.records();
            bytes += next.bytes();
            records <= most_records && bytes <= most_bytes
        }) {
            together.push(next);
        }
        report.migrated += write_together(collection, together, &mut alone).await?;
    }
    let mut each = stream::iter(alone.into_iter().map(|behind| write_alone(collection, behind)))
        .buffer_unordered(SIDE_BY_SIDE);
    while let Some(part) = each.next().await {
        report.add(part?);
    }
    Ok(report)
}

/// Writes entities with one commit, and says how many records that were. Those of which somebody has written a record since it was
/// read are put aside, to be written alone.
async fn write_together<E: KvEntity, S: AtomicStore>(
    collection: &Collection<E, S>,
    mut together: Vec<Behind<E::Id>>,
    alone: &mut Vec<Behind<E::Id>>,
) -> Result<u64> {
    for _ in 0..ATTEMPTS {
        if together.is_empty() {
            return Ok(0);
        }
        match commit(collection, together.iter().flat_map(|behind| &behind.replacements)).await? {
            Commit::Done => return Ok(together.iter().map(|behind| behind.records() as u64).sum()),
            Commit::Conflict(index) => {
                let mut records = 0;
                let is_changed = |behind: &Behind<E::Id>| {
                    records += behind.records();
                    index < records
                };
                let changed = together.iter().position(is_changed).unwrap_or_default();
                alone.push(together.swap_remove(changed));
            }
        }
    }
    alone.append(&mut together);
    Ok(0)
}

/// Writes one entity, reading it again as long as others write it.
async fn write_alone<E: KvEntity, S: AtomicStore>(
    collection: &Collection<E, S>,
    behind: Behind<E::Id>,
) -> Result<MigrationReport> {
    let Behind { key, id, mut replacements, mut current } = behind;
    let mut report = MigrationReport::default();
    for _ in 0..ATTEMPTS {
        if let Commit::Done = commit(collection, replacements.iter()).await? {
            report.migrated += replacements.len() as u64;
            return Ok(report);
        }
        let options = GetOptions::new().with_expiry();
        let brought_up = match collection.records(std::slice::from_ref(&key), options).await {
            Ok(records) => bring_up(collection, &key, id.clone(), &records),
            Err(error) if error.is_of_a_record() => Err(error),
            Err(error) => return Err(error),
        };
        let (again, current_now) = match brought_up {
            Ok(found) => found,
            Err(error) => {
                report.fail(error);
                return Ok(report);
            }
        };
        report.current += current_now.saturating_sub(current);
        if again.is_empty() {
            return Ok(report);
        }
        (replacements, current) = (again, current_now);
    }
    report.contended += replacements.len() as u64;
    Ok(report)
}

async fn commit<E: KvEntity, S: AtomicStore>(
    collection: &Collection<E, S>,
    replacements: impl Iterator<Item = &Replacement>,
) -> Result<Commit> {
    let (mut conditions, mut writes) = (Vec::new(), Vec::new());
    for Replacement { key, revision, record, .. } in replacements {
        conditions.push(Condition::new(key.clone(), Expect::Revision(revision.clone())));
        writes.push(Write::Update(key.clone(), record.clone()));
    }
    let (records, mut hold) = (writes.len(), Hold::begin());
    hold.yield_at_batch(records).await;
    let commit = collection.kv.writes().commit(conditions, writes.into()).await;
    hold.yield_at_batch(records).await;
    commit.map_err(|error| error.of_entity(E::SCHEMA.name))
}

/// What it takes to bring the entity to the version that is written, and how many of its records need nothing.
fn bring_up<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    key: &Key,
    id: E::Id,
    records: &[Option<Record>],
) -> Result<(Vec<Replacement>, u64)> {
    let Some(entity) = collection.decode(id, key, records)? else {
        return Ok((Vec::new(), 0));
    };
    let (mut replacements, mut current) = (Vec::new(), 0);
    for (group, (schema, record)) in E::SCHEMA.groups.iter().zip(records).enumerate() {
        match record {
            Some(record) if schema.is_behind(record.metadata.version) => {
                let target = GroupOf { anchor: key, records, group };
                replacements.extend(collection.replacement(&entity, target)?);
            }
            Some(_) => current += 1,
            None => {}
        }
    }
    Ok((replacements, current))
}
