//! Which groups entities have, as far as this program has opened their collections.
//!
//! A raw key is a text alone, which does not tell a group from the last id. A store that spells or
//! places the two apart would look for it in another place than the typed key. What a program's own
//! entities declare never changes, so it is kept for the whole process.

use std::sync::{PoisonError, RwLock};

use crate::entity::EntitySchema;

/// The entities that have named groups.
static KNOWN: RwLock<Vec<EntitySchema>> = RwLock::new(Vec::new());

/// Learns the groups of an entity. Cheap if they are known, or if there is none.
pub(crate) fn learn(entity: EntitySchema) {
    if entity.groups().iter().all(|group| group.name().is_none()) {
        return;
    }
    let is_known = |known: &EntitySchema| is_same(known, &entity);
    if KNOWN.read().unwrap_or_else(PoisonError::into_inner).iter().any(is_known) {
        return;
    }
    let mut all = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if !all.iter().any(is_known) {
        all.push(entity);
    }
}

/// Whether two entities have the same keys. Views and versions of one entity may differ in groups.
fn is_same(one: &EntitySchema, other: &EntitySchema) -> bool {
    one.prefix() == other.prefix()
        && one.ids().len() == other.ids().len()
        && one.groups().len() == other.groups().len()
        && one.groups().iter().zip(other.groups()).all(|(one, other)| one.name() == other.name())
}

/// Where the entity's part of a raw key ends: before the group if it is a key of a known group, and
/// otherwise at its end.
pub(super) fn entity_len(text: &str) -> usize {
    let Some((entity, group)) = text.rsplit_once(':') else { return text.len() };
    let is_of = |known: &EntitySchema| {
        let ids = entity.strip_prefix(known.prefix()).and_then(|rest| rest.strip_prefix(':'));
        ids.is_some_and(|ids| ids.split(':').count() == known.ids().len())
            && known.groups().iter().any(|known| known.name() == Some(group))
    };
    let is_known = KNOWN.read().unwrap_or_else(PoisonError::into_inner).iter().any(is_of);
    if is_known { entity.len() } else { text.len() }
}
