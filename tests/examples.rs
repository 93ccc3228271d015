//! Every example runs by itself, and shows what it promises. `cargo test` has built them beside this test.

#[cfg(unix)]
#[path = "examples/api_cache.rs"]
mod api_cache_over_http;
#[cfg(unix)]
#[path = "../examples/support/client.rs"]
mod client;
#[cfg(unix)]
#[path = "examples/server.rs"]
mod server;
#[cfg(unix)]
#[path = "examples/sessions.rs"]
mod sessions_over_http;

#[path = "support/redis_server.rs"]
#[allow(dead_code, reason = "shared by tests that need other parts of it")]
mod redis_server;

use std::collections::BTreeSet;
use std::error::Error;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use redis_server::RedisServer;

type Outcome = Result<(), Box<dyn Error>>;

/// All examples; each has a test here.
const EXAMPLES: [&str; 10] = [
    "api_cache",
    "composite_ids",
    "expiry",
    "feature_flags",
    "groups_and_views",
    "migrations",
    "own_store",
    "quickstart",
    "sessions",
    "tiered_cache",
];

#[test]
fn every_example_has_a_test() -> Outcome {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"))? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("rs")) || path.join("main.rs").is_file() {
            found.insert(
                path.file_stem().and_then(OsStr::to_str).ok_or("a name that is not text")?.to_owned(),
            );
        }
    }
    assert_eq!(found, EXAMPLES.map(str::to_owned).into());
    Ok(())
}

#[test]
fn quickstart_goes_on_where_it_ended() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("countries.redb");

    let first = run("quickstart", Some(&format!("redb:{}", path.display())))?;
    shows(
        &first,
        &[
            "put_many: 250 countries, 500 records",
            "Germany (Bundesrepublik Deutschland)",
            "capital Berlin, currency €",
            "Kosovo, independent: None",
            "visits: 0 before, 400 after",
            "  20 ALA ALB",
            "  13 POL PRT",
            "  Africa        59",
            "country:Europe:DEU:facts             1   json",
            "country:Europe:DEU:profile           1   json",
            "metadata, shown as JSON: {\"createdAt\":",
            "250 records of the group profile",
            "insert, 251 at once, in ",
            "250 inserted, 1 refused",
            "error: CountryV1 `country-v1:SHN` in redb: there is a record already;",
            "400 visits, as before",
        ],
    );

    let second = run("quickstart", Some(&format!("redb:{}", path.display())))?;
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
fn quickstart_needs_no_path() -> Outcome {
    shows(&run("quickstart", None)?, &["visits: 0 before, 400 after", "400 visits, as before"]);
    Ok(())
}

#[test]
fn quickstart_takes_a_path_without_a_scheme() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("countries.redb");
    let output = Command::new(binary("quickstart")?).arg(&path).output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let stored = run("quickstart", Some(&format!("redb:{}", path.display())))?;
    shows(&stored, &["250 countries are there from an earlier run"]);
    Ok(())
}

#[test]
fn quickstart_leaves_a_foreign_file_as_it_is() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("notes.txt");
    let notes = "these are my notes\n".repeat(1_000);
    fs::write(&path, &notes)?;
    let output = Command::new(binary("quickstart")?)
        .arg("--store")
        .arg(format!("redb:{}", path.display()))
        .output()?;
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr)?;
    let words = "notes.txt: it is not a redb file; give the store a path of its own; it was left as it is";
    assert!(told.starts_with("Error: ") && told.contains(words), "{told}");
    assert_eq!(fs::read_to_string(&path)?, notes);
    Ok(())
}

#[test]
fn migrations_brings_every_record_up_and_finds_it_so_again() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("countries.redb");

    let first = run("migrations", Some(&format!("redb:{}", path.display())))?;
    shows(
        &first,
        &[
            "251 countries of release 1.4.0",
            "250 records: SHN stands for two countries there, and the later one remains",
            "before, version 1:",
            r#""callingCode":["41"],"capital":"Bern""#,
            "🇨🇭 Switzerland: German, French, Italian, Romansh",
            "🇦🇹 Austria: Vienna, +43",
            "after, version 5:",
            r#""idd":{"root":"+4","suffixes":["1"]},"capital":["Bern"]"#,
            "written: 6, lost: 0",
            "1        244",
            "5          6  current",
            "migrated            244",
            "failed                0",
            "5        250  current",
            "0 records are older than today's shape",
        ],
    );
    assert_eq!(first.matches("migrated            244").count(), 2, "the dry run and the run: {first}");

    let second = run("migrations", Some(&format!("redb:{}", path.display())))?;
    shows(
        &second,
        &[
            "is there from an earlier run",
            "before, version 5:",
            "written: 0, lost: 0",
            "current             250",
        ],
    );
    Ok(())
}

#[test]
fn groups_and_views() -> Outcome {
    shows(
        &run("groups_and_views", None)?,
        &[
            "user:7:settings",
            "profile, history, settings written: [false, true, false]",
            "theme Light, 50 items",
            "User `user:7:profile` in memory: the required group `history` is missing beside its anchor",
            "The anchor decides",
        ],
    );
    Ok(())
}

#[test]
fn composite_ids() -> Outcome {
    let shown = run("composite_ids", None)?;
    shows(
        &shown,
        &[
            "event:eu-west:1:09223372036854775803",
            "in eu-west, org 1    [\"at -5\", \"at 30\", \"at 1000\"]",
            "user-archive:ada  user:100%25  user:a%3Ab  user:ada  user:Åsa",
            "Session `session:#",
            "user-archive:{name}",
        ],
    );
    assert!(!shown.contains("do-not-log-me"), "{shown}");
    Ok(())
}

#[test]
fn expiry() -> Outcome {
    shows(
        &run("expiry", None)?,
        &[
            "one later                                 gone",
            "touched after 59 minutes, read after 118  there",
            "120 requests in two hours, 24 writes",
            "after 48 hours: [\"FRIEND\"]",
            "2 removed, more: false",
        ],
    );
    Ok(())
}

/// The examples that work on whichever store.
const ON_ANY_STORE: [&str; 5] = ["composite_ids", "expiry", "groups_and_views", "migrations", "quickstart"];

#[test]
fn examples_run_on_the_store_of_a_url() -> Outcome {
    let directory = tempfile::tempdir()?;
    for example in ON_ANY_STORE {
        run(example, Some("memory:"))?;
        run(example, Some(&format!("redb:{}", directory.path().join(example).display())))?;
        let refused = run(example, Some("nowhere:")).unwrap_or_else(|error| error.to_string());
        assert!(refused.contains("there is no store of this scheme"), "{example}: {refused}");
        let usage = Command::new(binary(example)?).arg("--sotre").output()?;
        assert!(String::from_utf8(usage.stderr)?.contains("usage: [--store URL | FILE]"), "{example}");
    }
    Ok(())
}

#[test]
#[ignore = "needs redis-server; scripts/test runs it"]
fn examples_run_on_a_server() -> Outcome {
    let server = RedisServer::start();
    for (database, example) in (0..).zip(ON_ANY_STORE.into_iter().filter(|it| *it != "expiry")) {
        let url = server.url(database);
        let first = run(example, Some(&url))?;
        match example {
            "quickstart" => {
                shows(&first, &["250 inserted, 1 refused", "400 visits, as before"]);
                shows(&run(example, Some(&url))?, &["visits: 400 before, 800 after"]);
            }
            // A server may have other readers, so only what they can read is written back.
            "migrations" => shows(&first, &["5        250  current", "0 records are older"]),
            _ => {}
        }
    }
    let expiry = run("expiry", Some(&server.url(9))).unwrap_or_else(|error| error.to_string());
    assert!(expiry.contains("a server's clock cannot be moved"), "{expiry}");
    Ok(())
}

#[test]
fn own_store() -> Outcome {
    // It fails if a test of the suite fails.
    shows(
        &run("own_store", None)?,
        &["passed   a_plain_value_is_version_1", "passed   a_damaged_record_is_an_error"],
    );
    let lines = include_str!("../examples/own_store.rs").lines().count();
    assert!(lines < 120, "a store of one's own takes {lines} lines");
    Ok(())
}

#[test]
fn sessions() -> Outcome {
    let shown = run("sessions", None)?;
    shows(
        &shown,
        &[
            "before                            401 Unauthorized",
            "set-cookie: id=(a secret); HttpOnly; SameSite=Strict; Path=/; Max-Age=86400",
            "240 requests in four hours, 48 writes",
            "four hours later                  200 OK",
            "after thirty minutes              401 Unauthorized",
            "which ends after the log-out      200 OK",
            "with the cookie from before       401 Unauthorized",
            "0 sessions are left in the store",
        ],
    );
    Ok(())
}

#[test]
fn api_cache() -> Outcome {
    let Output { status, stdout, stderr } = Command::new(binary("api_cache")?).output()?;
    assert!(status.success());
    shows(
        std::str::from_utf8(&stdout)?,
        &[
            "1.081            from origin  1 calls",
            "USD at once                        1.081            from memory  0 calls",
            "USD a minute later                 1.082            from origin  1 calls",
            "USD a minute later                 1.082            from stale   1 calls",
            "USD when the upstream has answered 1.083            from memory  0 calls",
            "USD 64 times                       1.083            from stale   0 calls",
            "GBP which nobody has asked for yet 502 Bad Gateway               1 calls",
            "USD eleven minutes later           502 Bad Gateway               1 calls",
            "USD two seconds later              1.087            from origin  1 calls",
            "XXX once more                      404 Not Found                 0 calls",
        ],
    );
    // One line for each answer of 502, with its cause.
    let complaints = String::from_utf8(stderr)?;
    assert_eq!(complaints.matches("HTTP status server error (500 Internal Server Error)").count(), 2);
    assert_eq!(complaints.lines().count(), 2, "{complaints}");
    Ok(())
}

#[test]
fn tiered_cache() -> Outcome {
    shows(
        &run("tiered_cache", None)?,
        &[
            "one first                   206 cents   from origin",
            "two at once                 206 cents   from store",
            "one after 60 s              206 cents   from store",
            "one after 300 s             206 cents   from origin",
            "one once more               nothing     from memory",
            "one on the node that wrote  100 cents   from memory",
            "two on the other, at once   206 cents   from memory",
            "two after 60 s              100 cents   from store",
            "120000 requests, 200 calls of the origin",
            "Node two:\nfrom memory ",
            "asked of the origin                           94",
            "entities in memory                            50",
        ],
    );
    Ok(())
}

#[test]
fn feature_flags() -> Outcome {
    let shown = run("feature_flags", None)?;
    shows(
        &shown,
        &[
            "beta       on for 25%, from store",
            "dark-mode  off, from fallback",
            "beta is on for 250 of 1000 users",
            "new-home   on, from stale",
            "Flag `feature:flags:new-home` in memory: the store failed to",
            "new-home   off, from fallback",
            "there was no answer within 100ms; a retry may help",
        ],
    );
    assert!(shown.ends_with("new-home   on, from store\n  dark-mode  off, from fallback\n"), "{shown}");
    Ok(())
}

/// What the example prints, on the store of a URL if there is one; an error if it fails.
fn run(example: &str, store: Option<&str>) -> Result<String, Box<dyn Error>> {
    let args = store.iter().flat_map(|url| ["--store", url]);
    let Output { status, stdout, stderr } = Command::new(binary(example)?).args(args).output()?;
    let stderr = String::from_utf8_lossy(&stderr);
    if !status.success() || !stderr.is_empty() {
        return Err(format!("{example}: {status}\n{stderr}").into());
    }
    Ok(String::from_utf8(stdout)?)
}

/// This test is target/<profile>/deps/examples-<hash>, and an example is target/<profile>/examples/<name>.
fn binary(example: &str) -> Result<PathBuf, Box<dyn Error>> {
    let this = env::current_exe()?;
    let profile = this.ancestors().nth(2).ok_or("the test lies in no target directory")?;
    let binary = profile.join("examples").join(format!("{example}{}", env::consts::EXE_SUFFIX));
    if !binary.is_file() {
        return Err(format!(
            "{} is not built: `cargo build --examples`, or all of `cargo test`",
            binary.display()
        )
        .into());
    }
    Ok(binary)
}

fn shows(shown: &str, lines: &[&str]) {
    for line in lines {
        assert!(shown.contains(line), "there is no {line:?} in:\n{shown}");
    }
}
