//! The example `quickstart` shows what it promises.

use std::fs;
use std::path::Path;
use std::process::Command;

use examples_support::testing::{Result, is_its_header, run, says_its_usage, shows};

const PROGRAM: &str = env!("CARGO_BIN_EXE_quickstart");
const NOTHING: [&str; 0] = [];

#[test]
fn goes_on_where_it_ended() -> Result {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("countries.redb");

    let first = run(PROGRAM, [&path])?;
    shows(
        &first,
        &[
            "250 countries, 500 records",
            "Germany (Bundesrepublik Deutschland)",
            "capital Berlin, currency €",
            "Kosovo, independent: None",
            "visits: 0 before, 400 after",
            " ALA ALB ",
            " POL PRT ",
            " Africa        59",
            "country:Europe:DEU:facts             1   json",
            "country:Europe:DEU:profile           1   json",
            "250 records of the group `profile`",
            "251 at once, in ",
            "250 inserted, 1 refused",
            "error: CountryV1 `country-v1:SHN` in redb: there is a record already;",
            "400 visits, as before",
            "countries.redb stays: run this again",
        ],
    );
    let second = run(PROGRAM, [&path])?;
    shows(
        &second,
        &[
            "250 countries are there from an earlier run",
            "visits: 400 before, 800 after",
            "0 inserted, 251 refused",
            "800 visits, as before",
        ],
    );
    Ok(())
}

#[test]
fn needs_no_path_and_leaves_nothing_behind() -> Result {
    let directory = tempfile::tempdir()?;
    let output =
        Command::new(PROGRAM).env("TMPDIR", directory.path()).env("TMP", directory.path()).output()?;
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let shown = str::from_utf8(&output.stdout)?;
    is_its_header(shown, include_str!("../src/main.rs"));
    shows(shown, &["visits: 0 before, 400 after", "400 visits, as before"]);
    assert_eq!(fs::read_dir(directory.path())?.count(), 0);
    Ok(())
}

#[test]
fn leaves_a_foreign_file_as_it_is() -> Result {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("notes.txt");
    let notes = "these are my notes\n".repeat(1_000);
    fs::write(&path, &notes)?;
    let refused = run(PROGRAM, [&path]).unwrap_err().to_string();
    shows(
        &refused,
        &["notes.txt: it is not a redb file; choose another path for the store; it was left as it is"],
    );
    assert_eq!(fs::read_to_string(&path)?, notes);
    Ok(())
}

#[test]
fn refuses_other_arguments() -> Result {
    says_its_usage(PROGRAM, "[FILE], such as `countries.redb`", "--sotre")?;
    for args in [&[""][..], &["a.redb", "b.redb"]] {
        let refused = run(PROGRAM, args).unwrap_err().to_string();
        shows(&refused, &["usage: cargo run -p quickstart -- [FILE]"]);
    }
    Ok(())
}

#[test]
fn has_no_colour_and_no_trailing_space_off_a_terminal() -> Result {
    let printed = run(PROGRAM, NOTHING)?;
    assert!(!printed.contains('\x1b'), "{printed:?}");
    for line in printed.lines() {
        assert_eq!(line, line.trim_end());
    }
    Ok(())
}

#[test]
fn the_columns_of_its_calls_are_aligned() -> Result {
    let printed = run(PROGRAM, NOTHING)?;
    let calls: Vec<&str> = printed.lines().filter(|line| line.ends_with(" ms")).collect();
    assert!(calls.len() > 10, "{printed}");
    for call in &calls {
        let ends_where = |line: &str| line.chars().count();
        assert_eq!(ends_where(call), ends_where(calls.first().unwrap_or(call)), "{printed}");
    }
    Ok(())
}

#[test]
fn the_commands_that_it_proposes_run_examples() -> Result {
    let printed = run(PROGRAM, NOTHING)?;
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut proposed = 0;
    for rest in printed.split("cargo run -p ").skip(1) {
        let example = rest.split_whitespace().next().unwrap_or_default();
        let manifest = fs::read_to_string(examples.join(example).join("Cargo.toml"))?;
        shows(&manifest, &[&format!("name = \"{example}\"")]);
        proposed += 1;
    }
    assert!(proposed >= 4, "{printed}");
    Ok(())
}
