//! Plain records: values that are stored alone, which other programs read and write all the time.

mod adapters;
mod both;
mod caches;
mod file_programs;
mod files;
mod keys;
mod moves;
mod programs;
mod properties;
mod records;
mod redis;
mod together;
mod unreadable;
mod versions;

#[path = "../support/redis_server.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod redis_server;

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::process::Command;

use kv_runtime::key::Key;
use kv_runtime::record::NewRecord;
use kv_runtime::store::{Store, StoreExt};

pub type Outcome = Result<(), Box<dyn StdError>>;

/// Writes a value as another program does.
pub async fn put_theirs(store: &impl Store, key: &str, value: &str) -> kv_runtime::Result<()> {
    store.put(Key::from_text(key), NewRecord::plain(value.to_owned())).await
}

/// Returns the text under a key, which must be a plain value.
pub async fn text(store: &impl Store, key: &str) -> Result<String, Box<dyn StdError>> {
    let record = store.read(&Key::from_text(key)).await?.ok_or("there is no record")?;
    assert!(record.is_plain(), "{record:?}");
    Ok(String::from_utf8(record.value.to_vec())?)
}

/// Where the programs are installed: beside the directory of this test's binary.
fn installed() -> PathBuf {
    let test = std::env::current_exe().expect("this test has a path");
    let target = test.ancestors().find(|path| path.join("programs/installed").exists());
    target.expect("scripts/install-programs was run").join("programs")
}

/// Runs a script of `tests/programs` with the place of the records, which is a URL or a directory, and
/// further arguments. Returns what it prints.
pub fn program(script: &str, place: &str, arguments: &[&str]) -> String {
    let programs = installed();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(script);
    let mut command = if script.ends_with(".py") {
        Command::new(programs.join("venv/bin/python"))
    } else {
        Command::new("node")
    };
    // Modules are looked for beside the script, so it gets the directory to look in.
    let done = command
        .arg(path)
        .arg(place)
        .args(arguments)
        .env("PROGRAMS", programs)
        .output()
        .expect("the program starts");
    assert!(done.status.success(), "{script} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}
