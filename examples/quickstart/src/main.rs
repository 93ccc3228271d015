//! The first example to run: `cargo run -p quickstart [-- FILE]`.
//!
//! It stores the 250 countries of a public data set in one file, reads, changes and lists them,
//! shows the stored bytes, and opens the file again. Without an argument the file is temporary.
//! With `countries.redb` the file is kept, and the next run continues with it.
//!
//! country.rs has the entities. inside.rs looks at the records, and screen.rs prints.
//!
//! It prints the following. At each `...` some of it is left out:
//!
//! ```text
//! Store   250 countries in ...
//!   put_many      250 countries, 500 records ...
//!
//! Read    by id; the region and the code are the id
//!   get           Germany, both groups ...
//! ...
//!                 🇩🇪 Germany (Bundesrepublik Deutschland)
//! ...
//! Change  16 tasks count 25 visits each, all of one country
//!   update        400 times ...
//!                 visits: 0 before, 400 after
//! ...
//! Reopen  the file, as a restarted program does
//!   open          the same file ...
//!                 400 visits, as before
//! ...
//! ```

mod country;
mod inside;
mod screen;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

use country::{Country, CountryFacts, CountryProfile, CountryV1};
use examples_support::usage;
use kv_runtime::store::RedbStore;
use kv_runtime::{Cursor, Kv, KvEntity};
use screen::{Screen, now};
use tokio::task::JoinSet;

const NEWEST: &str = include_str!("../../data/countries-5.1.0.json");
const OLDEST: &str = include_str!("../../data/countries-1.4.0.json");

const TASKS: u64 = 16;
const VISITS_BY_TASK: u64 = 25;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result {
    let file = File::of_command_line()?;
    let screen = Screen::of_stdout();

    let kv = Kv::new(RedbStore::open(file.path())?);
    store(&kv, file.path(), &screen).await?;
    read(&kv, &screen).await?;
    change(&kv, &screen).await?;
    list(&kv, &screen).await?;
    insert(&kv, &screen).await?;
    inside::show(&kv, file.path(), NEWEST.len(), &screen).await?;

    let before = kv.collection::<Country>().get(("Europe", "DEU")).await?;
    // The last handle on the store closes the file.
    drop(kv);
    reopen(file.path(), before, &screen).await?;
    next(&file, &screen);
    Ok(())
}

/// `put_many` replaces the records under the same keys, in batches as large as the store allows.
async fn store(kv: &Kv<RedbStore>, path: &Path, screen: &Screen) -> Result {
    screen.heading("Store", &format!("250 countries in {}", path.display()));
    let release: Vec<Country> = serde_json::from_str(NEWEST)?;
    let countries = kv.collection::<Country>();

    let stored = countries.list().ids().page().await?.ids.len();
    if stored == release.len() {
        screen.note(&format!("{stored} countries are there from an earlier run"));
        return Ok(());
    }
    let start = now();
    countries.put_many(&release).await?;
    let (countries, groups) = (release.len(), Country::SCHEMA.groups().len());
    screen.call("put_many", &format!("{countries} countries, {} records", countries * groups), start);
    Ok(())
}

async fn read(kv: &Kv<RedbStore>, screen: &Screen) -> Result {
    screen.heading("Read", "by id; the region and the code are the id");
    let countries = kv.collection::<Country>();

    // Reads both groups from one snapshot.
    let start = now();
    let germany = countries.get(("Europe", "DEU")).await?.ok_or("Germany is not there")?;
    screen.call("get", "Germany, both groups", start);

    // Each group has a generated struct, which is an entity too. This reads one group only.
    let start = now();
    let profile = kv.collection::<CountryProfile>().get(("Europe", "DEU")).await?.ok_or("no profile")?;
    screen.call("get", "Germany, the group `profile` alone", start);
    assert_eq!(profile.name, germany.name);

    // Returns as many answers as there are ids, in the same order.
    let start = now();
    let borders = countries.get_many(germany.borders.iter().map(|code| ("Europe", code))).await?;
    screen.call("get_many", &format!("{} neighbours of Germany", borders.len()), start);
    assert!(countries.get(("Europe", "XXX")).await?.is_none());

    let native: Vec<&str> = germany.name.native.values().map(|name| name.official.as_str()).collect();
    let money: Vec<&str> = germany.currencies.values().map(|money| money.symbol.as_str()).collect();
    let (capital, money) = (germany.capital.join(", "), money.join(", "));
    screen.note(&format!("{} {} ({})", germany.flag, germany.name.common, native.join(", ")));
    screen.note(&format!("capital {capital}, currency {money}"));
    let neighbours: Vec<String> = borders.into_iter().flatten().map(|it| it.name.common).collect();
    for neighbours in neighbours.chunks(5) {
        screen.note(&format!("next to {}", neighbours.join(", ")));
    }

    // `null` in the data is `None`.
    let disputed = countries.get(("Europe", "UNK")).await?.ok_or("Kosovo is not there")?;
    screen.note(&format!(
        "{} {}, independent: {:?}",
        disputed.flag, disputed.name.common, disputed.independent
    ));
    Ok(())
}

/// `update` reads, changes, and writes only if nobody wrote in between. Otherwise it starts again,
/// so no count is lost.
async fn change(kv: &Kv<RedbStore>, screen: &Screen) -> Result {
    screen
        .heading("Change", &format!("{TASKS} tasks count {VISITS_BY_TASK} visits each, all of one country"));
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
    screen.call("update", &format!("{} times", TASKS * VISITS_BY_TASK), start);

    let after = profiles.get(("Europe", "DEU")).await?.ok_or("no profile")?.visits;
    screen.note(&format!("visits: {before} before, {after} after"));
    assert_eq!(after, before + TASKS * VISITS_BY_TASK);
    Ok(())
}

async fn list(kv: &Kv<RedbStore>, screen: &Screen) -> Result {
    screen.heading("List", "by region, 20 countries a page");
    let countries = kv.collection::<Country>();
    let mut cursor: Option<Cursor> = None;
    loop {
        let start = now();
        let page = countries.list().within("Europe").limit(20).cursor(cursor).page().await?;
        screen.call("page", &format!("{} countries of Europe", page.entities.len()), start);
        let codes: Vec<&str> = page.entities.iter().map(|country| country.cca3.as_str()).collect();
        screen.note(&codes.join(" "));
        // A cursor is text that a client can send back. It is valid for this list only.
        let Some(next) = page.cursor else { break };
        cursor = Some(Cursor::from_text(next.as_str()));
    }

    // A stream reads page by page, so memory does not grow with the number of countries. A list of
    // ids reads no values.
    let start = now();
    let mut by_region = BTreeMap::<String, usize>::new();
    let mut ids = countries.list().ids().stream();
    while let Some(id) = ids.next().await {
        let (region, _code) = id?;
        *by_region.entry(region).or_default() += 1;
    }
    screen.call("ids().stream", &format!("all ids, in {} regions", by_region.len()), start);
    for (region, countries) in by_region {
        screen.note(&format!("{region:<12}{countries:>4}"));
    }

    let start = now();
    let mut area = 0.0;
    let mut facts = kv.collection::<CountryFacts>().list().stream();
    while let Some(country) = facts.next().await {
        area += country?.area;
    }
    screen.call("stream", &format!("the group `facts`: {:.0} million km² in all", area / 1e6), start);
    Ok(())
}

/// `insert` refuses to replace a record. The oldest release has the code SHN twice.
async fn insert(kv: &Kv<RedbStore>, screen: &Screen) -> Result {
    screen.heading("Insert", "the oldest release, which has the code SHN twice");
    let release: Vec<CountryV1> = serde_json::from_str(OLDEST)?;
    let countries = kv.collection::<CountryV1>();

    let (start, before) = (now(), kv.store().stats().commits);
    let mut tasks = JoinSet::new();
    for country in release {
        let countries = countries.clone();
        tasks.spawn(async move { countries.insert(&country).await });
    }
    let results = tasks.join_all().await;
    // Writes that wait at the same time share a commit and its fsync.
    let commits = kv.store().stats().commits - before;
    screen.call("insert", &format!("{} at once, in {commits} commits", results.len()), start);

    let refused: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    screen.note(&format!("{} inserted, {} refused", results.len() - refused.len(), refused.len()));
    if let Some(error) = refused.first() {
        screen.note(&format!("error: {error}"));
    }
    Ok(())
}

async fn reopen(path: &Path, before: Option<Country>, screen: &Screen) -> Result {
    screen.heading("Reopen", "the file, as a restarted program does");
    let start = now();
    let kv = Kv::new(RedbStore::open(path)?);
    screen.call("open", "the same file", start);
    let germany = kv.collection::<Country>().get(("Europe", "DEU")).await?;
    assert_eq!(germany, before);
    screen.note(&format!("{} visits, as before", germany.ok_or("Germany is not there")?.visits));
    Ok(())
}

/// What to try after this.
fn next(file: &File, screen: &Screen) {
    screen.heading("Next", "each command builds what its example needs");
    match file {
        File::Temporary(_) => screen.command("quickstart -- countries.redb", "keeps the file: run it twice"),
        File::Kept(path) => screen.note(&format!("{} stays: run this again", path.display())),
    }
    if cfg!(debug_assertions) {
        screen.command("quickstart --release", "shows the times that matter");
    }
    screen.command("groups-and-views", "one struct under several keys");
    screen.command("composite-ids", "ids of several parts, and lists within them");
    screen.command("migrations", "five releases of this data, brought to one shape");
    screen.command("tiered-cache", "memory, a store and an origin");
}

/// The file of the store.
enum File {
    /// In a separate directory, which is removed at the end.
    Temporary(PathBuf),
    Kept(PathBuf),
}

impl File {
    /// Takes the path from the command line, or makes a temporary directory.
    fn of_command_line() -> Result<Self> {
        let args: Vec<_> = env::args_os().skip(1).collect();
        match args.as_slice() {
            [] => Ok(Self::Temporary(new_directory()?.join("countries.redb"))),
            [path] if !path.is_empty() && !path.as_encoded_bytes().starts_with(b"-") => {
                Ok(Self::Kept(path.into()))
            }
            _ => usage::show("[FILE], such as `countries.redb`"),
        }
    }

    fn path(&self) -> &Path {
        let (Self::Temporary(path) | Self::Kept(path)) = self;
        path
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let Self::Temporary(path) = self else { return };
        let removed = path.parent().map_or(Ok(()), fs::remove_dir_all);
        if let Err(error) = removed {
            eprintln!("{} is left behind: {error}", path.display());
        }
    }
}

/// Makes a directory that no other process has.
fn new_directory() -> io::Result<PathBuf> {
    let mut number = process::id();
    loop {
        let directory = env::temp_dir().join(format!("kv-quickstart-{number}"));
        match fs::create_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number = number.wrapping_add(1),
            made => return made.map(|()| directory),
        }
    }
}
