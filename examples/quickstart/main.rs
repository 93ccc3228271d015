//! The first example to run: `cargo run --example quickstart [-- --store URL | FILE]`.
//!
//! It keeps the 250 countries of a public data set in one embedded file, and shows how to read, change, list and reopen them, what
//! stands in the store and how large it is. By default the file is temporary; with the argument `countries.redb` it stays, and a second
//! run finds the countries and goes on counting. Any other store will do, too, such as `--store memory:`. The entities are in country.rs.

mod country;
mod inside;
#[path = "../support/store.rs"]
mod store;

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use country::{Country, CountryFacts, CountryProfile, CountryV1};
use kv_runtime::store::AnyStore;
use kv_runtime::{Cursor, Kv, KvEntity};
use tokio::task::JoinSet;

const NEWEST: &str = include_str!("../data/countries-5.1.0.json");
const OLDEST: &str = include_str!("../data/countries-1.4.0.json");

const TASKS: u64 = 16;
const VISITS_BY_TASK: u64 = 25;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("countries.redb");
    let url = store::url()?.unwrap_or_else(|| format!("redb:{}", file.display()));

    let kv = Kv::connect(&url).await?;
    load(&kv, &url).await?;
    read(&kv).await?;
    change(&kv).await?;
    list(&kv).await?;
    heading("Inside the store");
    inside::show(&kv, &url, NEWEST.len()).await?;
    insert(&kv).await?;

    let before = kv.collection::<Country>().get(("Europe", "DEU")).await?;
    if let AnyStore::Memory(_) = kv.store() {
        println!("\nA store in memory is gone with its last handle.");
        return Ok(());
    }
    // The last handle on the store closes the file.
    drop(kv);
    reopen(&url, before).await
}

/// `put_many` replaces what stands there, in batches as large as the store takes.
async fn load(kv: &Kv<AnyStore>, url: &str) -> Result<(), Box<dyn Error>> {
    heading(&format!("Load into {url}"));
    let release: Vec<Country> = serde_json::from_str(NEWEST)?;
    let countries = kv.collection::<Country>();

    let stored = countries.list().ids().page().await?.ids.len();
    if stored == release.len() {
        println!("{stored} countries are there from an earlier run");
        return Ok(());
    }
    let start = now();
    countries.put_many(&release).await?;
    let (countries, groups) = (release.len(), Country::SCHEMA.groups().len());
    row(&format!("put_many: {countries} countries, {} records", countries * groups), start.elapsed());
    Ok(())
}

async fn read(kv: &Kv<AnyStore>) -> Result<(), Box<dyn Error>> {
    heading("Read");
    let countries = kv.collection::<Country>();

    // Both groups, with one read of one moment.
    let start = now();
    let germany = countries.get(("Europe", "DEU")).await?.ok_or("Germany is not there")?;
    row("get((\"Europe\", \"DEU\")): both groups", start.elapsed());

    // Each group has a generated struct, which is an entity like any other: here only the hot group is read.
    let start = now();
    let profile = kv.collection::<CountryProfile>().get(("Europe", "DEU")).await?.ok_or("no profile")?;
    row("the same as CountryProfile: one group", start.elapsed());
    assert_eq!(profile.name, germany.name);

    // As many answers as ids, in their order.
    let start = now();
    let borders = countries.get_many(germany.borders.iter().map(|code| ("Europe", code))).await?;
    row(&format!("get_many: {} neighbours", borders.len()), start.elapsed());
    assert!(countries.get(("Europe", "XXX")).await?.is_none());

    let native: Vec<&str> = germany.name.native.values().map(|name| name.official.as_str()).collect();
    let money: Vec<&str> = germany.currencies.values().map(|money| money.symbol.as_str()).collect();
    println!("  {} {} ({})", germany.flag, germany.name.common, native.join(", "));
    println!("  capital {}, currency {}", germany.capital.join(", "), money.join(", "));
    let neighbours: Vec<String> = borders.into_iter().flatten().map(|it| it.name.common).collect();
    println!("  neighbours {}", neighbours.join(", "));

    // `null` in the data is `None`.
    let disputed = countries.get(("Europe", "UNK")).await?.ok_or("Kosovo is not there")?;
    println!("  {} {}, independent: {:?}", disputed.flag, disputed.name.common, disputed.independent);
    Ok(())
}

/// `update` reads, changes, and writes only if nobody wrote meanwhile; else it does so again. No count is lost.
async fn change(kv: &Kv<AnyStore>) -> Result<(), Box<dyn Error>> {
    heading(&format!("Change: {TASKS} tasks count {VISITS_BY_TASK} visits each, all of one country"));
    let profiles = kv.collection::<CountryProfile>();
    let before = profiles.get(("Europe", "DEU")).await?.ok_or("no profile")?.visits;

    let start = now();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let profiles = profiles.clone();
        tasks.spawn(async move {
            for _ in 0..VISITS_BY_TASK {
                profiles.update(("Europe", "DEU"), |country| country.visits += 1).await?;
            }
            Ok::<_, kv_runtime::Error>(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    row(&format!("update, {} times", TASKS * VISITS_BY_TASK), start.elapsed());

    let after = profiles.get(("Europe", "DEU")).await?.ok_or("no profile")?.visits;
    println!("  visits: {before} before, {after} after");
    assert_eq!(after, before + TASKS * VISITS_BY_TASK);
    Ok(())
}

async fn list(kv: &Kv<AnyStore>) -> Result<(), Box<dyn Error>> {
    heading("List by region, 20 countries a page");
    let countries = kv.collection::<Country>();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = countries.list().within("Europe").limit(20).cursor(cursor).page().await?;
        let codes: Vec<&str> = page.entities.iter().map(|country| country.cca3.as_str()).collect();
        println!("  {:>2} {}", codes.len(), codes.join(" "));
        // A cursor is text, to be handed to a client and back. It is bound to this list.
        let Some(next) = page.cursor else { break };
        cursor = Some(Cursor::from_text(next.as_str()));
    }

    // A stream fetches page by page, so memory does not grow with the number of countries. Of ids no value is read.
    let start = now();
    let mut by_region = BTreeMap::<String, usize>::new();
    let mut ids = countries.list().ids().stream();
    while let Some(id) = ids.next().await {
        let (region, _code) = id?;
        *by_region.entry(region).or_default() += 1;
    }
    row("list().ids().stream(): all ids", start.elapsed());
    for (region, countries) in by_region {
        println!("  {region:<12}{countries:>4}");
    }

    let start = now();
    let mut area = 0.0;
    let mut facts = kv.collection::<CountryFacts>().list().stream();
    while let Some(country) = facts.next().await {
        area += country?.area;
    }
    row(&format!("list().stream() of CountryFacts: {:.0} million km²", area / 1e6), start.elapsed());
    Ok(())
}

/// `insert` refuses what is there already. The oldest release has the code SHN twice.
async fn insert(kv: &Kv<AnyStore>) -> Result<(), Box<dyn Error>> {
    heading("Insert the oldest release, whose code SHN stands twice");
    let release: Vec<CountryV1> = serde_json::from_str(OLDEST)?;
    let countries = kv.collection::<CountryV1>();

    let (start, commits) = (now(), commits_of(kv.store()));
    let mut tasks = JoinSet::new();
    for country in release {
        let countries = countries.clone();
        tasks.spawn(async move { countries.insert(&country).await });
    }
    let results = tasks.join_all().await;
    let inserted = format!("insert, {} at once", results.len());
    match commits_of(kv.store()).zip(commits) {
        // Writes that wait at the same time share a commit, and so its fsync.
        Some((after, before)) => row(&format!("{inserted}, in {} commits", after - before), start.elapsed()),
        None => row(&inserted, start.elapsed()),
    }

    let refused: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    println!("  {} inserted, {} refused", results.len() - refused.len(), refused.len());
    if let Some(error) = refused.first() {
        println!("  error: {error}");
    }
    let found = countries.get("SHN").await?.ok_or("SHN is not there")?;
    println!("  SHN is {}, {}", found.name, found.capital);
    Ok(())
}

/// How many commits there were, where the store counts them.
fn commits_of(store: &AnyStore) -> Option<u64> {
    match store {
        AnyStore::Redb(store) => Some(store.stats().commits),
        _ => None,
    }
}

async fn reopen(url: &str, before: Option<Country>) -> Result<(), Box<dyn Error>> {
    heading("Reopen");
    let start = now();
    let kv = Kv::connect(url).await?;
    row("open", start.elapsed());
    let germany = kv.collection::<Country>().get(("Europe", "DEU")).await?;
    assert_eq!(germany, before);
    println!("  {} visits, as before", germany.ok_or("Germany is not there")?.visits);
    if cfg!(debug_assertions) {
        println!("\nThis is a debug build; `--release` shows the times that matter.");
    }
    Ok(())
}

fn heading(text: &str) {
    println!("\n{text}");
}

fn row(what: &str, took: Duration) {
    println!("  {what:<62}{:>10.3} ms", took.as_secs_f64() * 1e3);
}

#[expect(clippy::disallowed_methods, reason = "prints how long calls take")]
fn now() -> Instant {
    Instant::now()
}
