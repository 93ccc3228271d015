//! One operation, on the collection and on the plain map.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::record::NewRecord;
use kv_runtime::store::{AtomicStore, Commit, StoreExt, Write};
use kv_runtime::{Collection, Error, Kv, ManualClock, Timestamp};
use proptest::prelude::*;

use super::plain::{Expected, Plain, failed, key_text};
use super::{Doc, DocNeeded, IDS};

type Id = &'static str;

#[derive(Clone, Debug)]
pub enum Step {
    Put(Id, [u8; 3]),
    PutMany(Vec<(Id, [u8; 3])>),
    Insert(Id, [u8; 3]),
    /// Sets the value of one group.
    Update(Id, usize, u8),
    /// Gives up in the middle.
    GiveUp(Id, usize, u8),
    /// Gives the entity another id.
    Rename(Id, Id),
    Upsert(Id, [u8; 3], usize, u8),
    /// A TTL in seconds goes before the entity's.
    PutFor(Id, [u8; 3], u64),
    UpdateFor(Id, usize, u8, u64),
    /// Not if it was extended less than so many seconds ago.
    Touch(Id, u64),
    Delete(Id),
    DeleteMany(Vec<Id>),
    /// Deletes the required group alone, which leaves the entity incomplete.
    Lose(Id),
    /// Another program adds a member to a group's metadata.
    Mark(Id, usize, u8),
    List(usize),
    Pass(u64),
}

fn id() -> impl Strategy<Value = Id> {
    proptest::sample::select(&IDS[..])
}

/// Few, so that a write often changes nothing.
fn value() -> impl Strategy<Value = u8> {
    0..3_u8
}

fn values() -> impl Strategy<Value = [u8; 3]> {
    prop::array::uniform3(value())
}

/// Below and above those of the groups.
fn ttl() -> impl Strategy<Value = u64> {
    1..200_u64
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let written = || (id(), values());
    let step = prop_oneof![
        3 => written().prop_map(|(id, values)| Step::Put(id, values)),
        1 => prop::collection::vec(written(), 0..6).prop_map(Step::PutMany),
        2 => written().prop_map(|(id, values)| Step::Insert(id, values)),
        4 => (id(), 0..3_usize, value()).prop_map(|(id, group, value)| Step::Update(id, group, value)),
        1 => (id(), 0..3_usize, value()).prop_map(|(id, group, value)| Step::GiveUp(id, group, value)),
        1 => (id(), id()).prop_map(|(id, other)| Step::Rename(id, other)),
        2 => (written(), 0..3_usize, value())
            .prop_map(|((id, values), group, value)| Step::Upsert(id, values, group, value)),
        1 => (written(), ttl()).prop_map(|((id, values), ttl)| Step::PutFor(id, values, ttl)),
        1 => (id(), 0..3_usize, value(), ttl())
            .prop_map(|(id, group, value, ttl)| Step::UpdateFor(id, group, value, ttl)),
        2 => (id(), prop_oneof![Just(0_u64), Just(50), 0..150_u64])
            .prop_map(|(id, interval)| Step::Touch(id, interval)),
        1 => id().prop_map(Step::Delete),
        1 => prop::collection::vec(id(), 0..4).prop_map(Step::DeleteMany),
        1 => id().prop_map(Step::Lose),
        2 => (id(), 0..3_usize, value()).prop_map(|(id, group, mark)| Step::Mark(id, group, mark)),
        1 => (1..7_usize).prop_map(Step::List),
        // Short of a moment, at it, and beyond.
        3 => prop_oneof![Just(1_u64), Just(49), Just(50), 0..60_u64, Just(200)].prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..40)
}

/// What the caller of `try_update` makes of errors.
enum GaveUp {
    Itself,
    Other(Error),
}

impl From<Error> for GaveUp {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Step {
    pub async fn take<S: AtomicStore>(
        &self,
        kv: &Kv<S>,
        clock: &ManualClock,
        plain: &mut Plain,
    ) -> Result<(), TestCaseError> {
        let (docs, now) = (kv.collection::<Doc>(), clock.now());
        match self {
            Self::Put(id, values) => {
                docs.put(&Doc::new(id, *values)).await.map_err(failed)?;
                plain.write_all(id, *values, None, now);
            }
            Self::PutFor(id, values, ttl) => {
                let docs = docs.with_ttl(Duration::from_secs(*ttl));
                docs.put(&Doc::new(id, *values)).await.map_err(failed)?;
                plain.write_all(id, *values, Some(*ttl), now);
            }
            Self::PutMany(written) => {
                let entities = written.iter().map(|(id, values)| Doc::new(id, *values));
                docs.put_many(entities).await.map_err(failed)?;
                written.iter().for_each(|(id, values)| plain.write_all(id, *values, None, now));
            }
            Self::Insert(id, values) => {
                let inserted = docs.insert(&Doc::new(id, *values)).await;
                match plain.expected(id, now) {
                    Expected::Absent => {
                        inserted.map_err(failed)?;
                        plain.write_all(id, *values, None, now);
                    }
                    Expected::Incomplete => {
                        prop_assert!(matches!(inserted, Err(Error::Incomplete { .. })), "{:?}", inserted);
                    }
                    Expected::Whole(_) => {
                        prop_assert!(matches!(inserted, Err(Error::AlreadyExists { .. })), "{:?}", inserted);
                    }
                }
            }
            Self::Update(id, group, value) => update(&docs, plain, (id, *group, *value), None, now).await?,
            Self::UpdateFor(id, group, value, ttl) => {
                let docs = docs.with_ttl(Duration::from_secs(*ttl));
                update(&docs, plain, (id, *group, *value), Some(*ttl), now).await?;
            }
            Self::GiveUp(id, group, value) => {
                let change = |doc: &mut Doc| {
                    doc.set(*group, *value);
                    Err(GaveUp::Itself)
                };
                match (docs.try_update(*id, change).await, plain.expected(id, now)) {
                    (Err(GaveUp::Itself), Expected::Whole(_)) => {}
                    (Err(GaveUp::Other(error)), expected) => assert_refused(&Err(error), &expected)?,
                    (_, expected) => prop_assert!(false, "an update that gives up went on; {:?}", expected),
                }
            }
            Self::Rename(id, other) => {
                let updated = docs.update(*id, |doc| doc.id = (*other).to_owned()).await;
                match plain.expected(id, now) {
                    Expected::Whole(doc) if id == other => prop_assert_eq!(updated.map_err(failed)?, doc),
                    Expected::Whole(_) => {
                        prop_assert!(matches!(updated, Err(Error::IdChanged { .. })), "{:?}", updated);
                    }
                    expected => assert_refused(&updated, &expected)?,
                }
            }
            Self::Upsert(id, values, group, value) => {
                let updated = docs.upsert(*id, || Doc::new(id, *values), |doc| doc.set(*group, *value)).await;
                match plain.expected(id, now) {
                    Expected::Whole(mut doc) => {
                        doc.set(*group, *value);
                        prop_assert_eq!(updated.map_err(failed)?, doc);
                        plain.update(id, *group, *value, None, now);
                    }
                    Expected::Absent => {
                        prop_assert_eq!(updated.map_err(failed)?, Doc::new(id, *values));
                        plain.write_all(id, *values, None, now);
                    }
                    Expected::Incomplete => assert_refused(&updated, &Expected::Incomplete)?,
                }
            }
            Self::Touch(id, interval) => {
                let there = plain.expected(id, now) != Expected::Absent;
                let docs = docs.with_touch_interval(Duration::from_secs(*interval));
                prop_assert_eq!(docs.touch(*id).await.map_err(failed)?, there);
                plain.touch(id, *interval, now);
            }
            Self::Delete(id) => {
                docs.delete(*id).await.map_err(failed)?;
                plain.delete(id);
            }
            Self::DeleteMany(ids) => {
                docs.delete_many(ids.iter().copied()).await.map_err(failed)?;
                ids.iter().for_each(|id| plain.delete(id));
            }
            Self::Lose(id) => {
                kv.collection::<DocNeeded>().delete(*id).await.map_err(failed)?;
                plain.lose(id, 1);
            }
            Self::Mark(id, group, mark) => {
                let key = Key::from_text(key_text(id, *group));
                let record = kv.store().read(&key).await.map_err(failed)?;
                prop_assert_eq!(record.is_some(), plain.kept(id, *group, now).is_some());
                if let Some(mut record) = record {
                    record.metadata.set_foreign("mark", (*mark).into()).expect("is not ours");
                    let write = Write::Update(key, NewRecord::new(record.value.0, record.metadata));
                    let commit = kv.store().commit(Vec::new(), write.into()).await.map_err(failed)?;
                    prop_assert_eq!(commit, Commit::Done);
                    plain.mark(id, *group, *mark);
                }
            }
            Self::List(limit) => plain.assert_lists(kv, *limit, now).await?,
            Self::Pass(secs) => clock.advance(Duration::from_secs(*secs)),
        }
        Ok(())
    }
}

async fn update<S: AtomicStore>(
    docs: &Collection<Doc, S>,
    plain: &mut Plain,
    (id, group, value): (Id, usize, u8),
    ttl: Option<u64>,
    now: Timestamp,
) -> Result<(), TestCaseError> {
    let updated = docs.update(id, |doc| doc.set(group, value)).await;
    match plain.expected(id, now) {
        Expected::Whole(mut doc) => {
            doc.set(group, value);
            prop_assert_eq!(updated.map_err(failed)?, doc);
            plain.update(id, group, value, ttl, now);
            Ok(())
        }
        expected => assert_refused(&updated, &expected),
    }
}

/// A change of what is not there, or not whole.
fn assert_refused(updated: &Result<Doc, Error>, expected: &Expected) -> Result<(), TestCaseError> {
    match (updated, expected) {
        (Err(Error::NotFound { .. }), Expected::Absent) => {}
        (Err(Error::Incomplete { group: "needed", .. }), Expected::Incomplete) => {}
        _ => prop_assert!(false, "{:?} is {:?}", expected, updated),
    }
    Ok(())
}
