//! A public data set of emoji, whose ids change: `cargo run -p emoji`.
//!
//! The records of each release are brought to the application's shape, and compared with the newest
//! release. From 2.4.4 to 4.0.0 the ids of 213 emoji changed, so `migrate_keys` moves them first. Then
//! the records are migrated in three ways: from version 1 by a function that sees the id, from 2 by an
//! attribute, and from 3 by a predecessor.
//!
//! - emoji.rs: the current struct, its predecessor, and the function;
//! - release.rs: the data.
//!
//! It prints the following. At each `...` some of it is left out:
//!
//! ```text
//! 2.4.4: 1300 emoji of version 1
//! moved 213 of 213, then 0; occupied 0
//! migrated 1300, failed 0
//! not in 16.0.0: 0; other values: {"added_in": 1300, "category": 697, "name": 320, ...}
//! ...
//! 14.0.0: 1854 emoji of version 3
//! moved 0 of 0, then 0; occupied 0
//! migrated 1854, failed 0
//! not in 16.0.0: 0; other values: {"category": 10, "name": 1, "non_qualified": 10, ...}
//! ...
//! ```

mod emoji;
mod release;

use std::collections::{BTreeMap, HashMap};

use emoji::Emoji;
use kv_runtime::store::MemoryStore;
use kv_runtime::{BoxError, Collection, Kv};
use release::RELEASES;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let new_ids = new_ids()?;
    for (release, version) in RELEASES {
        let kv = Kv::new(MemoryStore::new());
        let written = release::write(kv.store(), release, version).await?;
        println!("\n{release}: {written} emoji of version {version}");
        let all = kv.collection::<Emoji>();
        move_ids(&all, &new_ids).await?;
        let report = all.migrate_all().run().await?;
        println!("migrated {}, failed {}", report.migrated, report.failed);
        compare(&all).await?;
    }
    Ok(())
}

/// The new ids of the emoji that had another one in 2.4.4.
fn new_ids() -> Result<HashMap<String, String>, BoxError> {
    let later = release::read("4.0.0")?.into_iter().filter_map(|(unified, members)| {
        let without = members.get("non_qualified")?.as_str()?.to_owned();
        Some((without, unified))
    });
    Ok(later.collect())
}

/// Moves the records with old ids. A second run finds nothing to move.
async fn move_ids(
    all: &Collection<Emoji, MemoryStore>,
    new_ids: &HashMap<String, String>,
) -> Result<(), BoxError> {
    let new_id = |unified: String| new_ids.get(&unified).cloned();
    let dry = all.migrate_keys(all, new_id).dry_run().run().await?;
    let report = all.migrate_keys(all, new_id).run().await?;
    let again = all.migrate_keys(all, new_id).run().await?;
    println!("moved {} of {}, then {}; occupied {}", report.moved, dry.moved, again.moved, report.occupied);
    Ok(())
}

/// Compares all emoji with the newest release, member by member.
async fn compare(all: &Collection<Emoji, MemoryStore>) -> Result<(), BoxError> {
    let newest: HashMap<_, _> = release::read("16.0.0")?.into_iter().collect();
    let (mut differ, mut absent) = (BTreeMap::<&str, usize>::new(), 0);
    let mut stream = all.list().stream();
    while let Some(emoji) = stream.next().await {
        let emoji = emoji?;
        let Some(published) = newest.get(&emoji.unified) else {
            absent += 1;
            continue;
        };
        for (member, value) in published_form(&emoji) {
            if published.get(member) != Some(&value) {
                *differ.entry(member).or_default() += 1;
            }
        }
    }
    println!("not in 16.0.0: {absent}; other values: {differ:?}");
    Ok(())
}

/// The members of the published shape.
fn published_form(emoji: &Emoji) -> [(&'static str, Value); 7] {
    let mut short_names = vec![emoji.short_names.first.clone()];
    short_names.extend(emoji.short_names.others.iter().cloned());
    [
        ("name", emoji.name.clone().into()),
        ("short_name", emoji.short_names.first.clone().into()),
        ("short_names", short_names.into()),
        ("non_qualified", emoji.non_qualified.clone().into()),
        ("category", emoji.category.clone().into()),
        ("subcategory", emoji.subcategory.clone().into()),
        ("added_in", emoji.added_in.clone().into()),
    ]
}
