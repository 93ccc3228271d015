//! What callers of a cache wrote and read in a run, and whether an answer is older than a write
//! that had been acknowledged before.

use std::time::Duration;

use kv_runtime::Source;

use crate::origin::{Given, MEMORY_TTL, NEGATIVE_TTL, STALE_FOR};

/// A write, or a refresh from the origin.
#[derive(Debug)]
pub struct Written {
    pub by: By,
    /// What it writes, where that is not what the origin gives.
    pub version: Option<Option<u64>>,
    pub began: u64,
    /// After this step it does not take place; nothing where nobody knows.
    pub ended: Option<u64>,
    pub ended_at: Duration,
    pub is_acknowledged: bool,
    /// Whether its record expires during the run.
    pub expires: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The cache, or one that it hears.
    Cache,
    /// Another process.
    Other,
}

#[derive(Debug)]
pub struct Read {
    pub version: Option<u64>,
    pub began: u64,
    /// Where the answer came from; nothing if the store was asked past the cache.
    pub source: Option<Source>,
    /// When it was looked up, if it came from memory.
    pub looked: Duration,
}

/// What a run saw.
#[derive(Default)]
pub struct Seen {
    pub written: Vec<Written>,
    pub reads: Vec<Read>,
}

impl Seen {
    /// Notes that a write begins, and returns its place.
    pub fn begin(&mut self, by: By, version: Option<Option<u64>>, began: u64, expires: bool) -> usize {
        let ended_at = Duration::ZERO;
        let written = Written { by, version, began, ended: None, ended_at, is_acknowledged: false, expires };
        self.written.push(written);
        self.written.len() - 1
    }

    /// Fails if a read is older than a write that had ended before it began. `is_excused`: whether
    /// this version may have come back.
    pub fn check(&self, given: &[Given], is_excused: impl Fn(&Read) -> bool) {
        for read in &self.reads {
            for write in self.written.iter().filter(|write| is_due(write, read, given)) {
                assert!(
                    self.may_be_read(read, write, given) || is_excused(read),
                    "{read:?} is older than {write:?}\n{:#?}\n{given:#?}",
                    self.written
                );
            }
        }
    }

    /// Whether a read may see this version after a write.
    fn may_be_read(&self, read: &Read, write: &Written, given: &[Given]) -> bool {
        let may_come = |written: &Written| {
            written.version == Some(read.version) && written.ended.is_none_or(|ended| ended > write.began)
        };
        let has_expired = read.version.is_none() && self.written.iter().any(|written| written.expires);
        has_expired
            || self.written.iter().any(may_come)
            || given.iter().any(|given| given.version == read.version && given.read >= write.began)
    }
}

/// Whether the read has to see the write, or what came after it.
fn is_due(write: &Written, read: &Read, given: &[Given]) -> bool {
    if !write.is_acknowledged || write.ended.is_none_or(|ended| ended >= read.began) {
        return false;
    }
    let (By::Other, Some(source)) = (write.by, read.source) else { return true };
    let longest = match source {
        Source::Memory if read.version.is_none() => NEGATIVE_TTL,
        Source::Memory => MEMORY_TTL,
        Source::Stale => MEMORY_TTL + STALE_FOR,
        // It may be a load that began before the write.
        _ => return false,
    };
    // An answer of the origin counts from when it came.
    let of_origin = given.iter().filter(|given| given.version == read.version).map(|given| given.at);
    let since = of_origin.fold(write.ended_at, Duration::max);
    read.looked > since + longest
}
