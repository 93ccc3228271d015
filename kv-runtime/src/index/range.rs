//! The range of entries that a lookup is about.
//!
//! A value that is too long for an entry has only its beginning there, which is cut between two
//! characters. So a bound that may be longer than this beginning selects all entries that begin like
//! it, and the entities' own values decide.

use std::ops::Bound;

use kv_store::__private::{LEAST_KEPT_OF_PART, beginning_of_part};
use kv_store::index::IndexParts;
use kv_store::key::Key;

/// What is selected of the values of one index.
#[derive(Clone, Debug)]
pub(super) struct Selected {
    /// The values that are fixed, as parts of an entry.
    parts: IndexParts,
    /// Those of the first fields, which further selections are within.
    within: IndexParts,
    /// The range of the next value.
    range: Option<Range>,
}

/// A range of one value: its bounds as they are in an entry, not shortened, and without their end.
#[derive(Clone, Debug)]
struct Range {
    from: Bound<String>,
    to: Bound<String>,
    /// Whether the upper bound is a beginning, and all texts that have it are in the range.
    is_beginning: bool,
}

/// Ends a part of an entry.
const END: char = '!';

/// Comes before all parts that begin with a text, and behind the text alone: the least character
/// that a part can have behind it.
const BEHIND_END: char = '"';

/// What begins a part that may be missing and is not.
const PRESENT: &str = "$";

impl Selected {
    /// Selects all entries. `parts` has no value yet.
    pub(super) fn all(parts: IndexParts) -> Self {
        Self { within: parts.clone(), parts, range: None }
    }

    /// Returns a key of the index, placed where the selected entries are.
    pub(super) fn place(&self, key: Key) -> Key {
        self.parts.place(key)
    }

    /// Selects the entries with these values of all further fields.
    pub(super) fn equal(&mut self, write: impl FnOnce(&mut IndexParts)) {
        self.parts = self.within.clone();
        write(&mut self.parts);
        self.range = None;
    }

    /// Selects the entries with this value of the next field. Further selections are within these.
    pub(super) fn within(&mut self, write: impl FnOnce(&mut IndexParts)) {
        write(&mut self.within);
        self.parts = self.within.clone();
        self.range = None;
    }

    /// Selects the entries whose next value is in a range. A missing value is in none. It replaces
    /// what was selected of this field.
    pub(super) fn range(
        &mut self,
        from: Bound<IndexParts>,
        to: Bound<IndexParts>,
        is_optional: bool,
        is_beginning: bool,
    ) {
        let text = |parts: IndexParts| {
            let part = parts.as_str();
            part.strip_suffix(END).unwrap_or(part).to_owned()
        };
        let (mut from, to) = (from.map(text), to.map(text));
        if is_optional && matches!(from, Bound::Unbounded) {
            from = Bound::Included(PRESENT.to_owned());
        }
        self.parts = self.within.clone();
        self.range = Some(Range { from, to, is_beginning });
    }

    /// Returns the range of keys, behind what all keys of the index begin with.
    pub(super) fn keys(&self, index: &str) -> (Bound<String>, Bound<String>) {
        let start = format!("{index}{}", self.parts.as_str());
        let all = || (Bound::Included(start.clone()), Bound::Excluded(after_all_with(&start)));
        let Some(Range { from, to, is_beginning }) = &self.range else { return all() };
        let (mut least, mut greatest) = all();
        if let Bound::Included(from) = from {
            least = Bound::Included(start.clone() + beginning(from));
        } else if let Bound::Excluded(from) = from {
            let is_long = from.len() > LEAST_KEPT_OF_PART;
            let from = if is_long { beginning(from).to_owned() } else { format!("{from}{BEHIND_END}") };
            least = Bound::Included(start.clone() + &from);
        }
        match to {
            Bound::Unbounded => {}
            Bound::Included(to) | Bound::Excluded(to) if *is_beginning || to.len() > LEAST_KEPT_OF_PART => {
                greatest = Bound::Excluded(after_all_with(&(start + beginning(to))));
            }
            Bound::Included(to) => greatest = Bound::Excluded(format!("{start}{to}{BEHIND_END}")),
            Bound::Excluded(to) => greatest = Bound::Excluded(format!("{start}{to}{END}")),
        }
        (least, greatest)
    }

    /// Returns whether the entities' own values decide, of those that the keys select.
    pub(super) fn needs_values(&self) -> bool {
        let is_long = |bound: &Bound<String>| match bound {
            Bound::Included(bound) | Bound::Excluded(bound) => bound.len() > LEAST_KEPT_OF_PART,
            Bound::Unbounded => false,
        };
        self.range.as_ref().is_some_and(|range| is_long(&range.from) || is_long(&range.to))
    }

    /// Returns whether the values, which are not shortened, are selected.
    pub(super) fn has(&self, values: &IndexParts) -> bool {
        let Some(Range { from, to, is_beginning }) = &self.range else { return true };
        let Some(next) = values.as_str().split(END).nth(self.parts.len()) else { return false };
        let is_from = match from {
            Bound::Included(from) => from.as_str() <= next,
            Bound::Excluded(from) => from.as_str() < next,
            Bound::Unbounded => true,
        };
        let is_to = match to {
            Bound::Included(to) | Bound::Excluded(to) if *is_beginning => next.starts_with(to.as_str()),
            Bound::Included(to) => next <= to.as_str(),
            Bound::Excluded(to) => next < to.as_str(),
            Bound::Unbounded => true,
        };
        is_from && is_to
    }
}

/// Returns the part of a bound that is in every entry, if it is too long.
fn beginning(bound: &str) -> &str {
    if bound.len() > LEAST_KEPT_OF_PART { &bound[..beginning_of_part(bound)] } else { bound }
}

/// Returns the least text that is greater than all with this beginning. If there is none, the
/// greatest character: no key of an index begins with it.
fn after_all_with(beginning: &str) -> String {
    let mut after = beginning.to_owned();
    while let Some(last) = after.pop() {
        if let Some(next) = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32) {
            after.push(next);
            return after;
        }
    }
    char::MAX.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_beginning_skips_what_is_no_character() {
        assert_eq!(after_all_with("ab"), "ac");
        assert_eq!(after_all_with("a\u{d7ff}"), "a\u{e000}");
        assert_eq!(after_all_with("a\u{10ffff}"), "b");
        assert_eq!(after_all_with("\u{10ffff}"), "\u{10ffff}");
    }
}
