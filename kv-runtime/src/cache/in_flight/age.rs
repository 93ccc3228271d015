//! The age of what goes on at an id.
//!
//! A call whose future is dropped ends what it has begun. In a Worker the future of a request whose
//! client has gone is neither polled nor dropped. A write or a fill of it would keep the memory from
//! holding its id as long as the isolate lives. So what is too old counts as what was dropped: its
//! outcome is unknown, and nothing of it is left in the map. If its future goes on after all, its
//! end is that of a write that met another one, which the memory forgets.

use kv_store::key::EntityId;
use kv_store::store::Mark;

use super::{AtId, LONGEST, Shard};
use crate::cache::entry::Moment;

impl<Id: EntityId, T: Clone> Shard<Id, T> {
    /// Ends what is too old at this id, and from time to time at all ids of the place, so that ids
    /// that nobody asks for again leave the map, too. `mark` is that of what is unknown.
    pub(in crate::cache) fn age(&mut self, id: &Id, now: Moment, mark: impl Fn() -> Mark) {
        if now < self.sweep_at {
            if self.ids.get_mut(id).is_some_and(|at| at.age(now)) {
                self.unsettle(id, mark());
            }
            return;
        }
        self.sweep_at = now.saturating_add(LONGEST);
        let unknown = self.ids.iter_mut().filter_map(|(id, at)| at.age(now).then(|| id.clone()));
        for id in unknown.collect::<Vec<_>>() {
            self.unsettle(&id, mark());
        }
        self.ids.retain(|_, at| !at.is_idle());
    }
}

impl<T: Clone> AtId<T> {
    /// Takes out what is too old; whether it was something whose outcome is unknown now.
    fn age(&mut self, now: Moment) -> bool {
        let writers = self.writers.len();
        self.writers.retain(|writer| now < writer.until);
        let fill = self.filling.take_if(|filling| filling.until <= now);
        let is_unknown = fill.is_some() || self.writers.len() < writers;
        if is_unknown {
            self.move_epoch();
        }
        if self.loads_until.is_some_and(|until| until <= now) {
            self.loads = [None, None];
        }
        is_unknown
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;
    use crate::cache::in_flight::Kind;
    use crate::cache::lead::Seat;
    use crate::cache::{Cache, Cached, FillStore};
    use crate::{Kv, KvEntity};
    use kv_store::store::MemoryStore;
    use kv_store::{ManualClock, Timestamp};

    #[derive(KvEntity)]
    #[kv(prefix = "item")]
    struct Item {
        #[kv(id)]
        id: u32,
    }

    type Items = Cached<Item, MemoryStore>;

    fn items<F: FillStore<MemoryStore>>(cache: Cache<Item, F>) -> (Items, ManualClock) {
        let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
        let cache = cache.memory_ttl(Duration::from_secs(3_600)).jitter(0.0);
        (Kv::new(MemoryStore::with_clock((&clock).into())).collection().cached(cache), clock)
    }

    /// Whether the memory holds what a read of the store brings.
    fn holds(items: &Items, id: u32) -> bool {
        let read = items.get(id).now_or_never().expect("the store answers at once");
        assert!(read.expect("the store works").is_some());
        items.peek(id).is_some()
    }

    fn put(items: &Items, id: u32) {
        items.put(Item { id }).now_or_never().expect("the store answers at once").expect("the store works");
    }

    fn in_flight(items: &Items) -> usize {
        items.tier.in_flight.all().map(|shard| shard.ids.len()).sum()
    }

    #[test]
    fn a_write_that_stands_still_keeps_its_id_out_of_memory_for_a_while_only() {
        let (items, clock) = items(Cache::new());
        put(&items, 1);
        // Of a request whose client has gone: neither polled nor dropped.
        let kept = items.tier.begin_write(1, false);
        assert!(!holds(&items, 1));
        clock.advance(LONGEST - Duration::from_millis(1));
        assert!(!holds(&items, 1), "it may still be under way");
        clock.advance(Duration::from_millis(1));
        assert!(holds(&items, 1));
        put(&items, 1);
        assert!(holds(&items, 1));
        // It went on after all, and may have written something else.
        drop(kept);
        assert!(items.peek(1).is_none());
        assert!(holds(&items, 1) && in_flight(&items) == 0);
    }

    #[test]
    fn writes_that_go_on_do_not_keep_one_that_stands_still() {
        let (items, clock) = items(Cache::new());
        put(&items, 1);
        let kept = items.tier.begin_write(1, false);
        for _ in 0..LONGEST.as_secs() {
            put(&items, 1);
            assert!(items.peek(1).is_none(), "another write is under way");
            clock.advance(Duration::from_secs(1));
        }
        put(&items, 1);
        assert!(items.peek(1).is_some());
        drop(kept);
    }

    #[test]
    fn a_fill_that_stands_still_lets_others_fill_and_write_after_a_while() {
        let (items, clock) = items(Cache::new().pure_cache());
        let begin = || {
            let Seat::Lead(lead) = items.tier.join(&1, Kind::Load, true, &mut None) else {
                panic!("nobody else loads");
            };
            let fill = lead.begin_fill(true);
            (lead, fill)
        };
        let kept = begin();
        assert!(kept.1.is_some() && begin().1.is_none());
        clock.advance(LONGEST);
        let (lead, fill) = begin();
        drop(fill.expect("the first one counts as over"));
        drop(lead);
        put(&items, 1);
        assert!(holds(&items, 1));
        drop(kept);
    }

    #[test]
    fn nothing_that_stands_still_stays_in_the_map() {
        let (items, clock) = items(Cache::new().without_shared_loads());
        let mut kept = Vec::new();
        for id in 0..1_000 {
            let Seat::Lead(lead) = items.tier.join(&id, Kind::Read, false, &mut None) else {
                panic!("each call loads for itself");
            };
            kept.push((items.tier.begin_write(id + 1_000, false), lead));
        }
        assert_eq!(in_flight(&items), 2_000);
        clock.advance(2 * LONGEST);
        // Of other ids, at all places.
        (2_000..4_000).for_each(|id| put(&items, id));
        assert_eq!(in_flight(&items), 0);
        // Their outcome is unknown until the store has settled, as the next call finds.
        drop(kept);
        (2_000..4_000).for_each(|id| put(&items, id));
        assert_eq!(in_flight(&items), 0);
    }
}
