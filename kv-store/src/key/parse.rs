//! The segments of a key, read back strictly: only what [`KeyBuilder`](super::KeyBuilder) writes is
//! one.

use super::escape::escape_into;
use super::id::KvId;
use super::schema::IdSchema;

/// The id segments of a key, read one after the other.
#[derive(Debug)]
pub struct IdSegments<'a> {
    /// What follows the last one that was read; nothing behind the end.
    rest: Option<&'a str>,
    ids: std::slice::Iter<'static, IdSchema>,
}

impl<'a> IdSegments<'a> {
    /// The next segment as an id of this type; nothing if there is none, or it is not canonical.
    pub fn take<I: KvId>(&mut self) -> Option<I> {
        let schema = self.ids.next()?;
        if schema.is_raw() {
            let rest = self.rest.take()?;
            // As the id type reads it: escaped.
            let mut segment = String::with_capacity(rest.len());
            escape_into(rest, &mut segment);
            return I::decode(&segment, false);
        }
        I::decode(self.next()?, schema.is_ordered())
    }

    /// Begins to read the segments of a key's ids.
    pub(super) fn of(text: &'a str, ids: &'static [IdSchema]) -> Self {
        Self { rest: Some(text), ids: ids.iter() }
    }

    /// Whether every segment was read.
    pub(super) const fn is_at_end(&self) -> bool {
        self.rest.is_none()
    }

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.take()?;
        // Segments are short: `str::split` would take longer to begin its search than this takes to find the end.
        let Some(end) = rest.bytes().position(|byte| byte == b':') else { return Some(rest) };
        self.rest = Some(&rest[end + 1..]);
        Some(&rest[..end])
    }
}
