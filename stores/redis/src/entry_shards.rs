//! The shards in which an index has entries, found by a look at every key of the server.

use std::collections::BTreeSet;

use kv_store::key::Key;
use kv_store::store::EntryShards;
use kv_store::{Location, Result};

use super::NAME;
use super::error::{Fault, failed};
use super::inner::Inner;
use super::key_format::{KeyFormat, index_of};
use super::list::Walk;

/// The most shards that one look keeps, and their bytes.
const MOST_KEPT: usize = 65_536;
const MOST_KEPT_BYTES: usize = 8 << 20;

/// The least of many shards, each once.
#[derive(Default)]
struct Least {
    shards: BTreeSet<String>,
    bytes: usize,
    /// Whether greater ones were left out.
    has_more: bool,
}

impl Least {
    fn insert(&mut self, shard: String) {
        if self.has_more && self.shards.last().is_some_and(|last| shard > *last) {
            return;
        }
        let len = shard.len();
        if self.shards.insert(shard) {
            self.bytes += len;
        }
        while self.shards.len() > MOST_KEPT || (self.bytes > MOST_KEPT_BYTES && self.shards.len() > 1) {
            if let Some(greatest) = self.shards.pop_last() {
                self.bytes -= greatest.len();
                self.has_more = true;
            }
        }
    }
}

impl Inner {
    pub(super) async fn entry_shards(&self, index: &Key, after: Option<&Key>) -> Result<EntryShards> {
        if self.spelling == KeyFormat::Plain {
            let indexes = if after.is_none() { vec![index.clone()] } else { Vec::new() };
            return Ok(EntryShards { indexes, has_more: false });
        }
        let after = after.and_then(Key::shard);
        let (name, _) = index_of(index.as_str());
        let Least { shards, has_more, .. } = self
            .least_shards(name, after)
            .await
            .map_err(|fault| failed(Location::of(NAME, index), "list the shards of the index", fault))?;
        let indexes = shards.iter().map(|shard| index.clone().in_shard(shard)).collect();
        Ok(EntryShards { indexes, has_more })
    }

    async fn least_shards(&self, index: &str, after: Option<&str>) -> Result<Least, Fault> {
        let mut least = Least::default();
        let mut walk = Walk::begin(&self.connection, KeyFormat::pattern_of_sets(index)).await?;
        while let Some(names) = walk.next().await? {
            names
                .iter()
                .filter_map(|name| self.spelling.shard_of_set(name, index))
                .filter(|shard| after.is_none_or(|after| shard.as_str() > after))
                .for_each(|shard| least.insert(shard));
        }
        Ok(least)
    }
}
