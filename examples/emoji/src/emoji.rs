//! An emoji, in the shapes of five releases: versions 1 to 3 are the published ones, and version 4 is
//! the application's own.

use kv_runtime::migrate::Object;
use kv_runtime::{BoxError, KvEntity};
use serde::{Deserialize, Serialize};

/// Version 4. It is made of version 3, the newest published shape.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "emoji", version = 4, previous = EmojiV3)]
pub struct Emoji {
    #[kv(id)]
    pub unified: String,
    /// Its name in Unicode. Some have none in older releases.
    pub name: Option<String>,
    pub short_names: ShortNames,
    pub non_qualified: Option<String>,
    pub category: String,
    pub subcategory: Option<String>,
    pub added_in: Option<String>,
}

/// The names by which people write it. The first is the one to show.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct ShortNames {
    pub first: String,
    pub others: Vec<String>,
}

/// Version 1 is the shape of 2.4.4, version 2 that of 4.0.0 and 6.0.0, and version 3 that of 14.0.0
/// and 16.0.0.
#[derive(KvEntity, Clone, Debug)]
#[kv(prefix = "emoji", version = 3)]
#[kv(step(1 => variations_become_an_id, with_id))]
pub struct EmojiV3 {
    #[kv(id)]
    pub unified: String,
    pub name: Option<String>,
    pub short_name: String,
    pub short_names: Vec<String>,
    pub non_qualified: Option<String>,
    pub category: String,
    #[kv(added(since = 3))]
    pub subcategory: Option<String>,
    pub added_in: Option<String>,
}

/// In 2.4.4 an emoji that needs the selector FE0F had the id without it, and the one with it was a
/// variation. Since 4.0.0 it is the other way round. Here the id is the new one already.
fn variations_become_an_id(emoji: &mut Object, unified: &str) -> Result<(), BoxError> {
    emoji.remove("variations");
    let without = unified.contains("FE0F").then(|| unified.replace("-FE0F", ""));
    emoji.insert("non_qualified".to_owned(), without.into());
    emoji.insert("added_in".to_owned(), None::<String>.into());
    Ok(())
}

impl From<EmojiV3> for Emoji {
    fn from(old: EmojiV3) -> Self {
        let others = old.short_names.into_iter().filter(|name| *name != old.short_name).collect();
        Self {
            unified: old.unified,
            name: old.name,
            short_names: ShortNames { first: old.short_name, others },
            non_qualified: old.non_qualified,
            category: old.category,
            subcategory: old.subcategory,
            added_in: old.added_in,
        }
    }
}
