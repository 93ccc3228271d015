//! The README's example is a program that runs, and prints what the README shows.

use std::env;
use std::error::Error;
use std::process::Command;

/// The example as it is in the README.
mod first {
    include!("readme/first.rs");

    pub(super) fn run() -> kv_runtime::Result<()> {
        main()
    }
}

const README: &str = include_str!("../../README.md");
const EXAMPLE: &str = include_str!("readme/first.rs");

/// Set in the process that runs the example.
const CHILD: &str = "KV_README_EXAMPLE";

#[test]
fn the_example_prints_what_the_readme_shows() -> Result<(), Box<dyn Error>> {
    if env::var_os(CHILD).is_some() {
        return Ok(first::run()?);
    }
    assert!(
        README.contains(&format!("```rust,no_run\n{EXAMPLE}```\n")),
        "README.md and tests/repository/readme/first.rs differ"
    );
    let (_, after) = README.split_once(EXAMPLE).ok_or("no example")?;
    let shown =
        after.split("```text\n").nth(1).and_then(|block| block.split("```").next()).ok_or("no output")?;

    // The example opens a file in the directory in which it runs. Twice: it prints the same when
    // the file is there.
    let directory = tempfile::tempdir()?;
    for _ in 0..2 {
        let output = Command::new(env::current_exe()?)
            .args(["--exact", "readme::the_example_prints_what_the_readme_shows", "--nocapture"])
            .env(CHILD, "1")
            .current_dir(&directory)
            .output()?;
        let printed = String::from_utf8(output.stdout)?;
        assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
        assert!(printed.contains(&format!("\n{shown}")), "expected {shown:?} in {printed:?}");
    }
    assert!(directory.path().join("app.redb").is_file());
    Ok(())
}
