//! Pages of a table.

use kv_store::Timestamp;
use worker::SqlStorageValue as Sql;

use super::super::message::{Failure, Range, Response, Row};
use super::{Table, at, columns, foreign, row};

/// The most rows that one page looks at, whatever its limit.
const SCANNED_BY_PAGE: usize = 16_384;

/// The rows of the first statement of a page. Each further one asks for as many as the room that is
/// left can hold, by the mean of what came before.
const FIRST_ROWS: usize = 16;

/// The most rows of one statement.
const MOST_ROWS: usize = 1_000;

impl Table {
    pub(super) fn list(&self, range: &Range, now: Timestamp) -> Result<Response, Failure> {
        let mut page = Page { range, rows: Vec::new(), scanned: 0, bytes: 0, last: None, ended: false };
        while !page.is_full() {
            let asked = page.next_rows();
            let after = page.last.as_ref().or(range.after.as_ref());
            let after = after.filter(|after| **after >= range.prefix);
            let statement = self.statements.list(range, after.is_some());
            let values = vec![
                Sql::from(after.unwrap_or(&range.prefix).as_str()),
                // Any text is below any blob.
                end_of(&range.prefix).map_or(Sql::Blob(vec![0xFF]), Sql::String),
                Sql::Float(asked as f64),
                at(now),
                Sql::from(range.suffix.as_str()),
            ];
            let (mut seen, before) = (0, page.scanned);
            // To its end, so that no statement stays open.
            for found in self.exec(&statement, values)?.raw() {
                seen += 1;
                if !page.is_full() {
                    let [key, record, expires_at] = columns(found)?;
                    page.push(key, record, &expires_at)?;
                }
            }
            page.ended = seen < asked && page.scanned - before == seen;
        }
        let next = if page.ended { None } else { page.last };
        Ok(Response::Page(page.rows, next))
    }
}

struct Page<'a> {
    range: &'a Range,
    rows: Vec<(String, Row)>,
    scanned: usize,
    bytes: usize,
    /// The last key that was looked at.
    last: Option<String>,
    /// Whether the list has no more.
    ended: bool,
}

impl Page<'_> {
    fn is_full(&self) -> bool {
        self.ended
            || self.rows.len() >= self.range.limit as usize
            || self.scanned >= SCANNED_BY_PAGE
            || self.bytes >= self.range.max_bytes as usize
    }

    fn next_rows(&self) -> usize {
        let rows = match self.bytes / self.scanned.max(1) {
            0 if self.scanned == 0 => FIRST_ROWS,
            mean => (self.range.max_bytes as usize - self.bytes) / mean.max(1),
        };
        let left = self.range.limit as usize - self.rows.len();
        // One more than is missing tells whether the list goes on.
        let left = if self.range.suffix.is_empty() { left.saturating_add(1) } else { MOST_ROWS };
        rows.min(left).clamp(1, MOST_ROWS)
    }

    fn push(&mut self, key: Sql, record: Sql, expires_at: &Sql) -> Result<(), Failure> {
        let Sql::String(key) = key else { return Err(foreign()) };
        self.scanned += 1;
        if record != Sql::Null {
            let row = row(record, expires_at)?;
            self.bytes = self.bytes.saturating_add(key.len() + row.record.len());
            self.rows.push((key.clone(), row));
        }
        self.last = Some(key);
        Ok(())
    }
}

/// The least text above every text with this prefix, if there is one.
fn end_of(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}
