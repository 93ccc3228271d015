//! Runs the example, and compares the records that its steps migrate with the real data: five
//! releases of one public data set are the five versions of its entity. Each migrated record is
//! compared with the published record.
//!
//! Every member that differs has one of two explanations. A table in this directory lists country,
//! member and both values, if the authors changed the data and not only its shape. Or `new.rs` says
//! why no step could know it, and how often this occurs. After a change of the steps,
//! `COUNTRIES=overwrite cargo test -p migrations` updates the tables, so that `git diff` shows the
//! difference.
//!
//! `releases` stores the data as one version and reads it as another. `compare` compares members.
//! `new` lists what no step could know, and `failing` lists records that no step understands.
//! `program` runs the example.

mod compare;
mod failing;
mod new;
mod program;
mod releases;

#[path = "../../src/country.rs"]
mod country;
#[path = "../../src/country_v3.rs"]
mod country_v3;
#[path = "../../src/parts.rs"]
mod parts;
#[path = "../../src/steps.rs"]
mod steps;

use kv_runtime::KvEntity;
use kv_runtime::migrate::Object;

use compare::{Comparison, compare};
use country::Country;
use country_v3::CountryV3;
use releases::{Countries, read_as, release, stand_as};

pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Version 2, which the example goes through and keeps no struct of: whatever members a record has.
#[derive(KvEntity)]
#[kv(prefix = "country", version = 2, step(1 => steps::v1_to_v2))]
struct CountryV2 {
    #[kv(id)]
    cca3: String,
    #[serde(flatten)]
    members: Object,
}

/// 1.4.0 has SHN as Ascension Island and as Saint Helena; the later one remains, in every test
/// here.
#[test]
fn one_code_appears_twice() -> Outcome {
    assert_eq!(release("1.4.0")?.doubled, ["SHN"]);
    for later in ["2.0.0", "3.0.0", "4.0.0", "5.1.0"] {
        assert!(release(later)?.doubled.is_empty(), "{later}");
    }
    Ok(())
}

#[tokio::test]
async fn version_1_becomes_version_2() -> Outcome {
    let migrated = read_as::<CountryV2>(&release("1.4.0")?.countries, 1).await?;
    check("1.4.0-2.0.0", &migrated, &release("2.0.0")?.countries, new::SINCE_1_4_0)
}

#[tokio::test]
async fn version_2_becomes_version_3() -> Outcome {
    let migrated = read_as::<CountryV3>(&release("2.0.0")?.countries, 2).await?;
    check("2.0.0-3.0.0", &migrated, &release("3.0.0")?.countries, new::SINCE_2_0_0)
}

/// The predecessor is converted to the current struct, which has version 4's members and two of
/// version 5.
#[tokio::test]
async fn version_3_becomes_version_4() -> Outcome {
    let mut migrated = read_as::<Country>(&release("3.0.0")?.countries, 3).await?;
    for (code, country) in &mut migrated {
        for member in ["unMember", "unRegionalGroup"] {
            assert_eq!(country.remove(member), Some(serde_json::Value::Null), "{code}.{member}");
        }
    }
    check("3.0.0-4.0.0", &migrated, &release("4.0.0")?.countries, new::SINCE_3_0_0)
}

#[tokio::test]
async fn version_4_becomes_version_5() -> Outcome {
    let migrated = read_as::<Country>(&release("4.0.0")?.countries, 4).await?;
    check("4.0.0-5.1.0", &migrated, &release("5.1.0")?.countries, new::SINCE_4_0_0)
}

#[tokio::test]
async fn version_1_becomes_version_5() -> Outcome {
    let migrated = read_as::<Country>(&release("1.4.0")?.countries, 1).await?;
    check("1.4.0-5.1.0", &migrated, &release("5.1.0")?.countries, new::SINCE_1_4_0_TO_5_1_0)
}

#[tokio::test]
async fn one_way_and_stage_by_stage_lead_to_the_same() -> Outcome {
    let oldest = release("1.4.0")?.countries;
    let second = read_as::<CountryV2>(&oldest, 1).await?;
    let third = read_as::<CountryV3>(&second, 2).await?;
    assert_eq!(read_as::<Country>(&third, 3).await?, read_as::<Country>(&oldest, 1).await?);
    Ok(())
}

/// What a read gives and what a backfill leaves in the store.
#[tokio::test]
async fn a_backfill_writes_what_a_read_gives() -> Outcome {
    for (name, version) in [("1.4.0", 1), ("2.0.0", 2), ("3.0.0", 3), ("4.0.0", 4)] {
        let countries = release(name)?.countries;
        let kv = stand_as(&countries, version).await?;
        let collection = kv.collection::<Country>();
        assert_eq!(collection.census().await?.behind(), 250, "{name}");
        let report = collection.migrate_all().batch(33).run().await?;
        assert_eq!(
            (report.migrated, report.current, report.failed, report.skipped),
            (250, 0, 0, 0),
            "{name}"
        );
        assert_eq!(collection.census().await?.behind(), 0, "{name}");
        // It keeps the text of what no step changes (`180`, which the struct writes as `180.0`).
        assert_eq!(releases::standing::<Country>(&kv).await?.len(), 250, "{name}");
        let written = releases::written_again::<Country>(&kv).await?;
        assert_eq!(written, read_as::<Country>(&countries, version).await?, "{name}");
    }
    Ok(())
}

/// The structs leave out no member of the releases that they are made for, or the comparisons above
/// would say little. The four differences are empty lists in the place of empty maps; they are
/// written as maps.
#[tokio::test]
async fn the_structs_lose_nothing() -> Outcome {
    for (name, version) in [("3.0.0", 3), ("5.1.0", 5)] {
        let countries = release(name)?.countries;
        let written = match version {
            3 => read_as::<CountryV3>(&countries, version).await?,
            _ => read_as::<Country>(&countries, version).await?,
        };
        let Comparison { differences, new } = compare(&written, &countries, &[]);
        let quirks = |code| format!("{code}\tcurrencies\t{{}}\t[]");
        let expected =
            if version == 3 { ["ATA", "BVT", "FSM", "HMD"].map(quirks).to_vec() } else { Vec::new() };
        assert_eq!(differences, expected, "{name}");
        assert!(new.is_empty());
    }
    Ok(())
}

/// Holds migrated countries against the next release: all that differs is in the table of this
/// name, or in `new`.
fn check(name: &str, migrated: &Countries, released: &Countries, new: &[new::New]) -> Outcome {
    let comparison = compare(migrated, released, new);
    let mut table = String::from("country\tmember\tmigrated\treleased\n");
    for difference in &comparison.differences {
        table.push_str(difference);
        table.push('\n');
    }
    let path = format!("{}/tests/migrations/{name}.tsv", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("COUNTRIES").is_some_and(|it| it == "overwrite") {
        std::fs::write(&path, &table)?;
    }
    let expected = std::fs::read_to_string(&path)?;
    for line in table.lines().filter(|line| !expected.lines().any(|it| it == *line)) {
        println!("not in the table: {line}");
    }
    for line in expected.lines().filter(|line| !table.lines().any(|it| it == *line)) {
        println!("only in the table: {line}");
    }
    for (new, found) in new.iter().zip(&comparison.new).filter(|(new, found)| new.count != **found) {
        println!("new: {} is {found} times new and not {} times ({})", new.path, new.count, new.why);
    }
    let counts: Vec<usize> = new.iter().map(|new| new.count).collect();
    assert!(
        table == expected && comparison.new == counts,
        "{name}.tsv or new.rs is not what differs; see above"
    );
    Ok(())
}
