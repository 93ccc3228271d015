//! From a key's text back to its ids, strictly: only what [`KeyBuilder`](super::KeyBuilder) writes is a key.

use super::id::{EntityId, IdSchema, KvId};

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
        I::decode(self.next()?, schema.is_ordered())
    }

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.take()?;
        // Segments are short: `str::split` would take longer to begin its search than this takes to find the end.
        let Some(end) = rest.bytes().position(|byte| byte == b':') else { return Some(rest) };
        self.rest = Some(&rest[end + 1..]);
        Some(&rest[..end])
    }
}

/// The id in `key`, if it is a key of this group of the entity with this prefix and these ids.
// Inlined, it compares with a prefix and a group that the compiler knows.
#[inline]
pub fn parse_key<I: EntityId>(
    key: &str,
    prefix: &str,
    ids: &'static [IdSchema],
    group: Option<&str>,
) -> Option<I> {
    let mut rest = key.strip_prefix(prefix)?.strip_prefix(':')?;
    if let Some(group) = group {
        rest = rest.strip_suffix(group)?.strip_suffix(':')?;
    }
    let mut segments = IdSegments { rest: Some(rest), ids: ids.iter() };
    let id = I::parse(&mut segments)?;
    segments.rest.is_none().then_some(id)
}
