//! Five versions of one entity, and a migration of every record to the latest:
//! `cargo run -p migrations [-- --store URL | FILE]`.
//!
//! The data is real: a public list of countries, whose authors changed its shape from release to
//! release as applications do. The store holds release 1.4.0, and this program has the shape of
//! release 5.1.0. Read the files in this order:
//!
//! - country.rs: the current struct, version 5, with its history in attributes, and the conversion
//!   from version 3;
//! - country_v3.rs: the shape of version 3 as a struct;
//! - parts.rs: what both structs are made of;
//! - steps.rs: the functions from version 1 to 2 and from 2 to 3.
//!
//! By default the store is a temporary file. With the argument `countries.redb` the file is kept,
//! and a second run finds everything migrated. tests/migrations compares the migrated records with
//! the later releases.
//!
//! It prints the following. At each `...` some of it is left out:
//!
//! ```text
//! ...
//! Read: an old record is read as the current struct
//! before, version 1:
//!   {"area":41284,"borders":["AUT","FRA","ITA","LIE","DEU"],"callingCode":["41"],...}
//! 🇨🇭 Switzerland: German, French, Italian, Romansh
//! ...
//! after, version 5:
//!   {"area":41284,"borders":["AUT","FRA","ITA","LIE","DEU"],"capital":["Bern"],...}
//! ...
//! Migrate all
//! run: migrated records were written
//! migrated            244
//! current               6
//! too new               0
//! contended             0
//! failed                0
//! other keys            0
//!
//! After the migration
//! group             version    records
//! -                       5        250  current
//! (other keys)                       0
//! 0 records are older than the current version
//! ```

mod country;
mod country_v3;
mod parts;
mod release;
mod steps;

use std::error::Error;

use country::Country;
use examples_support::store;
use indicatif::{ProgressBar, ProgressStyle};
use kv_runtime::Kv;
use kv_runtime::store::AnyStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("countries.redb");
    let url = store::url().unwrap_or_else(|| format!("redb:{}", file.display()));
    let kv = Kv::connect(&url).await?;

    heading("The records of an earlier program");
    if kv.collection::<Country>().list().limit(1).ids().page().await?.ids.is_empty() {
        let (countries, doubled) = release::write(kv.store()).await?;
        println!("{countries} countries of release 1.4.0, as plain JSON");
        let (records, doubled_codes) = (countries - doubled.len(), doubled.join(", "));
        println!(
            "{records} records: {doubled_codes} is the code of two countries, and the later one is kept"
        );
    } else {
        println!("{url} is there from an earlier run");
    }
    census(&kv).await?;
    read(&kv).await?;
    dry_run(&kv).await?;
    migrate(&kv).await
}

/// Counts the records of each version, and migrates nothing.
async fn census(kv: &Kv<AnyStore>) -> Result<(), Box<dyn Error>> {
    println!("{}", kv.collection::<Country>().census().await?);
    Ok(())
}

/// Reads an old record as the current struct. Only this process uses the store, so the read also
/// writes the migrated record back.
async fn read(kv: &Kv<AnyStore>) -> Result<(), Box<dyn Error>> {
    heading("Read: an old record is read as the current struct");
    let (version, json) = release::standing(kv.store(), "CHE").await?;
    println!("before, version {version}:\n  {json}");

    let countries = kv.collection::<Country>();
    let switzerland = countries.get("CHE").await?.ok_or("Switzerland is not there")?;
    println!("{} {}: {}", switzerland.flag, switzerland.name.common, list(switzerland.languages.values()));
    let borders = countries.get_many(switzerland.borders.iter()).await?;
    for neighbour in borders.into_iter().flatten() {
        let (root, suffixes) = (&neighbour.idd.root, list(&neighbour.idd.suffixes));
        let (flag, name, capital) = (&neighbour.flag, &neighbour.name.common, list(&neighbour.capital));
        println!("{flag} {name}: {capital}, {root}{suffixes}");
    }

    let (version, json) = release::standing(kv.store(), "CHE").await?;
    println!("after, version {version}:\n  {json}");
    println!("write-back: {:?}", kv.write_back_stats());
    census(kv).await
}

/// Migrates in memory and writes nothing: it shows what would fail before anything is changed.
async fn dry_run(kv: &Kv<AnyStore>) -> Result<(), Box<dyn Error>> {
    heading("Dry run: nothing is written");
    let report = kv.collection::<Country>().migrate_all().dry_run().run().await?;
    print!("{report}");
    match report.failed {
        0 => Ok(()),
        failed => Err(format!("{failed} records would not be migrated: fix the steps first").into()),
    }
}

/// Migrates every record to the current version, in batches. The program may be killed at any time.
/// The next run continues.
async fn migrate(kv: &Kv<AnyStore>) -> Result<(), Box<dyn Error>> {
    heading("Migrate all");
    let countries = kv.collection::<Country>();
    // The bar draws itself on a terminal, and nowhere else.
    let found = countries.census().await?;
    let records = found.groups.iter().flat_map(|group| group.versions.values()).sum();
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}")?;
    let bar = ProgressBar::new(records).with_style(style);
    let shown = bar.clone();
    let report = countries
        .migrate_all()
        .batch(25)
        .progress(move |progress| {
            shown.set_position(progress.seen);
            shown.set_message(format!("{} migrated, {} failed", progress.migrated, progress.failed));
        })
        .run()
        .await?;
    bar.finish_and_clear();
    print!("{report}");

    heading("After the migration");
    census(kv).await?;
    let behind = countries.census().await?.behind();
    println!("{behind} records are older than the current version");
    Ok(())
}

fn list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    texts.into_iter().map(|text| text.as_ref().to_owned()).collect::<Vec<_>>().join(", ")
}

fn heading(text: &str) {
    println!("\n{text}");
}
