//! Which entities raw keys may be of, as far as this program has opened their collections.
//!
//! A raw key is a text alone, which tells neither a group from the last id nor a shard id from others.
//! A store that spells keys by their parts, or places them apart, would look for it in another place
//! than the typed key. What a program's own entities declare never changes, so it is kept for the
//! whole process.

use std::sync::{PoisonError, RwLock};

use super::placement::Placement;
use super::schema::IdSchema;

/// What the keys of an entity's group are made of.
#[derive(Clone, Copy)]
struct Declared {
    prefix: &'static str,
    ids: &'static [IdSchema],
    group: Option<&'static str>,
}

/// One for each named group, and for each group of an entity with a shard id. Of other keys nothing
/// has to be known.
static DECLARED: RwLock<Vec<Declared>> = RwLock::new(Vec::new());

/// Learns a group of the entity with this prefix and these ids. Cheap if it is known.
pub fn learn(prefix: &'static str, ids: &'static [IdSchema], group: Option<&'static str>) {
    let declared = Declared { prefix, ids, group };
    if group.is_none() && !declared.is_sharded() {
        return;
    }
    let is_it = |known: &Declared| known.is_like(&declared);
    if DECLARED.read().unwrap_or_else(PoisonError::into_inner).iter().any(is_it) {
        return;
    }
    let mut all = DECLARED.write().unwrap_or_else(PoisonError::into_inner);
    if !all.iter().any(is_it) {
        all.push(declared);
    }
}

/// What is known of a raw key.
pub(super) struct Known {
    /// Where the entity's part ends: before the group if it is a key of a known group, and otherwise
    /// at its end.
    pub(super) entity_len: usize,
    pub(super) placement: Placement,
}

impl Known {
    pub(super) fn of(text: &str) -> Self {
        let declared = DECLARED.read().unwrap_or_else(PoisonError::into_inner);
        let known = declared.iter().find_map(|declared| declared.reads(text));
        known.unwrap_or(Self { entity_len: text.len(), placement: Placement::Text(None) })
    }
}

impl Declared {
    fn is_sharded(&self) -> bool {
        self.ids.first().is_some_and(|id| id.shard)
    }

    /// Whether both know the same of all keys.
    fn is_like(&self, other: &Self) -> bool {
        let first = |it: &Self| it.ids.first().map(|id| (id.shard, id.ordered, id.kind));
        self.prefix == other.prefix
            && self.group == other.group
            && self.ids.len() == other.ids.len()
            && first(self) == first(other)
    }

    /// What is known of the key if it is of this group.
    fn reads(&self, text: &str) -> Option<Known> {
        let ids = text.strip_prefix(self.prefix)?.strip_prefix(':')?;
        let ids = match self.group {
            Some(group) => ids.strip_suffix(group)?.strip_suffix(':')?,
            None => ids,
        };
        if ids.split(':').count() != self.ids.len() {
            return None;
        }
        let placement = match self.ids.first().filter(|id| id.shard) {
            Some(id) => Placement::in_shard_of_segment(ids.split(':').next()?, id)?,
            None => Placement::Text(None),
        };
        let group_len = self.group.map_or(0, |group| group.len() + 1);
        Some(Known { entity_len: text.len() - group_len, placement })
    }
}
