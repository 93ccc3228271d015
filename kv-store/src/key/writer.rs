//! Writing a segment of a key.

use super::escape::escape_into;
use super::schema::IdSchema;
use super::sorted::escape_sorted;

/// What can be written as a segment: every [`KvId`](super::KvId), and the text of one.
#[doc(hidden)]
pub trait Segment {
    /// Writes itself.
    fn write_segment(&self, out: &mut IdWriter<'_>);
}

/// Writes one segment of a key.
#[derive(Debug)]
pub struct IdWriter<'a> {
    out: &'a mut String,
    /// Whether numbers are written with a fixed width.
    pub(super) ordered: bool,
    raw: bool,
    is_sorted: bool,
}

impl<'a> IdWriter<'a> {
    pub(super) fn new(out: &'a mut String, schema: Option<&IdSchema>) -> Self {
        let (ordered, raw) = schema.map_or((false, false), |id| (id.ordered, id.raw));
        Self { out, ordered, raw, is_sorted: false }
    }

    /// Writes a part of an index entry, in the order of values.
    pub(super) fn sorted(out: &'a mut String) -> Self {
        Self { out, ordered: true, raw: false, is_sorted: true }
    }

    /// Writes text, escaped unless the id is raw.
    pub fn text(&mut self, text: &str) {
        if self.is_sorted {
            escape_sorted(text, self.out);
        } else if self.raw {
            self.out.push_str(text);
        } else {
            escape_into(text, self.out);
        }
    }

    /// Writes what needs no escape: digits, letters, `-`.
    pub(super) fn plain(&mut self, text: &str) {
        self.out.push_str(text);
    }

    pub(super) fn padded(&mut self, digits: &str, width: usize) {
        for _ in digits.len()..width {
            self.out.push('0');
        }
        self.out.push_str(digits);
    }
}

impl Segment for str {
    fn write_segment(&self, out: &mut IdWriter<'_>) {
        out.text(self);
    }
}
