//! The keys of a list: which of them are of the entity.

use kv_store::__private::parse_key;
use kv_store::key::Key;
use kv_store::store::{Content, Cursor, ListQuery};

use crate::entity::KvEntity;

/// Returns the query for the anchors' keys. The group's name lets the store skip the other groups.
pub(super) fn query<E: KvEntity>(
    prefix: &Key,
    cursor: Option<Cursor>,
    limit: usize,
    content: Content,
) -> ListQuery {
    let query = ListQuery::new(prefix.clone()).with_cursor(cursor).with_limit(limit).with_content(content);
    match anchor_name::<E>() {
        Some(group) => query.with_suffix(format!(":{group}")),
        None => query,
    }
}

fn anchor_name<E: KvEntity>() -> Option<&'static str> {
    E::SCHEMA.groups.first().and_then(|group| group.name)
}

pub(crate) enum ListedKey<I> {
    Entity(I),
    /// A key of this entity that is not its anchor's.
    OtherGroup,
    Foreign,
}

pub(crate) fn id_in<E: KvEntity>(key: &str) -> ListedKey<E::Id> {
    let schema = const { &E::SCHEMA };
    if let Some(id) = parse_key(key, schema.prefix(), schema.ids(), anchor_name::<E>()) {
        return ListedKey::Entity(id);
    }
    let mut others = schema.groups().iter().skip(1);
    if others.any(|group| parse_key::<E::Id>(key, schema.prefix(), schema.ids(), group.name).is_some()) {
        return ListedKey::OtherGroup;
    }
    ListedKey::Foreign
}
