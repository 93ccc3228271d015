//! A sorted map from keys to a few bytes each, with many keys in one allocation.
//!
//! The keys of an index are numerous, short and alike. In a `BTreeSet<Box<str>>` each costs 35
//! bytes beside its own. Here a block holds up to [`BLOCK`] bytes of keys and values in order, and
//! the beginning that its keys share is stored once.

mod block;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Bound;

use block::{Block, Item, common_len};

/// A block of more bytes is split.
const BLOCK: usize = 1_024;

/// The key of a block.
type First = Box<str>;

#[derive(Default)]
pub(super) struct PackedMap {
    /// Blocks by a key that is at most their first one, and greater than all keys before.
    blocks: BTreeMap<First, Block>,
    len: usize,
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
        block.remove(start..end);
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
                    (is_after_start, _) if is_reverse => is_after_start,
                    (_, is_before_end) => is_before_end,
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
        let is_full = block.bytes.len() - (end - start) + rest.len() + value.len() > BLOCK;
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
