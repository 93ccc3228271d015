//! A rolling deploy: two programs, built from different structs, take turns on one file.

use std::path::Path;
use std::process::Command;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn run(program: &str, file: &Path, stage: &str) -> Outcome<String> {
    let output = Command::new(program).arg(file).arg(stage).output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[test]
fn two_programs_take_turns() -> Outcome {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("notes.redb");
    let old = || run(env!("CARGO_BIN_EXE_rolling-old"), &file, "");
    let new = |stage: &str| run(env!("CARGO_BIN_EXE_rolling-new"), &file, stage);

    assert_eq!(old()?, "old first 1");
    // New code writes version 1 while old code runs: nothing is too new for anybody.
    for turn in 1..=5 {
        assert_eq!(new("careful")?, format!("new first {} untagged", turn * 2));
        assert_eq!(old()?, format!("old first {}", turn * 2 + 1));
    }
    // Version 2 adds a member: old code reads it, counts on, and keeps the member that it does not know.
    let mut tags = "untagged".to_owned();
    for turn in 6..=10 {
        tags += &format!(",read {}", turn * 2);
        assert_eq!(new("additive")?, format!("new first {} {tags}", turn * 2));
        assert_eq!(old()?, format!("old first {}", turn * 2 + 1));
    }
    // Version 3 renames one: old code says so, and overwrites nothing.
    assert_eq!(new("breaking")?, format!("new first 22 {tags}"));
    for _ in 0..3 {
        let refused = old()?;
        assert!(
            refused.starts_with("old refuses: Note `note:1` in redb: the record has version 3"),
            "{refused}"
        );
    }
    assert_eq!(new("breaking")?, format!("new first 23 {tags}"));
    Ok(())
}
