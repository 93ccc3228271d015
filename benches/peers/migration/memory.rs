//! The memory that a backfill takes: how much it raises the peak of a separate process.

use std::fs;
use std::path::Path;

use kv_runtime::store::RedbStore;

use crate::child;
use crate::entities::{AttributesJson, OldJson};
use crate::files::remove;
use crate::ours::Ours;
use crate::support::{Result, Sides};

const FEW: u64 = 100_000;
const MANY: u64 = 1_000_000;
const FIRST: u64 = 1_000_000;

/// redb keeps pages of the file in memory up to this limit; by its default of 1 GiB the cache alone would grow with the file.
const CACHE_BYTES: usize = 16 << 20;

pub const PEER: &str = "100,000 records (ours: 1,000,000)";
pub const LIMIT: &str = "64 MiB (ours: 1,000,000 records)";

/// The growth with many records over that with few.
pub fn growth(directory: &Path) -> Result<Sides> {
    Ok(Sides { ours: growth_with(directory, MANY)?, theirs: growth_with(directory, FEW)? })
}

/// The growth with many records over the most that it may be.
pub fn most(directory: &Path) -> Result<Sides> {
    Ok(Sides { ours: growth_with(directory, MANY)?, theirs: 64.0 })
}

fn growth_with(directory: &Path, records: u64) -> Result<f64> {
    let path = directory.join("memory.redb");
    remove(&path)?;
    let arguments = [path.to_str().ok_or("the path is not UTF-8")?, &records.to_string()];
    child::output(child::command(&[], "load", &arguments)?)?;
    let growth = child::output(child::command(&[], "backfill", &arguments)?)?;
    remove(&path)?;
    Ok(growth.trim().parse::<f64>()? / 1024.0)
}

/// In a child: old records in a new file.
pub fn load(arguments: &[String]) -> Result<()> {
    let (path, records) = parse(arguments)?;
    Ours::<OldJson>::open(path)?.put(FIRST..FIRST + records)
}

/// In a child: migrates all, and writes by how many KiB the peak grew.
pub fn backfill(arguments: &[String]) -> Result<()> {
    let (path, records) = parse(arguments)?;
    let ours = Ours::<AttributesJson>::new(RedbStore::options().cache_bytes(CACHE_BYTES).open(path)?)?;
    let before = status("VmRSS:")?;
    assert_eq!(ours.backfill()?, records);
    println!("{}", status("VmHWM:")? - before);
    Ok(())
}

fn parse(arguments: &[String]) -> Result<(&Path, u64)> {
    let [path, records] = arguments else { return Err("it takes a path and a number".into()) };
    Ok((Path::new(path), records.parse()?))
}

/// A figure of this process, in KiB, as Linux tells it.
fn status(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("there is no such line")?;
    Ok(line.trim().trim_end_matches("kB").trim_end().parse()?)
}
