//! Which slots have been seen whole by a walk of all primaries, while slots move between them.
//!
//! Keys of a slot only go from the node that has it to the one that it moves to. So a slot is seen
//! whole if its node had it all the time of a walk and gave none of its keys away meanwhile. Otherwise
//! the keys that were missed had left by the end of that walk. They are seen by a walk of the next node
//! that begins after it. What was seen once stays seen, wherever the slot goes later: so moves of other
//! slots delay nothing.

use std::collections::{HashMap, HashSet};

use crate::server::Address;

/// What a primary says of the slots that it has. What other nodes say of it may be older.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct View {
    pub(super) owned: Vec<bool>,
    /// Slots that move here, and whose owner has not given them away yet.
    pub(super) importing: HashSet<usize>,
    /// Owned slots that move away.
    pub(super) migrating: HashSet<usize>,
}

impl View {
    fn owns(&self, slot: usize) -> bool {
        self.owned.get(slot).copied().unwrap_or_default()
    }

    fn holds(&self, slot: usize) -> bool {
        self.owns(slot) || self.importing.contains(&slot)
    }
}

/// How much of a slot has been seen.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Nothing,
    /// All but the keys that had left this node by the end of its walk.
    AllOf(Address),
    All,
}

/// What has been seen of each slot.
pub(super) struct Coverage(Vec<Seen>);

impl Coverage {
    pub(super) fn of(slots: usize) -> Self {
        Self(vec![Seen::Nothing; slots])
    }

    /// Notes a walk of a node, by what the node said before it and what it says after it.
    pub(super) fn walked(&mut self, node: &Address, before: &View, after: &View) {
        for (slot, seen) in self.0.iter_mut().enumerate() {
            let counts = match seen {
                Seen::All => false,
                // What is on its way here may still be elsewhere.
                Seen::Nothing => before.owns(slot),
                Seen::AllOf(_) => before.holds(slot),
            };
            if !counts {
                continue;
            }
            let gave_away = before.migrating.contains(&slot) || after.migrating.contains(&slot);
            *seen = match after.holds(slot) && !gave_away {
                true => Seen::All,
                false => Seen::AllOf(node.clone()),
            };
        }
    }

    /// The nodes that have slots of which not all has been seen; nothing if all has been. A slot that
    /// is assigned to no node has no keys.
    pub(super) fn missing(
        &self,
        now: &HashMap<Address, View>,
        is_assigned: impl Fn(usize) -> bool,
    ) -> Option<HashSet<Address>> {
        let mut nodes = HashSet::new();
        let mut is_whole = true;
        for (slot, seen) in self.0.iter().enumerate() {
            let last = match seen {
                Seen::All => continue,
                Seen::AllOf(last) => Some(last),
                Seen::Nothing => None,
            };
            let those = |has: fn(&View, usize) -> bool| {
                let nodes = now.iter().filter(move |(_, view)| has(view, slot)).map(|(node, _)| node);
                nodes.filter(|node| Some(*node) != last).cloned().collect::<Vec<_>>()
            };
            let mut next = those(View::owns);
            if next.is_empty() {
                next = those(View::holds);
            }
            // A move that was called off: the keys may have come back.
            let came_back = last.filter(|last| now.get(*last).is_some_and(|view| view.owns(slot)));
            if next.is_empty() {
                next.extend(came_back.cloned());
            }
            is_whole &= next.is_empty() && !is_assigned(slot);
            nodes.extend(next);
        }
        if is_whole { None } else { Some(nodes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: usize = 3;
    const SLOTS: usize = 6;
    const KEYS: usize = 24;

    /// A cluster whose slots move: where each slot is, where it goes, and on which node each key lies.
    /// The key `key` is of the slot `key % SLOTS`.
    struct Model {
        owner: [usize; SLOTS],
        to: [Option<usize>; SLOTS],
        at: [usize; KEYS],
    }

    impl Model {
        fn view(&self, node: usize) -> View {
            let slots = || 0..SLOTS;
            View {
                owned: slots().map(|slot| self.owner[slot] == node).collect(),
                importing: slots().filter(|&slot| self.to[slot] == Some(node)).collect(),
                migrating: slots().filter(|&s| self.owner[s] == node && self.to[s].is_some()).collect(),
            }
        }

        /// One step of somebody who moves slots all the time.
        fn step(&mut self, random: &mut fastrand::Rng, slots: std::ops::Range<usize>) {
            let slot = random.usize(slots);
            let Some(to) = self.to[slot] else {
                let to = random.usize(0..NODES);
                self.to[slot] = Some(to).filter(|to| *to != self.owner[slot]);
                return;
            };
            let behind = |at: &[usize; KEYS]| {
                (0..KEYS).filter(|key| key % SLOTS == slot && at[*key] != to).collect::<Vec<_>>()
            };
            match random.choice(behind(&self.at)) {
                Some(key) => self.at[key] = to,
                None => (self.owner[slot], self.to[slot]) = (to, None),
            }
        }
    }

    fn address(node: usize) -> Address {
        Address::tcp("127.0.0.1", u16::try_from(node).unwrap_or_default())
    }

    /// Walks the model while others move slots, and returns which keys were seen, and after how many
    /// walks; nothing if it did not end.
    fn walk(seed: u64, moved: std::ops::Range<usize>) -> Option<(HashSet<usize>, usize)> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut model = Model { owner: [0, 1, 2, 0, 1, 2], to: [None; SLOTS], at: [0; KEYS] };
        (0..KEYS).for_each(|key| model.at[key] = model.owner[key % SLOTS]);
        let (mut coverage, mut seen, mut walks) = (Coverage::of(SLOTS), HashSet::new(), 0);
        for _ in 0..2_000 {
            let mut now = HashMap::new();
            for node in 0..NODES {
                now.insert(address(node), model.view(node));
                model.step(&mut random, moved.clone());
            }
            let Some(nodes) = coverage.missing(&now, |_| true) else { return Some((seen, walks)) };
            for node in (0..NODES).filter(|node| nodes.contains(&address(*node))) {
                let before = model.view(node);
                walks += 1;
                // In the order of the keys: one that comes behind the cursor is not seen.
                for key in 0..KEYS {
                    if random.bool() {
                        model.step(&mut random, moved.clone());
                    }
                    if model.at[key] == node {
                        seen.insert(key);
                    }
                }
                coverage.walked(&address(node), &before, &model.view(node));
            }
        }
        None
    }

    #[test]
    fn no_key_is_missed_while_slots_move() {
        let mut ended = 0;
        for seed in 0..2_000 {
            if let Some((seen, _)) = walk(seed, 0..SLOTS) {
                assert_eq!(seen.len(), KEYS, "seed {seed}");
                ended += 1;
            }
        }
        assert!(ended > 1_900, "{ended} of 2,000 ended");
    }

    #[test]
    fn slots_that_move_all_the_time_do_not_keep_others_from_being_seen() {
        // Nothing moves: each node is walked once.
        let still = Model { owner: [0, 1, 2, 0, 1, 2], to: [None; SLOTS], at: [0; KEYS] };
        let mut coverage = Coverage::of(SLOTS);
        let now: HashMap<_, _> = (0..NODES).map(|node| (address(node), still.view(node))).collect();
        for node in 0..NODES {
            assert_eq!(coverage.missing(&now, |_| true).map(|nodes| nodes.len()), Some(NODES - node));
            coverage.walked(&address(node), &still.view(node), &still.view(node));
        }
        assert_eq!(coverage.missing(&now, |_| true), None);
        // A slot that is on its way, and stays so, needs no further walk either.
        let mut on_its_way = still;
        on_its_way.to[0] = Some(1);
        let views: HashMap<_, _> = (0..NODES).map(|node| (address(node), on_its_way.view(node))).collect();
        let mut coverage = Coverage::of(SLOTS);
        for node in [0, 2, 1] {
            coverage.walked(&address(node), &on_its_way.view(node), &on_its_way.view(node));
        }
        assert_eq!(coverage.missing(&views, |_| true), None);
    }

    #[test]
    fn a_slot_of_no_node_has_no_keys() {
        let mut coverage = Coverage::of(2);
        let view = View { owned: vec![true, false], ..View::default() };
        coverage.walked(&address(0), &view, &view);
        let now = HashMap::from([(address(0), view)]);
        assert_eq!(coverage.missing(&now, |slot| slot == 0), None);
        assert_eq!(coverage.missing(&now, |_| true), Some(HashSet::new()));
    }
}
