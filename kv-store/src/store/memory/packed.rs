//! A sorted map from keys to a few bytes each, with many keys in one allocation.
//!
//! The keys of an index are numerous, short and alike. In a `BTreeSet<Box<str>>` each costs 35
//! bytes beside its own. Here a block holds up to [`BLOCK`] bytes of keys and values in order, and
//! the beginning that its keys share is stored once.

use std::collections::BTreeMap;
use std::ops::Bound;

/// A block of more bytes is split.
const BLOCK: usize = 1_024;

/// How many bytes a block grows by.
const GROWTH: usize = 64;

/// The key of a block.
type First = Box<str>;

#[derive(Default)]
pub(super) struct PackedMap {
    /// Blocks by a key that is at most their first one, and greater than all keys before.
    blocks: BTreeMap<First, Block>,
    len: usize,
}

/// Keys and values in order: for each the length of the key without what all share, the length of
/// the value, and both.
struct Block {
    /// How many bytes of the key of the block its keys begin with.
    shared: usize,
    bytes: Vec<u8>,
}

/// One key with its value in a block.
#[derive(Clone, Copy)]
struct Item<'b> {
    rest: &'b [u8],
    value: &'b [u8],
    start: usize,
    end: usize,
}

/// The items of a block.
struct Items<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl PackedMap {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, key: &str) -> Option<&[u8]> {
        let (first, block) = self.block_of(key)?;
        match block.find(first, key)? {
            Ok(item) => Some(item.value),
            Err(_) => None,
        }
    }

    pub(super) fn insert(&mut self, key: &str, value: &[u8]) {
        let Some(first) = self.block_of(key).map(|(first, _)| first.into()) else {
            return self.insert_before_all(key, value);
        };
        self.insert_into(first, key, value);
    }

    pub(super) fn remove(&mut self, key: &str) -> bool {
        let Some((first, block)) = self.block_of_mut(key) else { return false };
        let Some(Ok(item)) = block.find(first, key) else { return false };
        let (start, end) = (item.start, item.end);
        block.bytes.drain(start..end);
        if block.bytes.capacity() - block.bytes.len() > BLOCK / 4 {
            block.bytes.shrink_to(block.bytes.len() + GROWTH);
        }
        if block.bytes.is_empty() {
            let first: First = first.into();
            self.blocks.remove(&first);
        }
        self.len -= 1;
        true
    }

    /// Calls `each` for the keys of a range and their values in order or in the reverse of it, until
    /// it returns false.
    pub(super) fn visit(
        &self,
        (from, to): (Bound<&str>, Bound<&str>),
        is_reverse: bool,
        mut each: impl FnMut(&str, &[u8]) -> bool,
    ) {
        let is_after_start = |key: &str| match from {
            Bound::Included(from) => key >= from,
            Bound::Excluded(from) => key > from,
            Bound::Unbounded => true,
        };
        let is_before_end = |key: &str| match to {
            Bound::Included(to) => key <= to,
            Bound::Excluded(to) => key < to,
            Bound::Unbounded => true,
        };
        // The block that `from` is in may begin before it.
        let first = match from {
            Bound::Included(from) | Bound::Excluded(from) => self.block_of(from).map(|(first, _)| first),
            Bound::Unbounded => None,
        };
        if first.is_some_and(|first| !is_before_end(first)) {
            return;
        }
        let mut blocks = self.blocks.range::<str, _>((first.map_or(Bound::Unbounded, Bound::Included), to));
        let mut key = String::new();
        while let Some((first, block)) = if is_reverse { blocks.next_back() } else { blocks.next() } {
            let mut items: Vec<Item<'_>> = block.items().collect();
            if is_reverse {
                items.reverse();
            }
            for item in items {
                block.write_key(first, item, &mut key);
                let goes_on = match (is_after_start(&key), is_before_end(&key)) {
                    (true, true) => each(&key, item.value),
                    (is_after_start, is_before_end) => {
                        if is_reverse {
                            is_after_start
                        } else {
                            is_before_end
                        }
                    }
                };
                if !goes_on {
                    return;
                }
            }
        }
    }

    /// The block in which a key is or would be, unless that would be the first of all.
    fn block_of(&self, key: &str) -> Option<(&str, &Block)> {
        let to = (Bound::Unbounded, Bound::Included(key));
        self.blocks.range::<str, _>(to).next_back().map(|(first, block)| (&**first, block))
    }

    fn block_of_mut(&mut self, key: &str) -> Option<(&str, &mut Block)> {
        let to = (Bound::Unbounded, Bound::Included(key));
        self.blocks.range_mut::<str, _>(to).next_back().map(|(first, block)| (&**first, block))
    }

    /// Gives the first block a key that is less.
    fn insert_before_all(&mut self, key: &str, value: &[u8]) {
        if let Some((first, block)) = self.blocks.pop_first() {
            self.blocks.insert(key.into(), block.begun_by(&first, key));
        } else {
            self.blocks.insert(key.into(), Block { shared: key.len(), bytes: Vec::new() });
        }
        self.insert_into(key.into(), key, value);
    }

    fn insert_into(&mut self, first: First, key: &str, value: &[u8]) {
        let Some(block) = self.blocks.get_mut(&first) else { return };
        block.share(&first, common_len(&first, key));
        let (start, end, is_new) = match block.find(&first, key) {
            Some(Ok(item)) => (item.start, item.end, false),
            Some(Err(at)) => (at, at, true),
            None => return,
        };
        self.len += usize::from(is_new);
        let is_last = end == block.bytes.len();
        let rest = key.as_bytes().get(block.shared..).unwrap_or_default();
        let is_full = block.bytes.len() + rest.len() + value.len() > BLOCK;
        if is_new && is_last && is_full && !block.bytes.is_empty() {
            return self.insert_behind(&first, key, value);
        }
        block.replace(start..end, rest, value);
        if is_full {
            self.split(&first);
        }
    }

    /// Inserts a key that is greater than all of a full block. Keys often come in ascending order, so
    /// the block stays full.
    fn insert_behind(&mut self, first: &str, key: &str, value: &[u8]) {
        let behind = (Bound::Excluded(first), Bound::Unbounded);
        let next = self.blocks.range::<str, _>(behind).next();
        // Into the next block, so that descending keys leave no blocks of one key each, unless that
        // would take a longer beginning from its keys.
        let next = next.filter(|(next, block)| {
            block.bytes.len() < BLOCK / 2 && common_len(next, key) >= common_len(first, key)
        });
        let mut block = Block { shared: key.len(), bytes: Vec::new() };
        if let Some(next) = next.map(|(next, _)| next.clone())
            && let Some(standing) = self.blocks.remove(&next)
        {
            block = standing.begun_by(&next, key);
        }
        let rest = key.as_bytes().get(block.shared..).unwrap_or_default();
        block.replace(0..0, rest, value);
        self.blocks.insert(key.into(), block);
    }

    /// Moves the second half of a block to a new one.
    fn split(&mut self, first: &str) {
        let Some(block) = self.blocks.get_mut(first) else { return };
        let half = block.bytes.len() / 2;
        let Some(second) = block.items().find(|item| item.start >= half) else { return };
        let mut key = String::new();
        block.write_key(first, second, &mut key);
        let moved = Block { shared: block.shared, bytes: block.bytes[second.start..].to_vec() };
        let kept = Block { shared: block.shared, bytes: block.bytes[..second.start].to_vec() };
        *block = kept.tightened(first, first);
        self.blocks.insert(key.as_str().into(), moved.tightened(first, &key));
    }
}

impl Block {
    fn items(&self) -> Items<'_> {
        Items { bytes: &self.bytes, at: 0 }
    }

    /// Returns the item of a key, or where it would be. `None` if its beginning is another.
    fn find(&self, first: &str, key: &str) -> Option<Result<Item<'_>, usize>> {
        let shared = first.as_bytes().get(..self.shared)?;
        let rest = key.as_bytes().strip_prefix(shared)?;
        for item in self.items() {
            match item.rest.cmp(rest) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Some(Ok(item)),
                std::cmp::Ordering::Greater => return Some(Err(item.start)),
            }
        }
        Some(Err(self.bytes.len()))
    }

    fn write_key(&self, first: &str, item: Item<'_>, key: &mut String) {
        key.clear();
        key.push_str(first.get(..self.shared).unwrap_or_default());
        // Both are parts of keys, cut between characters.
        key.push_str(std::str::from_utf8(item.rest).unwrap_or_default());
    }

    /// Puts an item in the place of bytes.
    fn replace(&mut self, place: std::ops::Range<usize>, rest: &[u8], value: &[u8]) {
        let mut lens = Vec::with_capacity(4);
        push_len(rest.len(), &mut lens);
        push_len(value.len(), &mut lens);
        let added = lens.len() + rest.len() + value.len();
        if self.bytes.capacity() < self.bytes.len() + added {
            self.bytes.reserve_exact(added + GROWTH);
        }
        self.bytes.splice(place, lens.into_iter().chain(rest.iter().copied()).chain(value.iter().copied()));
    }

    /// Lets the keys share no more bytes of the block's key than this.
    fn share(&mut self, first: &str, shared: usize) {
        if shared < self.shared {
            let all = std::mem::replace(self, Self { shared, bytes: Vec::new() });
            *self = all.rewritten(first, shared);
        }
    }

    /// The same items under a key of the block that is less.
    fn begun_by(&self, first: &str, less: &str) -> Self {
        self.rewritten(first, common_len(first, less).min(self.shared))
    }

    /// The same items under a key of the block that may be greater, which share as much as they can.
    fn tightened(&self, before: &str, first: &str) -> Self {
        let mut last = String::new();
        if let Some(item) = self.items().last() {
            self.write_key(before, item, &mut last);
        }
        self.with_shared(common_len(first, &last).max(self.shared))
    }

    /// Cuts more bytes of the keys, which all have them.
    fn with_shared(&self, shared: usize) -> Self {
        let cut = shared - self.shared;
        let mut block = Self { shared, bytes: Vec::with_capacity(self.bytes.len() + GROWTH) };
        for item in self.items() {
            block.append(&[], item.rest.get(cut..).unwrap_or_default(), item.value);
        }
        block
    }

    /// Cuts fewer bytes of the keys.
    fn rewritten(&self, first: &str, shared: usize) -> Self {
        let before = first.as_bytes().get(shared..self.shared).unwrap_or_default();
        let mut block = Self { shared, bytes: Vec::with_capacity(self.bytes.len() + GROWTH) };
        for item in self.items() {
            block.append(before, item.rest, item.value);
        }
        block
    }

    fn append(&mut self, before: &[u8], rest: &[u8], value: &[u8]) {
        push_len(before.len() + rest.len(), &mut self.bytes);
        push_len(value.len(), &mut self.bytes);
        self.bytes.extend_from_slice(before);
        self.bytes.extend_from_slice(rest);
        self.bytes.extend_from_slice(value);
    }
}

impl<'b> Iterator for Items<'b> {
    type Item = Item<'b>;

    fn next(&mut self) -> Option<Item<'b>> {
        let start = self.at;
        let rest_len = self.len()?;
        let value_len = self.len()?;
        let rest = self.bytes.get(self.at..self.at + rest_len)?;
        self.at += rest_len;
        let value = self.bytes.get(self.at..self.at + value_len)?;
        self.at += value_len;
        Some(Item { rest, value, start, end: self.at })
    }
}

impl Items<'_> {
    /// Reads a length, seven bits in each byte, the lowest first.
    fn len(&mut self) -> Option<usize> {
        let (mut len, mut shift) = (0, 0_u32);
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            len |= usize::from(byte & 0x7F).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(len);
            }
            shift += 7;
        }
    }
}

fn push_len(mut len: usize, out: &mut Vec<u8>) {
    while len >= 0x80 {
        out.push((len & 0x7F) as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
}

/// Returns how many bytes two keys have in common at their beginnings, in whole characters.
fn common_len(one: &str, other: &str) -> usize {
    let mut len = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    while !one.is_char_boundary(len) {
        len -= 1;
    }
    len
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys() -> impl Strategy<Value = String> {
        // Few beginnings, ends that differ, and some that are too long for a block.
        prop_oneof![
            "user!(email|team)!(aé|aê|b){0,4}[0-9]{0,3}!",
            "[a-c]{0,3}",
            (0_usize..3, "[xy]{0,2}").prop_map(|(long, end)| "k".repeat(long * 700) + &end),
        ]
    }

    fn all(map: &PackedMap, range: (Bound<&str>, Bound<&str>), is_reverse: bool) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        map.visit(range, is_reverse, |key, value| {
            found.push((key.to_owned(), value.to_vec()));
            true
        });
        found
    }

    proptest! {
        #[test]
        fn it_is_a_sorted_map(
            steps in prop::collection::vec((keys(), prop::option::of(0_usize..200)), 0..400),
            from in keys(), to in keys(),
        ) {
            let (mut map, mut model) = (PackedMap::default(), BTreeMap::<String, Vec<u8>>::new());
            for (key, value) in steps {
                match value {
                    Some(len) => {
                        map.insert(&key, &vec![7; len]);
                        model.insert(key, vec![7; len]);
                    }
                    None => prop_assert_eq!(map.remove(&key), model.remove(&key).is_some()),
                }
                prop_assert_eq!(map.len(), model.len());
            }
            for (key, value) in &model {
                prop_assert_eq!(map.get(key), Some(&**value));
            }
            prop_assert_eq!(map.get(&from).map(<[u8]>::to_vec), model.get(&from).cloned());
            for bounds in [
                (Bound::Unbounded, Bound::Unbounded),
                (Bound::Included(&*from), Bound::Excluded(&*to)),
                (Bound::Excluded(&*from), Bound::Included(&*to)),
                (Bound::Excluded(&*from), Bound::Unbounded),
                (Bound::Unbounded, Bound::Included(&*to)),
            ] {
                let within = |key: &String| {
                    std::ops::RangeBounds::<str>::contains(&bounds, key.as_str())
                };
                let expected: Vec<_> = model.clone().into_iter().filter(|(key, _)| within(key)).collect();
                prop_assert_eq!(&all(&map, bounds, false), &expected);
                let reverse: Vec<_> = expected.into_iter().rev().collect();
                prop_assert_eq!(all(&map, bounds, true), reverse);
            }
        }
    }

    /// In order, in the reverse of it and in no order, an entry takes little more than its key.
    #[test]
    fn keys_take_little_room() {
        let key = |number: usize| format!("user!team!{:010}!{number:020}!", number / 100);
        let orders: [Box<dyn Fn(usize) -> usize>; 3] = [
            Box::new(|number| number),
            Box::new(|number| 9_999 - number),
            Box::new(|number| number * 7_919 % 10_000),
        ];
        for order in orders {
            let mut map = PackedMap::default();
            for number in 0..10_000 {
                map.insert(&key(order(number)), &[]);
            }
            let block = |(first, block): (&First, &Block)| first.len() + block.bytes.capacity() + 64;
            let bytes: usize = map.blocks.iter().map(block).sum();
            // The key has 42 bytes, of which the blocks share about 18.
            assert!(bytes / 10_000 < 45, "{} bytes for each", bytes / 10_000);
        }
    }
}
