//! The keys of index entries: `prefix "!" index "!" *( part "!" ) *( id "!" )`.
//!
//! No prefix contains `!`, so no such key is an entity's, and no list of entities shows it.

use super::builder::{Key, KeyBuilder};
use super::entity_id::EntityId;
use super::parse::IdSegments;
use super::placement::Placement;
use super::schema::IdSchema;
use super::sorted::{CUT, END, PRESENT};
use super::writer::IdWriter;

/// The most bytes that a part of text has in an entry, without what ends it.
const LONGEST_PART: usize = 128;

/// How many hexadecimal digits of its SHA-256 a longer text has behind its beginning.
const HASH_LEN: usize = 32;

/// How many bytes remain of a longer text at most.
const KEPT: usize = LONGEST_PART - HASH_LEN - 1;

/// How many bytes remain of a longer text at least. It is cut in front of a character of up to four
/// bytes, or in front of an escape of up to three.
pub const LEAST_KEPT: usize = KEPT - 3;

/// The digits of the latest moment.
const MOMENT_LEN: usize = 15;

/// Room for the values and the id of most entries.
const PARTS: usize = 64;

impl Key {
    /// Returns the key of an entry that a store has listed, which begins with `index` and shows
    /// nothing else.
    #[doc(hidden)]
    #[must_use]
    pub fn of_listed_entry(index: &Self, text: &str) -> Self {
        let hidden = index.text.len().min(text.len())..text.len();
        Self {
            text: text.to_owned(),
            entity_len: text.len(),
            secrets: vec![hidden],
            placement: index.placement.clone(),
            is_of_index: true,
        }
    }

    /// Returns the key of an entry that a store has listed, in the shard that its first part names.
    /// `None` if that part names none, or is shortened.
    #[doc(hidden)]
    #[must_use]
    pub fn of_entry_in_shard(index: &Self, text: &str, ids: &'static [IdSchema]) -> Option<Self> {
        let (part, _) = text.strip_prefix(index.as_str())?.split_once(END)?;
        let placement = Placement::in_shard_of_part(part, ids.first()?)?;
        Some(Self { placement, ..Self::of_listed_entry(index, text) })
    }
}

impl KeyBuilder {
    /// Begins the parts of an entry, which are no key yet. The first one may be a shard id.
    pub(crate) fn sorted(ids: &'static [IdSchema]) -> Self {
        let text = String::with_capacity(PARTS);
        let placement = Placement::of(ids);
        let key = Key { text, entity_len: 0, secrets: Vec::new(), placement, is_of_index: true };
        Self { key, ids, next: 0, is_sorted: true }
    }

    /// Returns the key, placed where these parts are.
    pub(crate) fn place(&self, key: Key) -> Key {
        key.placed_with(&self.key)
    }

    /// Begins the key of an entry, or of all entries with these parts. It is in no shard.
    #[doc(hidden)]
    pub fn entry(prefix: &str, index: &str, parts: &str, is_shown: bool, ids: &'static [IdSchema]) -> Self {
        let mut text = String::with_capacity(prefix.len() + index.len() + parts.len() + PARTS);
        for name in [prefix, index] {
            text.push_str(name);
            text.push(END);
        }
        let values = text.len()..text.len() + parts.len();
        text.push_str(parts);
        let secrets = if is_shown || parts.is_empty() { Vec::new() } else { vec![values] };
        let placement = Placement::Entity;
        let key = Key { text, entity_len: 0, secrets, placement, is_of_index: true };
        Self { key, ids, next: 0, is_sorted: true }
    }

    /// Ends the key of an entry, or the prefix of several.
    #[doc(hidden)]
    pub fn finish_entry(mut self) -> Key {
        self.key.entity_len = self.key.text.len();
        self.key
    }

    /// Removes the parts of an entry.
    pub(crate) fn clear_sorted(&mut self) {
        self.key.text.clear();
        self.key.secrets.clear();
        self.key.placement = Placement::of(self.ids);
        self.next = 0;
    }

    /// Returns what has been written.
    pub(crate) fn as_str(&self) -> &str {
        &self.key.text
    }

    pub(super) fn sorted_part(&mut self, schema: Option<&IdSchema>, write: impl FnOnce(&mut IdWriter<'_>)) {
        let start = self.key.text.len();
        write(&mut IdWriter::sorted(&mut self.key.text));
        if schema.is_some_and(|id| id.secret) {
            self.key.secrets.push(start..self.key.text.len());
        }
        self.key.text.push(END);
    }

    /// Says that the next part is that of a value which is present.
    pub(crate) fn mark_present(&mut self) {
        self.key.text.push(PRESENT);
    }

    /// Appends the part of a missing value.
    pub(crate) fn push_missing(&mut self) {
        self.key.text.push(END);
    }

    /// Appends a moment: milliseconds since the epoch.
    pub(crate) fn push_moment(&mut self, millis: u64) {
        let mut buffer = itoa::Buffer::new();
        self.sorted_part(None, |out| out.padded(buffer.format(millis), MOMENT_LEN));
    }

    /// Shortens the last part, which begins at `start`, if it is too long.
    pub(crate) fn shorten_part(&mut self, start: usize) {
        let text = &mut self.key.text;
        let end = text.len() - 1;
        if end - start <= LONGEST_PART {
            return;
        }
        let hash = hmac_sha256::Hash::hash(&text.as_bytes()[start..end]);
        text.truncate(cut(text, start, KEPT));
        text.push(CUT);
        for byte in &hash[..HASH_LEN / 2] {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        }
        text.push(END);
    }
}

/// Returns where the beginning of a part ends that remains of every longer text which begins with
/// the same characters. The part has more than [`LEAST_KEPT`] bytes.
#[doc(hidden)]
pub fn beginning_of_part(part: &str) -> usize {
    cut(part, 0, LEAST_KEPT)
}

/// Returns where the beginning of a part ends that has at most `len` bytes: between two characters,
/// and not within an escape.
fn cut(text: &str, start: usize, len: usize) -> usize {
    let mut end = start + len;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // An escape is `%` and two digits, or `~` and one. Neither mark is part of another escape.
    let bytes = text.as_bytes();
    let escaped = (1..=2).find(|back| {
        let mark = end.checked_sub(*back).filter(|mark| *mark >= start).map(|mark| bytes[mark]);
        mark == Some(b'%') || (mark == Some(b'~') && *back == 1)
    });
    end - escaped.unwrap_or(0)
}

/// Returns the id at the end of an entry's key, whose values are all before it.
#[doc(hidden)]
pub fn parse_entry<I: EntityId>(key: &str, ids: &'static [IdSchema]) -> Option<I> {
    let mut segments = IdSegments::sorted(sorted_ids(key, ids.len())?, ids);
    let id = I::parse(&mut segments)?;
    segments.is_at_end().then_some(id)
}

/// Returns the last `count` parts of a key, without what ends the last one.
fn sorted_ids(key: &str, count: usize) -> Option<&str> {
    let key = key.strip_suffix(END)?;
    let start = key.rmatch_indices(END).nth(count.checked_sub(1)?)?.0;
    Some(&key[start + 1..])
}
