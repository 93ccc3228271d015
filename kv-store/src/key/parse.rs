//! The segments of a key, read back strictly: only what [`KeyBuilder`](super::KeyBuilder) writes is
//! one.

use super::escape::escape_into;
use super::id::KvId;
use super::schema::IdSchema;
use super::sorted::{END, unescape_sorted};

/// The id segments of a key, read one after the other.
#[derive(Debug)]
pub struct IdSegments<'a> {
    /// What follows the last one that was read; nothing behind the end.
    rest: Option<&'a str>,
    ids: std::slice::Iter<'static, IdSchema>,
    /// Whether they are the parts of an index entry.
    is_sorted: bool,
}

impl<'a> IdSegments<'a> {
    /// The next segment as an id of this type; nothing if there is none, or it is not canonical.
    pub fn take<I: KvId>(&mut self) -> Option<I> {
        let schema = self.ids.next()?;
        if self.is_sorted {
            return self.take_sorted();
        }
        if schema.raw {
            let rest = self.rest.take()?;
            // As the id type reads it: escaped.
            let mut segment = String::with_capacity(rest.len());
            escape_into(rest, &mut segment);
            return I::decode(&segment, false);
        }
        I::decode(self.next(b':')?, schema.ordered)
    }

    /// Begins to read the segments of a key's ids.
    pub(super) fn of(text: &'a str, ids: &'static [IdSchema]) -> Self {
        Self { rest: Some(text), ids: ids.iter(), is_sorted: false }
    }

    /// Begins to read the ids of an index entry.
    pub(super) fn sorted(text: &'a str, ids: &'static [IdSchema]) -> Self {
        Self { rest: Some(text), ids: ids.iter(), is_sorted: true }
    }

    /// Whether every segment was read.
    pub(super) const fn is_at_end(&self) -> bool {
        self.rest.is_none()
    }

    /// An id reads the segment of a key, so the part becomes one.
    fn take_sorted<I: KvId>(&mut self) -> Option<I> {
        let text = unescape_sorted(self.next(END as u8)?)?;
        let mut segment = String::with_capacity(text.len());
        escape_into(&text, &mut segment);
        I::decode(&segment, true)
    }

    fn next(&mut self, separator: u8) -> Option<&'a str> {
        let rest = self.rest.take()?;
        // Segments are short: `str::split` would take longer to begin its search than this takes to find the end.
        let Some(end) = rest.bytes().position(|byte| byte == separator) else { return Some(rest) };
        self.rest = Some(&rest[end + 1..]);
        Some(&rest[..end])
    }
}
