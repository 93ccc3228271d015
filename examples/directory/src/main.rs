//! A directory of people: `cargo run -p directory [-- --people N --store URL]`.
//!
//! You learn how to find entities by a unique email, by country and city, and by time, and how to add
//! these indexes to data that is in use. A first release stores people without indexes. A second one
//! declares them and builds them, while tasks go on to sign people up, move them, and close accounts.
//! At the end it prints what each index costs.
//!
//! people.rs has the entities of both releases, life.rs the tasks that write, and cost.rs the chart.
//!
//! It prints the following. At each `...` some of it is left out:
//!
//! ```text
//! The first release stores 20000 people, without indexes.
//! ...
//! They are built while the program is in use:
//! ...
//! By email, whatever its case:
//!   John.Hamilton.3@example.com is John Hamilton, of HM
//! ...
//! An email belongs to one person:
//!   Person `person:4` in memory: the value of its unique index `email` belongs to `person:3`; ...
//!   in one transaction two people can exchange theirs
//! ...
//! ```

mod cost;
mod life;
mod people;

use std::error::Error;
use std::ops::Range;
use std::sync::Arc;

use examples_support::usage;
use kv_runtime::store::{AnyStore, IndexStore};
use kv_runtime::{Collection, Error as KvError, Kv};
use life::Life;
use people::{People, Person, before, signed_up};

const COUNTRIES: &str = include_str!("../../data/countries-5.1.0.json");
const USAGE: &str = "[--people N --store URL], such as `--people 1000000 --store redb:people.redb`";

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result {
    usage::expect_options(&["--people", "--store"], USAGE);
    let people = usage::option("--people").unwrap_or(20_000_u64).max(1_000);
    let store: Option<String> = usage::option("--store");
    let kv = Kv::connect(store.as_deref().unwrap_or("memory:")).await?;
    let made_up = Arc::new(People::new(COUNTRIES)?);

    store_without_indexes(&kv, &made_up, people).await?;
    let living = build(&kv, &made_up, people).await?;
    find(&kv.collection(), &made_up, people, living).await?;
    refuse(&kv, &made_up).await?;
    cost::show(&made_up).await?;
    Ok(())
}

/// The first release, which has no indexes.
async fn store_without_indexes(kv: &Kv<AnyStore>, made_up: &People, people: u64) -> Result {
    let collection = kv.collection::<before::Person>();
    if collection.exists(1).await? {
        println!("The people of an earlier run are there.");
        return Ok(());
    }
    println!("The first release stores {people} people, without indexes.");
    for first in (1..=people).step_by(10_000) {
        let some = first..(first + 10_000).min(people + 1);
        collection.put_many(some.map(|id| before::Person::from(made_up.person(id)))).await?;
    }
    Ok(())
}

/// The second release: it is deployed, and then the indexes are built while it is in use. Returns the
/// ids of the people who signed up meanwhile.
async fn build(kv: &Kv<AnyStore>, made_up: &Arc<People>, people: u64) -> Result<Range<u64>> {
    println!("\nThe second release has indexes. Before they are built, nothing is found:");
    let collection = kv.collection::<Person>();
    match collection.by(Person::EMAIL).get(&made_up.person(1).email).await {
        Err(error @ KvError::IndexNotReady { .. }) => println!("  {error}"),
        found => {
            found?;
            println!("  an earlier run has built them");
        }
    }

    println!("\nThey are built while the program is in use:");
    let life = Life::begin(collection.clone(), Arc::clone(made_up), people);
    let (quarter, mut next) = ((people / 4).max(1), 0);
    let report = collection
        .build_indexes()
        // The first release has stopped everywhere: what it wrote from now on would not be in the
        // index.
        .no_older_writers()
        .progress(move |report| {
            if report.entities >= next {
                println!("  {} people are in the indexes", report.entities);
                next = report.entities + quarter;
            }
        })
        .run()
        .await?;
    let living = life.end().await?;
    if !report.is_ready {
        return Err(format!("the indexes are not ready: {report:?}").into());
    }
    println!("  {} people signed up meanwhile, and others moved or left", living.end - living.start);

    let report = collection.check_indexes().await?;
    assert_eq!((report.added, report.removed, report.violations), (0, 0, 0), "{report:?}");
    println!("  a check of all {} people finds nothing to repair", report.entities);
    Ok(living)
}

/// What the indexes are for.
async fn find<S: IndexStore>(
    people: &Collection<Person, S>,
    made_up: &People,
    stored: u64,
    living: Range<u64>,
) -> Result {
    println!("\nBy email, whatever its case:");
    let email = made_up.person(3).email;
    let found = people.by(Person::EMAIL).get(&email.to_uppercase()).await?.ok_or("nobody has it")?;
    assert_eq!(found.id, 3);
    println!("  {email} is {}, of {}", found.name, found.country);
    let newcomers: Vec<String> = living.clone().map(|id| made_up.person(id).email).collect();
    let found = people.by(Person::EMAIL).get_many(newcomers.iter().map(String::as_str)).await?;
    assert!(found.iter().all(Option::is_some), "somebody who signed up during the build is missing");

    println!("\nBy country and city:");
    let page = people.by(Person::BY_CITY).within("GB").starts_with("Lon").limit(3).page().await?;
    for person in &page.entities {
        println!("  {:<20} {}", person.name, person.city.as_deref().unwrap_or("-"));
    }
    let in_gb = people.by(Person::BY_CITY).within("GB").count().await?;
    // Bouvet Island has no capital, so there the city is missing.
    let nowhere = people.by(Person::BY_CITY).equal(("BV", None)).count().await?;
    println!("  {in_gb} people are in GB, and {nowhere} in BV, which has no city");

    println!("\nBy the time of signing up, the newest first:");
    let (from, to) = (signed_up(stored - 99), signed_up(stored));
    let mut recent = people.by(Person::SIGNED_UP).range(from..=to).rev().stream();
    let (mut shown, mut last) = (0, None);
    while let Some(person) = recent.next().await {
        let person = person?;
        assert!(last.is_none_or(|last| person.signed_up <= last), "the stream is in order");
        last = Some(person.signed_up);
        shown += 1;
    }
    println!("  {shown} of the last 100 who signed up with the first release are still here");
    Ok(())
}

/// What a unique index refuses.
async fn refuse(kv: &Kv<AnyStore>, made_up: &People) -> Result {
    println!("\nAn email belongs to one person:");
    let people = kv.collection::<Person>();
    let taken = Person { email: made_up.person(3).email, ..made_up.person(4) };
    match people.put(&taken).await {
        Err(error @ KvError::NotUnique { .. }) => println!("  {error}"),
        other => return Err(format!("two people have one email: {other:?}").into()),
    }
    let exchanged = kv.transact(async |tx| {
        let (first, second) = (made_up.person(1).email, made_up.person(2).email);
        tx.update::<Person>(1, |person| person.email = second).await?;
        tx.update::<Person>(2, |person| person.email = first).await?;
        Ok(())
    });
    exchanged.await?;
    let found = people.by(Person::EMAIL).get(&made_up.person(1).email).await?;
    assert_eq!(found.map(|person| person.id), Some(2));
    println!("  in one transaction two people can exchange theirs");
    Ok(())
}
