//! How much memory a side's process holds once it has read all records: in a separate process, as
//! the kernel reports it.

use std::path::Path;
use std::process::Command;

use crate::ours::Ours;
use crate::raw::Raw;
use crate::side::Side;
use crate::support::Result;
use crate::theirs::{self, Theirs};

const SIDE: &str = "SCALE_SIDE";
const FILE: &str = "SCALE_FILE";

/// The bytes that a process holds more after it has read the file than before.
pub fn measure(side: &str, file: &Path) -> Result<f64> {
    let output = Command::new(std::env::current_exe()?).env(SIDE, side).env(FILE, file).output()?;
    let told = String::from_utf8(output.stdout)?;
    Ok(told.trim().parse().map_err(|_| format!("{told}{}", String::from_utf8_lossy(&output.stderr)))?)
}

/// What the process does that `measure` starts; nothing in any other.
pub fn child() -> Option<Result<()>> {
    let (side, file) = (std::env::var(SIDE).ok()?, std::env::var_os(FILE)?);
    Some(read(&side, Path::new(&file)))
}

#[allow(clippy::print_stdout, reason = "how the process answers")]
fn read(side: &str, file: &Path) -> Result<()> {
    let models = theirs::models()?;
    let before = resident()?;
    let side: Box<dyn Side + '_> = match side {
        "ours" => Box::new(Ours::open(file)?),
        "raw" => Box::new(Raw::open(file)?),
        _ => Box::new(Theirs::open(&models, file)?),
    };
    side.stream()?;
    println!("{}", resident()?.saturating_sub(before));
    Ok(())
}

/// The resident bytes of this process: Linux tells them.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1_024)
}
