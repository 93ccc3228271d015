//! The parts of one index entry.

use std::fmt;

use crate::key::{IdKind, IdSchema, Key, KeyBuilder};
use crate::timestamp::Timestamp;

/// The indexed values of one entity as text, one part after the other.
///
/// The order of two texts is that of their values, part by part. A part of more than
/// 128 bytes keeps its beginning and a hash of the whole.
#[derive(Clone)]
pub struct IndexParts {
    key: KeyBuilder,
    len: usize,
    is_missing: bool,
    is_whole: bool,
}

impl Default for IndexParts {
    fn default() -> Self {
        Self::new()
    }
}

impl IndexParts {
    /// Begins with no part.
    #[must_use]
    pub fn new() -> Self {
        Self { key: KeyBuilder::sorted(&[]), len: 0, is_missing: false, is_whole: false }
    }

    /// Begins with no part. The first one will be the shard id.
    #[doc(hidden)]
    #[must_use]
    pub fn in_shard() -> Self {
        const SHARD: &[IdSchema] = &[IdSchema::new("", IdKind::Text).shard()];
        Self { key: KeyBuilder::sorted(SHARD), ..Self::new() }
    }

    /// Returns a key that is placed in the shard that the first part names. If there is no part yet,
    /// it is the beginning of keys in any shard. Parts that are not [in a shard](Self::in_shard)
    /// place a key by its own text.
    #[doc(hidden)]
    #[must_use]
    pub fn place(&self, key: Key) -> Key {
        self.key.place(key)
    }

    /// Begins with no part, and shortens none.
    #[must_use]
    pub fn whole() -> Self {
        Self { is_whole: true, ..Self::new() }
    }

    /// Removes all parts, so that those of another entity can be written with the same memory.
    pub fn clear(&mut self) {
        self.key.clear_sorted();
        (self.len, self.is_missing) = (0, false);
    }

    /// Returns the text of the parts, each with its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.key.as_str()
    }

    /// Returns the number of parts.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an index entry always has a value")]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Returns whether the last part was that of a missing value.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        self.is_missing
    }

    /// Appends a part, written as one segment of a key.
    pub(super) fn part(&mut self, write: impl FnOnce(&mut KeyBuilder)) {
        let start = self.key.as_str().len();
        write(&mut self.key);
        if !self.is_whole {
            self.key.shorten_part(start);
        }
        self.end(false);
    }

    /// Says that the part that follows is that of a value which could be missing.
    pub(super) fn present(&mut self) {
        self.key.mark_present();
    }

    /// Appends the part of a missing value.
    pub(super) fn missing(&mut self) {
        self.key.push_missing();
        self.end(true);
    }

    /// Appends a moment.
    pub(super) fn moment(&mut self, at: Timestamp) {
        self.key.push_moment(at.as_millis());
        self.end(false);
    }

    const fn end(&mut self, is_missing: bool) {
        self.len += 1;
        self.is_missing = is_missing;
    }
}

/// Shows how many parts there are, and none of them.
impl fmt::Debug for IndexParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexParts").field("parts", &self.len).finish_non_exhaustive()
    }
}
