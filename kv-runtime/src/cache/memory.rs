//! The maps of the memory tier: entities by id, and ids known to be absent, with a separate
//! capacity.

use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kv_store::Error;
use kv_store::key::Lookup;
use quick_cache::{DefaultHashBuilder, Equivalent, Lifecycle, Weighter, sync};

use super::config::Settings;
use super::entry::{Entry, Moment};
use super::in_flight::Kind;
use crate::entity::KvEntity;

pub(super) struct Memory<E: KvEntity> {
    values: sync::Cache<E::Id, Entry<E>, ByEntry, DefaultHashBuilder, Evicting>,
    negatives: sync::Cache<E::Id, Negative>,
    remembers_negatives: bool,
    /// Whether there ever was an entry. Until then no call looks for one.
    has_negatives: AtomicBool,
    evictions: AtomicU64,
}

/// Why a call for an id is not made.
#[derive(Clone)]
pub(super) enum Negative {
    /// There is no such entity. `for_origin`: the origin has said so, too.
    Absent { until: Moment, for_origin: bool },
    /// A load failed shortly before.
    Failed { until: Moment, kind: Kind, error: Error },
}

/// Entries that were removed from the maps. They are dropped without holding a lock, because an
/// entity's `Drop` may do anything.
pub(super) type Left<E> = (Option<Entry<E>>, Evicted<<E as KvEntity>::Id, Entry<E>>);

impl<E: KvEntity> Memory<E> {
    pub(super) fn new(settings: &Settings) -> Self {
        let entries = settings.max_entries;
        let weight = settings.max_weight.unwrap_or(entries as u64);
        let negatives = (entries as f64 * settings.negative_share) as usize;
        Self {
            values: sync::Cache::with(entries, weight, ByEntry, DefaultHashBuilder::default(), Evicting),
            negatives: sync::Cache::new(negatives),
            remembers_negatives: negatives > 0,
            has_negatives: AtomicBool::new(false),
            evictions: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(super) fn get<L: Lookup<E::Id>>(&self, id: &L) -> Option<Entry<E>> {
        self.values.get(&Named(id, PhantomData))
    }

    pub(super) fn negative(&self, id: &E::Id) -> Option<Negative> {
        if self.has_negatives() { self.negatives.get(id) } else { None }
    }

    // Both are noted under the lock of the id's place.
    fn has_negatives(&self) -> bool {
        self.has_negatives.load(Ordering::Relaxed)
    }

    pub(super) fn insert(&self, id: &E::Id, entry: Entry<E>) -> Left<E> {
        if self.has_negatives() {
            self.negatives.remove(id);
        }
        let mut evicted = Evicted::default();
        self.values.insert_with_lifecycle(id.clone(), entry, &mut evicted);
        // What was there under the same id has made place for its successor, and is not lost.
        let replaced = evicted.first.iter().flatten().any(|(gone, _)| gone == id);
        let lost = evicted.all - u64::from(replaced);
        if lost > 0 {
            self.evictions.fetch_add(lost, Ordering::Relaxed);
        }
        (None, evicted)
    }

    pub(super) fn insert_negative(&self, id: &E::Id, negative: Negative) {
        if self.remembers_negatives {
            self.has_negatives.store(true, Ordering::Relaxed);
            self.negatives.insert(id.clone(), negative);
        }
    }

    pub(super) fn remove(&self, id: &E::Id) -> Left<E> {
        if self.has_negatives() {
            self.negatives.remove(id);
        }
        (self.values.remove(id).map(|(_, entry)| entry), Evicted::default())
    }

    /// Returns the entry, without counting it as used.
    pub(super) fn peek(&self, id: &E::Id) -> Option<Entry<E>> {
        self.values.peek(id)
    }

    /// Forgets all entities, but not the known absences.
    pub(super) fn clear_values(&self) {
        self.values.clear();
    }

    pub(super) fn clear(&self) {
        self.values.clear();
        self.negatives.clear();
    }

    /// Returns the number of entities, their weight, the number of absences and failures, and the
    /// evictions so far.
    pub(super) fn sizes(&self) -> (usize, u64, usize, u64) {
        let evictions = self.evictions.load(Ordering::Relaxed);
        (self.values.len(), self.values.weight(), self.negatives.len(), evictions)
    }
}

/// A lookup as a key of the map. It hashes and compares as the id that it names, so that a hit
/// makes no id.
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

/// Entries store their weight.
#[derive(Clone)]
struct ByEntry;

impl<Id, E> Weighter<Id, Entry<E>> for ByEntry {
    #[inline]
    fn weight(&self, _id: &Id, entry: &Entry<E>) -> u64 {
        entry.weight()
    }
}

/// Returns the entries that an insert evicts.
#[derive(Clone)]
struct Evicting;

/// Most inserts evict one or two entries. Further ones are dropped at once.
pub(super) struct Evicted<Id, V> {
    first: [Option<(Id, V)>; 2],
    all: u64,
}

impl<Id, V> Default for Evicted<Id, V> {
    fn default() -> Self {
        Self { first: [None, None], all: 0 }
    }
}

impl<Id, V> Lifecycle<Id, V> for Evicting {
    type RequestState = Evicted<Id, V>;

    #[inline]
    fn on_evict(&self, evicted: &mut Evicted<Id, V>, id: Id, value: V) {
        evicted.all += 1;
        if let Some(slot) = evicted.first.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some((id, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cache::Cache;
    use crate::{Kv, KvEntity};
    use kv_store::store::MemoryStore;

    #[derive(KvEntity)]
    #[kv(prefix = "item")]
    struct Item {
        #[kv(id)]
        id: u32,
    }

    #[tokio::test]
    async fn what_makes_place_for_its_successor_is_no_eviction() -> crate::Result<()> {
        let items = Kv::new(MemoryStore::new()).collection::<Item>().cached(Cache::new().max_entries(10));
        for _ in 0..100 {
            items.refresh(0).await?;
            items.put(Item { id: 0 }).await?;
        }
        assert_eq!((items.stats().evictions, items.stats().entries), (0, 1));
        for id in 1..1_000 {
            items.put(Item { id }).await?;
        }
        let stats = items.stats();
        assert!(stats.entries > 0 && stats.entries < 100, "{stats:?}");
        assert_eq!(stats.evictions + stats.entries as u64, 1_000);
        Ok(())
    }
}
