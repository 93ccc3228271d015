//! What a change of shape costs: bringing all records up against native_db's `migrate`, reading old
//! records against reading current ones, and what a past costs a record that is current.

#[path = "../../support/mod.rs"]
mod support;

mod child;
mod current;
mod entities;
mod files;
mod memory;
mod ours;
mod theirs;

use std::fs;
use std::ops::Range;
use std::path::Path;

use entities::{AttributesJson, FunctionJson, OldJson, OldPostcard, TypedJson, TypedPostcard, User};
use files::remove;
use native_db::Models;
use ours::Ours;
use support::{Report, Result, Sides, by_turns, nanos_each};
use theirs::Theirs;

/// Numbers of one length: one after the other they are in the order of both sides' keys, as text
/// and as numbers.
const IDS: Range<u64> = 100_000..200_000;

/// How many records there are of each age that reads are made of, and how many reads a round makes.
const READ: u64 = 5_000;

/// How many new files reads are measured on.
const FILES: u64 = 7;

const PEER: &str = "native_db 0.8.2, `migrate`";
const CURRENT: &str = "the same read of a current record";

fn main() -> Result<()> {
    if let Some((work, arguments)) = child::asked() {
        return run_child(&work, &arguments);
    }
    let mut report = Report::new("migration");
    let directory = tempfile::tempdir_in(support::target_dir())?;
    let models = theirs::models()?;
    let bench = Bench { directory: directory.path(), models: &models };

    let (in_records, in_nanos) = ("ns/record", "ns");
    report.case("backfill-postcard", PEER, in_records, 0.08, || {
        bench.backfill::<OldPostcard, TypedPostcard>()
    })?;
    report.case("backfill-json", PEER, in_records, 0.15, || bench.backfill::<OldJson, AttributesJson>())?;
    report.case("backfill-memory", memory::PEER, "MiB", 1.2, || memory::growth(directory.path()))?;
    report.case("backfill-memory-most", memory::LIMIT, "MiB", 1.0, || memory::most(directory.path()))?;

    report.case("read-typed-postcard", CURRENT, in_nanos, 1.15, || {
        bench.read::<OldPostcard, TypedPostcard>()
    })?;
    report.case("read-typed-json", CURRENT, in_nanos, 1.2, || bench.read::<OldJson, TypedJson>())?;
    report
        .case("read-attributes-json", CURRENT, in_nanos, 2.0, || bench.read::<OldJson, AttributesJson>())?;
    report.case("read-function-json", CURRENT, in_nanos, 2.0, || bench.read::<OldJson, FunctionJson>())?;
    match current::missing() {
        Some(reason) => report.not_measured("current-record", reason),
        None => report.case("current-record", current::PEER, "instructions", 1.02, current::instructions)?,
    }
    report.finish()
}

/// Does the work of a child, which writes what it came to.
fn run_child(work: &str, arguments: &[String]) -> Result<()> {
    match work {
        "load" => memory::load(arguments),
        "backfill" => memory::backfill(arguments),
        "read" => current::read(arguments),
        _ => Err(format!("there is no work `{work}`").into()),
    }
}

/// Where the files are.
struct Bench<'a> {
    directory: &'a Path,
    models: &'a Models,
}

impl Bench<'_> {
    /// All records from the first version to the second; each round on a copy of the same file.
    fn backfill<Old: User, New: User>(&self) -> Result<Sides> {
        let path = |name: &str| self.directory.join(name).with_extension("redb");
        let (our_old, their_old) = (path("our-old"), path("their-old"));
        let (our_copy, their_copy) = (path("ours"), path("theirs"));
        remove(&our_old)?;
        Ours::<Old>::open(&our_old)?.put(IDS)?;
        if !their_old.exists() {
            Theirs::create(self.models, &their_old)?.insert(IDS)?;
        }
        by_turns(
            5,
            || {
                fs::copy(&our_old, &our_copy)?;
                let ours = Ours::<New>::open(&our_copy)?;
                let nanos = nanos_each(IDS.count(), || {
                    assert_eq!(ours.backfill()?, IDS.count() as u64);
                    Ok(())
                })?;
                ours.assert_holds(IDS.start + 7)?;
                Ok(nanos)
            },
            || {
                fs::copy(&their_old, &their_copy)?;
                let theirs = Theirs::open(self.models, &their_copy)?;
                let nanos = nanos_each(IDS.count(), || theirs.migrate())?;
                theirs.assert_holds(IDS.start + 7)?;
                Ok(nanos)
            },
        )
    }

    /// Reads of old records against reads of current ones. Both lie side by side in one file, so
    /// that they come from the same pages.
    fn read<Old: User, New: User>(&self) -> Result<Sides> {
        let path = self.directory.join("read.redb");
        let mut all = Vec::new();
        for _ in 0..FILES {
            remove(&path)?;
            let ours = Ours::<Old>::open(&path)?;
            ours.put(ids_of_age(0))?;
            let ours = ours.at_age::<New>()?;
            ours.put(ids_of_age(1))?;
            ours.assert_holds(IDS.start)?;
            ours.assert_holds(IDS.start + 1)?;
            let reads = |age| nanos_each(READ as usize, || ours.get_all(ids_of_age(age)));
            all.push(by_turns(50, || reads(0), || reads(1))?);
        }
        Sides::middle(all)
    }
}

/// The ids of old records (age 0) or of current ones (age 1), each once, in no order: the factor
/// has no divisor in common with their number.
fn ids_of_age(age: u64) -> impl Iterator<Item = u64> {
    (0..READ).map(move |place| IDS.start + place * 7_919 % READ * 2 + age)
}
