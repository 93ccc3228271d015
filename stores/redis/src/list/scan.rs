//! The next keys of a list by a look at every key of the server.
//!
//! `SCAN` shows a key that is there all the time at least once, in no order, and some twice. So one
//! pass keeps the least keys behind the cursor, as many as memory is allowed, and drops what it
//! meets again: the list is in key order, and shows each key once.

use std::collections::BTreeSet;

use kv_store::store::ListQuery;

use super::candidates::Candidates;
use super::walk::Walk;
use crate::error::Fault;
use crate::inner::Inner;
use crate::key_format::{FoundKey, KeyFormat};

/// The most keys that a pass keeps, and their bytes.
const MOST_KEPT: usize = 65_536;
const MOST_KEPT_BYTES: usize = 8 << 20;

impl Inner {
    /// The next keys of a list, by one pass over all keys.
    pub(super) async fn scan(&self, query: &ListQuery, after: Option<&str>) -> Result<Candidates, Fault> {
        let mut least = Least::default();
        let shows_hidden = self.shows_hidden(query);
        let pattern = match shows_hidden {
            true => KeyFormat::pattern_of_both(query.prefix()),
            false => self.spelling.pattern(query.prefix(), query.suffix()),
        };
        let mut walk = Walk::begin(&self.connection, pattern).await?;
        let is_next = |found: &FoundKey| {
            query.matches(&found.text)
                && after.is_none_or(|after| *found.text > *after)
                && self.spelling.is_listed(query.prefix(), found)
        };
        while let Some(keys) = walk.next().await? {
            keys.iter()
                .filter_map(|key| {
                    let found = self.spelling.read(key);
                    found.or_else(|| shows_hidden.then(|| KeyFormat::read_plain(key)).flatten())
                })
                .filter(is_next)
                .for_each(|found| least.insert(found));
        }
        let Least { keys, more, .. } = least;
        let mut keys: Vec<FoundKey> = keys.into_iter().collect();
        // A raw key and one of a group may have the same text, which is shown once. So is a plain key
        // beside one with a hash tag, which comes first.
        keys.dedup_by(|later, first| later.text == first.text);
        let last = keys.last().map(|found| found.text.clone());
        // Cursors bring it to other processes, none of which may have the same one. 0 means none.
        let remainder = kv_store::__private::random::token().max(1);
        Ok(Candidates { keys, more, last, remainder })
    }
}

impl Inner {
    /// Whether a list shows which records are under plain keys. One of texts, and one of the keys of
    /// an index, does not.
    fn shows_hidden(&self, query: &ListQuery) -> bool {
        self.may_be_hidden(query.prefix()) && query.prefix().is_sharded().is_some()
    }
}

/// The least of many keys, each once.
#[derive(Default)]
struct Least {
    keys: BTreeSet<FoundKey>,
    bytes: usize,
    /// Whether greater ones were left out.
    more: bool,
}

impl Least {
    fn insert(&mut self, found: FoundKey) {
        if self.more && self.keys.last().is_some_and(|last| found > *last) {
            return;
        }
        let len = found.text.len();
        if self.keys.insert(found) {
            self.bytes += len;
        }
        while self.keys.len() > MOST_KEPT || (self.bytes > MOST_KEPT_BYTES && self.keys.len() > 1) {
            if let Some(greatest) = self.keys.pop_last() {
                self.bytes -= greatest.text.len();
                self.more = true;
            }
        }
    }
}
