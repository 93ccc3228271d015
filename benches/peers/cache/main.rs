//! The cache in front of a collection against the caches in memory that it is measured by: quick_cache, which it is built on, bare; and
//! moka, with a TTL.

#[path = "../../support/mod.rs"]
mod support;

mod hits;
mod memory;
mod misses;
mod sides;

use support::{Report, Result};

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

const QUICK_CACHE: &str = "quick_cache";
const MOKA: &str = "moka sync, TTL";

fn main() -> Result<()> {
    let mut report = Report::new("cache");
    for threads in [1, 2, 4] {
        report.case(format!("hit-u64-{threads}"), QUICK_CACHE, "ns", 1.25, || hits::numbers(threads))?;
    }
    for threads in [1, 2, 4] {
        report.case(format!("hit-string-{threads}"), QUICK_CACHE, "ns", 1.25, || hits::texts(threads))?;
    }
    report.case("unread-u64-1", QUICK_CACHE, "ns", None, hits::unread)?;
    report.case("hit-moka-1", MOKA, "ns", 0.4, hits::moka)?;
    report.case("miss-fill", "moka try_get_with", "ns", 0.35, misses::fill)?;
    report.case("stampede-64", "one load", "ns", 1.3, misses::stampede)?;
    report.case("memory-per-entry", QUICK_CACHE, "bytes", None, memory::beside_quick_cache)?;
    report.case("memory-per-entry-moka", MOKA, "bytes", None, memory::beside_moka)?;
    report.finish()
}
