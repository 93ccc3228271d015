//! The frame of a comparison with native_db: the ids, the files, and calls that both sides make by
//! turns. The benchmark of indexes uses it as well.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use native_db::Models;

use crate::support::{Result, Sides, by_turns, nanos_each};

/// The other side, as errors and tables name it.
pub const PEER: &str = "native_db 0.8.2";

/// Numbers of one length: one after the other they are in the order of both sides' keys, as text and
/// as numbers.
pub const IDS: Range<u64> = 100_000..200_000;

/// Every id once, in no order: the factor has no divisor in common with their number.
pub fn shuffled_ids() -> Vec<u64> {
    let count = IDS.end - IDS.start;
    (0..count).map(|index| IDS.start + index * 7_919 % count).collect()
}

/// Where the files are, and what native_db makes of the types.
pub struct Bench<'a> {
    pub directory: &'a Path,
    pub models: &'a Models,
}

impl Bench<'_> {
    pub fn path(&self, side: &str) -> PathBuf {
        self.directory.join(side).with_extension("redb")
    }

    /// A path without a file.
    pub fn new_path(&self, side: &str) -> Result<PathBuf> {
        let path = self.path(side);
        if path.exists() {
            fs::remove_file(&path)?;
        }
        Ok(path)
    }
}

/// Both sides make the same calls by turns, `each` of them in a round. A round is given the next item.
pub fn by_turns_over<I>(
    rounds: usize,
    each: usize,
    items: impl Iterator<Item = I> + Clone,
    ours: impl Fn(I) -> Result<()>,
    theirs: impl Fn(I) -> Result<()>,
) -> Result<Sides> {
    let (mut our_items, mut their_items) = (items.clone(), items);
    by_turns(
        rounds,
        || next(&mut our_items).and_then(|item| nanos_each(each, || ours(item))),
        || next(&mut their_items).and_then(|item| nanos_each(each, || theirs(item))),
    )
}

fn next<I>(items: &mut impl Iterator<Item = I>) -> Result<I> {
    items.next().ok_or_else(|| "there are too few items".into())
}

/// Fails unless a call has found as many as it must.
pub fn found(found: usize, expected: usize) -> Result<()> {
    if found == expected { Ok(()) } else { Err(format!("found {found}, not {expected}").into()) }
}
