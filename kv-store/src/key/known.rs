//! Which groups entities have, as far as this program has opened their collections.
//!
//! A raw key is a text alone, which does not tell a group from the last id. A store that spells or
//! places the two apart would look for it in another place than the typed key. What a program's own
//! entities declare never changes, so it is kept for the whole process.

use std::sync::{PoisonError, RwLock};

/// What the keys of an entity are made of.
#[derive(Clone, Copy, PartialEq)]
struct Known {
    prefix: &'static str,
    /// The number of its ids.
    ids: usize,
    group: &'static str,
}

/// One for each named group.
static KNOWN: RwLock<Vec<Known>> = RwLock::new(Vec::new());

/// Learns a named group of the entity with this prefix and so many ids. Cheap if it is known.
pub fn learn(prefix: &'static str, ids: usize, group: &'static str) {
    let group = Known { prefix, ids, group };
    if KNOWN.read().unwrap_or_else(PoisonError::into_inner).contains(&group) {
        return;
    }
    let mut all = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if !all.contains(&group) {
        all.push(group);
    }
}

/// Where the entity's part of a raw key ends: before the group if it is a key of a known group, and
/// otherwise at its end.
pub(super) fn entity_len(text: &str) -> usize {
    let Some((entity, group)) = text.rsplit_once(':') else { return text.len() };
    let is_of = |known: &Known| {
        let ids = entity.strip_prefix(known.prefix).and_then(|rest| rest.strip_prefix(':'));
        known.group == group && ids.is_some_and(|ids| ids.split(':').count() == known.ids)
    };
    let is_known = KNOWN.read().unwrap_or_else(PoisonError::into_inner).iter().any(is_of);
    if is_known { entity.len() } else { text.len() }
}
