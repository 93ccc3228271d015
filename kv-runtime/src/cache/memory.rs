//! The maps of the memory tier: entities by id, and beside them what is known not to be there, with a capacity of its own.

use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::{DefaultHashBuilder, Equivalent, Lifecycle, Weighter, sync};

use super::config::Settings;
use super::entry::Entry;
use super::in_flight::Kind;
use crate::clock::Timestamp;
use crate::entity::KvEntity;
use crate::error::Error;
use crate::key::Lookup;

pub(super) struct Memory<E: KvEntity> {
    values: sync::Cache<E::Id, Entry<E>, ByEntry, DefaultHashBuilder, Evictions>,
    negatives: sync::Cache<E::Id, Negative>,
    remembers_negatives: bool,
    evictions: Evictions,
}

/// Why an id is not asked for.
#[derive(Clone)]
pub(super) enum Negative {
    /// There is no such entity. `for_origin`: the origin has said so, too.
    Absent { until: Timestamp, for_origin: bool },
    /// It could not be loaded a short while ago.
    Failed { until: Timestamp, kind: Kind, error: Error },
}

/// What has left the maps: to be dropped where no lock is held, since an entity's own `Drop` may do anything.
pub(super) type Left<E> = (Option<Entry<E>>, Evicted<<E as KvEntity>::Id, Entry<E>>);

impl<E: KvEntity> Memory<E> {
    pub(super) fn new(settings: &Settings) -> Self {
        let evictions = Evictions::default();
        let entries = settings.max_entries;
        let weight = settings.max_weight.unwrap_or(entries as u64);
        let negatives = (entries as f64 * settings.negative_share) as usize;
        Self {
            values: sync::Cache::with(
                entries,
                weight,
                ByEntry,
                DefaultHashBuilder::default(),
                evictions.clone(),
            ),
            negatives: sync::Cache::new(negatives),
            remembers_negatives: negatives > 0,
            evictions,
        }
    }

    #[inline]
    pub(super) fn get<L: Lookup<E::Id>>(&self, id: &L) -> Option<Entry<E>> {
        self.values.get(&Named(id, PhantomData))
    }

    pub(super) fn negative(&self, id: &E::Id) -> Option<Negative> {
        if self.remembers_negatives { self.negatives.get(id) } else { None }
    }

    pub(super) fn insert(&self, id: &E::Id, entry: Entry<E>) -> Left<E> {
        if self.remembers_negatives {
            self.negatives.remove(id);
        }
        let mut evicted = Evicted::default();
        self.values.insert_with_lifecycle(id.clone(), entry, &mut evicted);
        (None, evicted)
    }

    pub(super) fn insert_negative(&self, id: &E::Id, negative: Negative) {
        if self.remembers_negatives {
            self.negatives.insert(id.clone(), negative);
        }
    }

    pub(super) fn remove(&self, id: &E::Id) -> Left<E> {
        if self.remembers_negatives {
            self.negatives.remove(id);
        }
        (self.values.remove(id).map(|(_, entry)| entry), Evicted::default())
    }

    /// What is held, without making it any less likely to go.
    pub(super) fn peek(&self, id: &E::Id) -> Option<Entry<E>> {
        self.values.peek(id)
    }

    pub(super) fn clear(&self) {
        self.values.clear();
        self.negatives.clear();
    }

    /// Entities, what they weigh, absences and failures, evictions so far.
    pub(super) fn sizes(&self) -> (usize, u64, usize, u64) {
        let evictions = self.evictions.0.load(Ordering::Relaxed);
        (self.values.len(), self.values.weight(), self.negatives.len(), evictions)
    }
}

/// A lookup as a key of the map: it hashes and compares as the id that it names, so that none is made for a hit.
struct Named<'a, L, Id>(&'a L, PhantomData<fn() -> Id>);

impl<L: Lookup<Id>, Id> Hash for Named<'_, L, Id> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash_id(state);
    }
}

impl<L: Lookup<Id>, Id> Equivalent<Id> for Named<'_, L, Id> {
    #[inline]
    fn equivalent(&self, id: &Id) -> bool {
        self.0.names(id)
    }
}

/// Entries know what they weigh.
#[derive(Clone)]
struct ByEntry;

impl<Id, E> Weighter<Id, Entry<E>> for ByEntry {
    #[inline]
    fn weight(&self, _id: &Id, entry: &Entry<E>) -> u64 {
        entry.weight()
    }
}

/// Counts what goes for lack of room.
#[derive(Clone, Default)]
struct Evictions(Arc<AtomicU64>);

/// Most inserts evict one or two; whatever there is more is dropped at once.
pub(super) struct Evicted<Id, V>([Option<(Id, V)>; 2]);

impl<Id, V> Default for Evicted<Id, V> {
    fn default() -> Self {
        Self([None, None])
    }
}

impl<Id, V> Lifecycle<Id, V> for Evictions {
    type RequestState = Evicted<Id, V>;

    #[inline]
    fn on_evict(&self, evicted: &mut Evicted<Id, V>, id: Id, value: V) {
        self.0.fetch_add(1, Ordering::Relaxed);
        if let Some(place) = evicted.0.iter_mut().find(|place| place.is_none()) {
            *place = Some((id, value));
        }
    }
}
