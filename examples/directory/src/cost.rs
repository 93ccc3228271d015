//! What indexes cost: the same calls on both releases of the entity, in memory.

use std::time::{Duration, Instant};

use kv_runtime::index::StoredIn;
use kv_runtime::store::MemoryStore;
use kv_runtime::{Collection, Kv, KvEntity};

use crate::Result;
use crate::people::{People, Person, before};

const PEOPLE: u64 = 2_000;

/// How long the longest bar is.
const WIDTH: usize = 40;

pub async fn show(made_up: &People) -> Result {
    let people: Vec<Person> = (1..=PEOPLE).map(|id| made_up.person(id)).collect();
    let plain: Vec<before::Person> = people.iter().cloned().map(before::Person::from).collect();
    let [none, indexed] = [
        measure(&plain, |person| person.logins += 1, |person| person.city = None).await?,
        measure(&people, |person| person.logins += 1, |person| person.city = None).await?,
    ];
    println!("\nWhat three indexes cost, for each call in memory:");
    let longest = none.iter().chain(&indexed).max().copied().unwrap_or_default();
    for (at, call) in ["sign up", "log in", "move"].into_iter().enumerate() {
        for (time, of) in [(none[at], "without"), (indexed[at], "indexed")] {
            let length = (time.as_secs_f64() / longest.as_secs_f64() * WIDTH as f64).ceil() as usize;
            let micros = time.as_secs_f64() * 1e6 / PEOPLE as f64;
            println!("  {call:<8} {of:<8} {:<WIDTH$} {micros:.1} µs", "█".repeat(length));
        }
    }
    Ok(())
}

/// How long it takes to insert these people, to change a field that no index has, and one that an
/// index has.
async fn measure<E: KvEntity<Id = u64> + StoredIn<MemoryStore>>(
    people: &[E],
    log_in: fn(&mut E),
    relocate: fn(&mut E),
) -> Result<[Duration; 3]> {
    let collection: Collection<E, MemoryStore> = Kv::new(MemoryStore::new()).collection();
    let start = now();
    for person in people {
        collection.insert(person).await?;
    }
    let inserted = now();
    for id in 1..=PEOPLE {
        collection.update(id, log_in).await?;
    }
    let changed = now();
    for id in 1..=PEOPLE {
        collection.update(id, relocate).await?;
    }
    Ok([inserted - start, changed - inserted, now() - changed])
}

#[expect(clippy::disallowed_methods, reason = "the example measures time")]
fn now() -> Instant {
    Instant::now()
}
