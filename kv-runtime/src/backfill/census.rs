//! How many records there are of each version, from metadata alone.

use std::collections::BTreeMap;
use std::fmt;

use kv_store::__private::{
    coop::{self, Hold},
    parse_key,
};
use kv_store::key::KeyBuilder;
use kv_store::store::{Content, EntryRef, ListQuery, Store};
use kv_store::{Error, Result};

use crate::collection::{Collection, span, version_of};
use crate::entity::{GroupSchema, KvEntity};
use crate::list::raw;
use crate::small::Instrument;

/// How many records there are of each version: [`Collection::census`]. `Display` is a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Census {
    /// One for each group, the anchor first.
    pub groups: Vec<GroupCensus>,
    /// Keys under the prefix that are not keys of this entity.
    pub skipped: u64,
    /// Entities that could not be decoded, if it was tried: [`Collection::census_with_values`].
    pub undecoded: Option<u64>,
}

/// How many records of one group there are of each version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupCensus {
    /// The group's name, if its keys have one.
    pub name: Option<&'static str>,
    /// The version of the current shape.
    pub current: u32,
    /// Records by version.
    pub versions: BTreeMap<u32, u64>,
    /// Records whose envelope or metadata is damaged, or whose value names no version that
    /// `version_in` knows.
    pub damaged: u64,
    /// Records under a form of the key that this store does not read, such as the key without a hash
    /// tag on Redis. [`migrate_keys`](Collection::migrate_keys) moves them.
    pub misplaced: u64,
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Counts the records of each version. If the store lists metadata without values
    /// ([`Capabilities::cheap_metadata`](crate::store::Capabilities)), no value is read. Memory does
    /// not grow with the number of records. The call yields to other tasks after each page of 1,000
    /// keys.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "user")]
    /// # struct User {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     name: String,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let users = Kv::new(MemoryStore::new()).collection::<User>();
    /// users.put(&User { id: 7, name: "Ada".to_owned() }).await?;
    /// let census = users.census().await?;
    /// assert_eq!((census.groups[0].total(), census.behind()), (1, 0));
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn census(&self) -> Result<Census> {
        let prefix = KeyBuilder::new(E::SCHEMA.prefix, E::SCHEMA.ids).finish_prefix();
        let span = span("census", E::SCHEMA.name, self.info().name(), &prefix);
        async {
            self.check_foreign(&prefix, true)?;
            let groups = E::SCHEMA.groups.iter();
            let groups = groups.map(|group| GroupCensus {
                name: group.name,
                current: group.version,
                ..GroupCensus::default()
            });
            let mut census = Census { groups: groups.collect(), skipped: 0, undecoded: None };
            let mut cursor = None;
            loop {
                // A version may be in the value.
                let content = if Self::ADOPTS { Content::Records } else { Content::Heads };
                let query = ListQuery::new(prefix.clone()).with_content(content).with_cursor(cursor);
                let listed = self.store().list(&query, |key, entry| census.count::<E>(key, &entry)).await;
                cursor = listed.map_err(|error| error.of_entity(E::SCHEMA.name))?;
                if cursor.is_none() {
                    return Ok(census);
                }
                coop::yield_now().await;
            }
        }
        .instrument(span)
        .await
    }
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Counts as [`census`](Self::census) does. It also reads and decodes every entity, page by page,
    /// and counts those that fail: [`Census::undecoded`]. Older records are migrated in memory, and
    /// nothing is written. A [list](Self::list) returns the error of each such record.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "user")]
    /// # struct User {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     name: String,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let users = Kv::new(MemoryStore::new()).collection::<User>();
    /// users.put(&User { id: 7, name: "Ada".to_owned() }).await?;
    /// let census = users.census_with_values().await?;
    /// assert_eq!(census.undecoded, Some(0));
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn census_with_values(&self) -> Result<Census> {
        let mut census = self.census().await?;
        let prefix = KeyBuilder::new(E::SCHEMA.prefix, E::SCHEMA.ids).finish_prefix();
        let (mut undecoded, mut cursor, mut hold) = (0, None, Hold::begin());
        loop {
            let page = raw::page(self, &prefix, cursor, PAGE, ListQuery::MAX_BYTES).await?;
            undecoded += page.failed.len() as u64;
            for anchor in page.anchors {
                hold.yield_after(anchor.bytes()).await;
                let decoded = self.decode(anchor.id, &anchor.key, &anchor.records);
                undecoded += u64::from(decoded.is_err());
            }
            cursor = page.cursor;
            if cursor.is_none() {
                census.undecoded = Some(undecoded);
                return Ok(census);
            }
        }
    }
}

/// How many entities are decoded at a time.
const PAGE: usize = 256;

impl Census {
    fn count<E: KvEntity>(&mut self, key: &str, entry: &EntryRef<'_>) {
        let schema = &E::SCHEMA;
        let is_its = |(group, _): &(&mut GroupCensus, &GroupSchema)| {
            parse_key::<E::Id>(key, schema.prefix(), schema.ids(), group.name).is_some()
        };
        let Some((group, schema)) = self.groups.iter_mut().zip(schema.groups()).find(is_its) else {
            self.skipped += 1;
            return;
        };
        if matches!(entry, EntryRef::Failed(Error::InvalidOptions { .. })) {
            group.misplaced += 1;
            return;
        }
        let version = match entry {
            EntryRef::Head(head) => Some(head.metadata.version),
            EntryRef::Record(record) => version_of(schema, key, record),
            // Unread, or shown without what was asked for.
            _ => None,
        };
        match version {
            Some(version) => *group.versions.entry(version).or_default() += 1,
            None => group.damaged += 1,
        }
    }

    /// Returns how many records are older than the current shape.
    #[must_use]
    pub fn behind(&self) -> u64 {
        let behind =
            |group: &GroupCensus| group.versions.range(..group.current).map(|(_, count)| count).sum::<u64>();
        self.groups.iter().map(behind).sum()
    }
}

impl GroupCensus {
    /// How many records there are, of all versions, damaged and misplaced.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.versions.values().sum::<u64>() + self.damaged + self.misplaced
    }
}

/// The group's lines in the table of its [`Census`].
impl fmt::Display for GroupCensus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.unwrap_or("-");
        let mut end = "";
        for (version, count) in &self.versions {
            let mark = if *version == self.current { "  current" } else { "" };
            write!(f, "{end}{name:<16} {version:>8} {count:>10}{mark}")?;
            end = "\n";
        }
        for (what, count) in [("damaged", self.damaged), ("misplaced", self.misplaced)] {
            if count > 0 {
                write!(f, "{end}{name:<16} {what:>8} {count:>10}")?;
                end = "\n";
            }
        }
        Ok(())
    }
}

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<16} {:>8} {:>10}", "group", "version", "records")?;
        for group in self.groups.iter().filter(|group| group.total() > 0) {
            writeln!(f, "{group}")?;
        }
        if let Some(undecoded) = self.undecoded {
            writeln!(f, "{:<16} {:>8} {:>10}", "(not decoded)", "", undecoded)?;
        }
        write!(f, "{:<16} {:>8} {:>10}", "(other keys)", "", self.skipped)
    }
}
