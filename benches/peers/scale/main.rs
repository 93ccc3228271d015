//! From 1,000 records to a million, against native_db and against redb by hand with keys of text.
//!
//! `cargo bench --bench scale` runs 1,000 and 30,000 records; `SCALE=1000000 cargo bench --bench
//! scale` goes up to so many. The cases of the largest number have plain names; those of smaller
//! ones begin with it. Cases against redb by hand begin with `raw/`. `longest-hold` is the longest
//! time between two turns of another task on the same thread while ours lists, counts, writes and
//! migrates, over the 10 ms that it may be; `memory/longest-hold` is that of the store in memory.

#[path = "../../support/mod.rs"]
mod support;

mod held;
mod ours;
mod raw;
mod side;
mod theirs;

use std::fs;
use std::path::{Path, PathBuf};

use native_db::Models;
use ours::Ours;
use raw::Raw;
use side::Side;
use support::{Report, Result, Sides, by_turns, nanos_each};
use theirs::Theirs;

const DEFAULT: usize = 30_000;
const SMALLEST: usize = 1_000;

/// How many gets a round makes, and how many records a list has.
const GETS: usize = 1_000;
const LISTED: usize = 1_000;

const NATIVE_DB: &str = "native_db 0.8.2";
const RAW: &str = "redb by hand";

/// Ids begin here, so that all of them have one length and numbers are in the order of their texts.
const FIRST: u64 = 10_000_000;

/// The goals at a million records: against native_db, and against redb by hand.
const GOALS: [(&str, Option<f64>, Option<f64>); 11] = [
    ("insert-in-order", Some(0.45), Some(1.2)),
    ("insert-shuffled", Some(0.95), Some(1.2)),
    ("get", Some(0.8), Some(1.1)),
    ("list-1000", Some(0.8), Some(1.1)),
    ("stream", Some(0.7), Some(1.2)),
    ("update-one-durable", Some(1.1), Some(1.2)),
    ("update-64", Some(0.3), Some(0.3)),
    ("refill-half", None, None),
    ("reopen", None, None),
    ("disk-per-record", Some(0.55), Some(1.05)),
    ("memory-per-record", Some(0.65), Some(1.2)),
];

fn main() -> Result<()> {
    if let Some(side) = held::child() {
        return side;
    }
    let largest = match std::env::var("SCALE") {
        Ok(largest) => largest.parse()?,
        Err(_) => DEFAULT,
    };
    let mut report = Report::new("scale");
    let directory = tempfile::tempdir_in(support::target_dir())?;
    let models = theirs::models()?;
    let mut count = SMALLEST;
    loop {
        let is_largest = count >= largest;
        let count_now = count.min(largest);
        let bench = Bench::new(directory.path(), &models, count_now, is_largest);
        bench.run(&mut report)?;
        if is_largest {
            return report.finish();
        }
        count = if largest <= DEFAULT { largest } else { count * 10 };
    }
}

/// Measures one case: its name, its unit, and how.
type Case<'a> = dyn FnMut(&'static str, &'static str, &dyn Fn() -> Result<Sides>) -> Result<()> + 'a;

struct Bench<'a> {
    directory: &'a Path,
    models: &'a Models,
    prefix: String,
    in_order: Vec<u64>,
    shuffled: Vec<u64>,
}

impl<'a> Bench<'a> {
    fn new(directory: &'a Path, models: &'a Models, count: usize, is_largest: bool) -> Self {
        let in_order: Vec<u64> = (FIRST..).take(count).collect();
        // Every id once, in no order: the factor is a prime that divides none of the numbers of
        // records.
        let shuffled = (0..count as u64).map(|place| FIRST + place * 7_919 % count as u64).collect();
        let prefix = if is_largest { String::new() } else { format!("{count}/") };
        Self { directory, models, prefix, in_order, shuffled }
    }

    fn path(&self, side: &str) -> PathBuf {
        self.directory.join(side).with_extension("redb")
    }

    /// A place without a file.
    fn new_path(&self, side: &str) -> Result<PathBuf> {
        let path = self.path(side);
        if path.exists() {
            fs::remove_file(&path)?;
        }
        Ok(path)
    }

    fn ours(&self) -> Result<Ours> {
        Ours::open(&self.new_path("ours")?)
    }

    fn native_db(&self) -> Result<Theirs<'a>> {
        Theirs::open(self.models, &self.new_path("theirs")?)
    }

    fn raw(&self) -> Result<Raw> {
        Raw::open(&self.new_path("raw")?)
    }

    fn run(&self, report: &mut Report) -> Result<()> {
        self.against(
            report,
            "",
            NATIVE_DB,
            |(_, goal, _)| goal,
            "theirs",
            || self.native_db(),
            || Theirs::open(self.models, &self.path("theirs")),
        )?;
        self.against(
            report,
            "raw/",
            RAW,
            |(_, _, goal)| goal,
            "raw",
            || self.raw(),
            || Raw::open(&self.path("raw")),
        )?;
        let count = self.in_order.len();
        report.case(self.name("raw/", "census"), RAW, "ns/record", None, || {
            let (ours, raw) = (self.ours()?, self.raw()?);
            ours.insert(&self.in_order)?;
            raw.insert(&self.in_order)?;
            by_turns(3, || nanos_each(count, || ours.census()), || nanos_each(count, || raw.stream()))
        })?;
        report.case(self.name("raw/", "migrate-all"), RAW, "ns/record", 2.0, || {
            by_turns(
                3,
                || {
                    let ours = self.ours()?;
                    ours.insert_old(&self.in_order)?;
                    nanos_each(count, || ours.migrate_all())
                },
                || {
                    let raw = self.raw()?;
                    raw.insert(&self.in_order)?;
                    nanos_each(count, || raw.rewrite())
                },
            )
        })?;
        report.case(self.name("", "longest-hold"), "10 ms", "ms", 1.0, || {
            Ok(Sides { ours: self.ours()?.longest_hold(&self.in_order)?, theirs: 10.0 })
        })?;
        report.case(self.name("memory/", "longest-hold"), "10 ms", "ms", 1.0, || {
            Ok(Sides { ours: ours::longest_hold_in_memory(&self.in_order)?, theirs: 10.0 })
        })
    }

    fn name(&self, against: &str, case: &str) -> String {
        format!("{against}{}{case}", self.prefix)
    }

    #[expect(clippy::too_many_arguments, reason = "one side's name, goals and files")]
    fn against<S: Side>(
        &self,
        report: &mut Report,
        against: &str,
        peer: &'static str,
        goal: impl Fn((&'static str, Option<f64>, Option<f64>)) -> Option<f64>,
        file: &str,
        create: impl Fn() -> Result<S>,
        reopen: impl Fn() -> Result<S>,
    ) -> Result<()> {
        let count = self.in_order.len();
        let mut case = |name: &'static str, unit, measure: &dyn Fn() -> Result<Sides>| {
            let goal = GOALS.into_iter().find(|(case, ..)| *case == name).and_then(&goal);
            report.case(self.name(against, name), peer, unit, goal, measure)
        };
        for (name, ids) in [("insert-in-order", &self.in_order), ("insert-shuffled", &self.shuffled)] {
            case(name, "ns/record", &|| {
                by_turns(
                    3,
                    || self.ours().and_then(|side| nanos_each(count, || side.insert(ids))),
                    || create().and_then(|side| nanos_each(count, || side.insert(ids))),
                )
            })?;
        }
        let (ours, theirs) = (self.ours()?, create()?);
        ours.insert(&self.in_order)?;
        theirs.insert(&self.in_order)?;
        self.reads(&ours, &theirs, &mut case)?;
        self.writes(&ours, &theirs, &mut case)?;
        drop((ours, theirs));
        case("disk-per-record", "bytes/record", &|| {
            let size = |side: &str| Ok::<_, std::io::Error>(fs::metadata(self.path(side))?.len() as f64);
            Ok(Sides { ours: size("ours")? / count as f64, theirs: size(file)? / count as f64 })
        })?;
        case("reopen", "ns", &|| {
            by_turns(11, || nanos_each(1, || Ours::open(&self.path("ours"))), || nanos_each(1, &reopen))
        })?;
        case("memory-per-record", "bytes/record", &|| {
            let held =
                |side: &str| -> Result<f64> { Ok(held::measure(side, &self.path(side))? / count as f64) };
            Ok(Sides { ours: held("ours")?, theirs: held(file)? })
        })
    }

    fn reads(&self, ours: &dyn Side, theirs: &dyn Side, case: &mut Case<'_>) -> Result<()> {
        let count = self.in_order.len();
        case("get", "ns", &|| {
            let gets = GETS.min(count);
            let chunks = || self.shuffled.chunks(gets).cycle();
            let (mut one, mut other) = (chunks(), chunks());
            by_turns(
                100,
                || nanos_each(gets, || ours.get(one.next().unwrap_or_default())),
                || nanos_each(gets, || theirs.get(other.next().unwrap_or_default())),
            )
        })?;
        case("list-1000", "ns/record", &|| {
            let listed = LISTED.min(count);
            by_turns(
                50,
                || nanos_each(listed, || ours.list(FIRST, listed)),
                || nanos_each(listed, || theirs.list(FIRST, listed)),
            )
        })?;
        case("stream", "ns/record", &|| {
            by_turns(5, || nanos_each(count, || ours.stream()), || nanos_each(count, || theirs.stream()))
        })
    }

    fn writes(&self, ours: &dyn Side, theirs: &dyn Side, case: &mut Case<'_>) -> Result<()> {
        let count = self.in_order.len();
        case("update-one-durable", "ns", &|| {
            let (mut one, mut other) = (self.shuffled.iter().cycle(), self.shuffled.iter().cycle());
            by_turns(
                200,
                || nanos_each(1, || ours.update(*one.next().unwrap_or(&FIRST))),
                || nanos_each(1, || theirs.update(*other.next().unwrap_or(&FIRST))),
            )
        })?;
        case("update-64", "ns/record", &|| {
            let ids: Vec<u64> = self.shuffled.iter().copied().take(64).collect();
            by_turns(
                30,
                || nanos_each(64, || ours.update_many(&ids)),
                || nanos_each(64, || theirs.update_many(&ids)),
            )
        })?;
        case("refill-half", "ns/record", &|| {
            let half = self.shuffled.get(..count / 2).unwrap_or_default();
            let refill = |side: &dyn Side| {
                nanos_each(count / 2, || {
                    side.delete(half)?;
                    side.insert(half)
                })
            };
            by_turns(3, || refill(ours), || refill(theirs))
        })
    }
}
