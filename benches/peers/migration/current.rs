//! What a past costs a record that is current, in instructions, which no other load on the machine changes: under callgrind.

use std::process::Command;

use kv_runtime::Kv;
use kv_runtime::store::MemoryStore;

use crate::child;
use crate::entities::{FiveVersions, OneVersion, User};
use crate::support::{Result, Sides};

pub const PEER: &str = "an entity with one version";

const READS: u64 = 2_000;

/// Why it cannot be measured here.
pub fn missing() -> Option<String> {
    match Command::new("valgrind").arg("--version").output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("`valgrind --version` ended with {}", output.status)),
        Err(error) => Some(format!("valgrind does not run here: {error}")),
    }
}

/// The instructions of a read.
pub fn instructions() -> Result<Sides> {
    Ok(Sides { ours: of_a_read("five")?, theirs: of_a_read("one")? })
}

/// The difference of two runs, of which one makes more reads: what goes before the reads is in both.
fn of_a_read(entity: &str) -> Result<f64> {
    let (many, few) = (of_a_process(entity, 2 * READS)?, of_a_process(entity, READS)?);
    Ok((many - few) as f64 / READS as f64)
}

fn of_a_process(entity: &str, reads: u64) -> Result<i64> {
    let profile = tempfile::NamedTempFile::new_in(crate::support::target_dir())?;
    let out = format!("--callgrind-out-file={}", profile.path().display());
    let under = ["valgrind", "--quiet", "--tool=callgrind", &out];
    child::output(child::command(&under, "read", &[entity, &reads.to_string()])?)?;
    let profile = std::fs::read_to_string(profile.path())?;
    let summary =
        profile.lines().find_map(|line| line.strip_prefix("summary: ").or(line.strip_prefix("totals: ")));
    Ok(summary.ok_or("callgrind wrote no summary")?.trim().parse()?)
}

/// In a child: reads a current record again and again.
pub fn read(arguments: &[String]) -> Result<()> {
    let [entity, reads] = arguments else { return Err("it takes an entity and a number".into()) };
    match entity.as_str() {
        "five" => read_as::<FiveVersions>(reads.parse()?),
        _ => read_as::<OneVersion>(reads.parse()?),
    }
}

fn read_as<U: User>(reads: u64) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let users = Kv::new(MemoryStore::new()).collection::<U>();
    runtime.block_on(async {
        users.put(&U::sample(7)).await?;
        for _ in 0..reads {
            assert!(std::hint::black_box(users.get(7).await?).is_some());
        }
        Ok(())
    })
}
