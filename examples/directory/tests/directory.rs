//! The example `directory` finds whom it looks for, on any store that keeps indexes.

use examples_support::testing::{Result, is_its_header, run, says_its_usage, shows};

const PROGRAM: &str = env!("CARGO_BIN_EXE_directory");

const USAGE: &str = "[--people N --store URL], such as `--people 1000000 --store redb:people.redb`";

#[test]
fn finds_whom_it_looks_for() -> Result {
    let shown = run(PROGRAM, [""; 0])?;
    is_its_header(&shown, include_str!("../src/main.rs"));
    shows(
        &shown,
        &[
            "does not have all entities yet",
            "finds nothing to repair",
            "@example.com is",
            "of the last 100 who signed up",
            "belongs to `person:3`",
            "two people can exchange theirs",
            "█",
        ],
    );
    Ok(())
}

#[test]
fn runs_again_on_a_file() -> Result {
    let directory = tempfile::tempdir()?;
    let url = format!("redb:{}", directory.path().join("people.redb").display());
    for first in ["The first release stores 1000 people", "an earlier run has built them"] {
        let shown = run(PROGRAM, ["--people", "1000", "--store", &url])?;
        shows(&shown, &[first, "finds nothing to repair", "two people can exchange theirs"]);
    }
    Ok(())
}

#[test]
fn refuses_what_it_does_not_know() -> Result {
    let refused = run(PROGRAM, ["--people", "many"]).unwrap_or_else(|error| error.to_string());
    shows(&refused, &["--people many: invalid digit found in string"]);
    says_its_usage(PROGRAM, USAGE, "--sotre")
}
