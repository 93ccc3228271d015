//! A block of a packed map: keys and values in order, in one allocation.

use std::cmp::Ordering;
use std::ops::Range;

/// How many bytes a block grows by.
const GROWTH: usize = 64;

/// Keys and values in order: for each the length of the key without what all share, the length of
/// the value, and both.
pub(super) struct Block {
    /// How many bytes of the key of the block its keys begin with.
    pub(super) shared: usize,
    pub(super) bytes: Vec<u8>,
}

/// One key with its value in a block.
#[derive(Clone, Copy)]
pub(super) struct Item<'b> {
    rest: &'b [u8],
    pub(super) value: &'b [u8],
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The items of a block.
pub(super) struct Items<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Block {
    pub(super) fn items(&self) -> Items<'_> {
        Items { bytes: &self.bytes, at: 0 }
    }

    /// Returns the item of a key, or where it would be. `None` if its beginning is another.
    pub(super) fn find(&self, first: &str, key: &str) -> Option<Result<Item<'_>, usize>> {
        let shared = first.as_bytes().get(..self.shared)?;
        let rest = key.as_bytes().strip_prefix(shared)?;
        for item in self.items() {
            match item.rest.cmp(rest) {
                Ordering::Less => {}
                Ordering::Equal => return Some(Ok(item)),
                Ordering::Greater => return Some(Err(item.start)),
            }
        }
        Some(Err(self.bytes.len()))
    }

    pub(super) fn write_key(&self, first: &str, item: Item<'_>, key: &mut String) {
        key.clear();
        key.push_str(first.get(..self.shared).unwrap_or_default());
        // Both are parts of keys, cut between characters.
        key.push_str(std::str::from_utf8(item.rest).unwrap_or_default());
    }

    /// Removes an item, and gives memory back that is not needed.
    pub(super) fn remove(&mut self, place: Range<usize>) {
        self.bytes.drain(place);
        if self.bytes.capacity() - self.bytes.len() > 4 * GROWTH {
            self.bytes.shrink_to(self.bytes.len() + GROWTH);
        }
    }

    /// Puts an item in the place of bytes.
    pub(super) fn replace(&mut self, place: Range<usize>, rest: &[u8], value: &[u8]) {
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
    pub(super) fn share(&mut self, first: &str, shared: usize) {
        if shared < self.shared {
            let all = std::mem::replace(self, Self { shared, bytes: Vec::new() });
            *self = all.rewritten(first, shared);
        }
    }

    /// The same items under a key of the block that is less.
    pub(super) fn begun_by(&self, first: &str, less: &str) -> Self {
        self.rewritten(first, common_len(first, less).min(self.shared))
    }

    /// The same items under a key of the block that may be greater, which share as much as they can.
    pub(super) fn tightened(&self, before: &str, first: &str) -> Self {
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
pub(super) fn common_len(one: &str, other: &str) -> usize {
    let mut len = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    while !one.is_char_boundary(len) {
        len -= 1;
    }
    len
}
