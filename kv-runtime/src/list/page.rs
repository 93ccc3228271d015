//! One page: store pages until there are as many entities as were asked for.

use super::raw::{self, Anchor};
use super::{IdPage, PAGE, Page, secret};
use crate::collection::Collection;
use crate::entity::{GroupSchema, KvEntity};
use crate::error::{Error, Location, Result};
use crate::key::{Key, parse_key};
use crate::record::RecordRef;
use crate::store::{Content, Cursor, ListQuery, Store};

/// The most bytes that a page takes before there is an entity in it.
const ROOM: usize = 1 << 20;

pub(super) async fn entities<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    prefix: &Key,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Page<E>> {
    let cursor = secret::stored(collection, prefix, cursor)?;
    let mut page = Page { entities: Vec::new(), failed: Vec::new(), skipped: 0, cursor };
    // At once: growing as they come would move most of them again.
    page.entities.reserve(limit.min(PAGE).min(ROOM / size_of::<E>().max(1)));
    loop {
        let left = limit.saturating_sub(page.entities.len() + page.failed.len());
        if left == 0 {
            break;
        }
        if E::SCHEMA.groups().len() == 1 {
            read_only_group(collection, prefix, &mut page, left).await?;
        } else {
            read_groups(collection, prefix, &mut page, left).await?;
        }
        if page.cursor.is_none() {
            break;
        }
    }
    if page.entities.len() < page.entities.capacity() / 2 {
        page.entities.shrink_to_fit();
    }
    page.cursor = secret::shown(collection, prefix, page.cursor);
    Ok(page)
}

pub(super) async fn ids<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    prefix: &Key,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<IdPage<E::Id>> {
    let cursor = secret::stored(collection, prefix, cursor)?;
    let mut page = IdPage { ids: Vec::new(), skipped: 0, cursor };
    loop {
        let left = limit.saturating_sub(page.ids.len());
        if left == 0 {
            break;
        }
        let query = query::<E>(prefix, page.cursor.take(), left, Content::Keys);
        let found =
            collection.store().list(&query).await.map_err(|error| error.of_entity(E::SCHEMA.name()))?;
        for key in found.keys() {
            match id_in::<E>(key) {
                Found::Entity(id) => page.ids.push(id),
                Found::OtherGroup => {}
                Found::Foreign => page.skipped += 1,
            }
        }
        page.cursor = found.cursor;
        if page.cursor.is_none() {
            break;
        }
    }
    page.cursor = secret::shown(collection, prefix, page.cursor);
    Ok(page)
}

/// The anchors' keys; the group's name lets the store pass over the other groups.
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
    E::SCHEMA.groups().first().and_then(|group| group.name())
}

pub(super) enum Found<I> {
    Entity(I),
    /// A key of this entity that is not its anchor's.
    OtherGroup,
    Foreign,
}

pub(super) fn id_in<E: KvEntity>(key: &str) -> Found<E::Id> {
    let schema = const { &E::SCHEMA };
    if let Some(id) = parse_key(key, schema, anchor_name::<E>()) {
        return Found::Entity(id);
    }
    let mut others = schema.groups().iter().skip(1);
    if others.any(|group| parse_key::<E::Id>(key, schema, group.name()).is_some()) {
        return Found::OtherGroup;
    }
    Found::Foreign
}

/// Entities of one group are decoded as the store shows them.
async fn read_only_group<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    prefix: &Key,
    page: &mut Page<E>,
    limit: usize,
) -> Result<()> {
    let query = query::<E>(prefix, page.cursor.take(), limit, Content::Records);
    let each = |key: &str, found: Result<RecordRef<'_>>| {
        let id = match id_in::<E>(key) {
            Found::Entity(id) => id,
            Found::OtherGroup => return,
            Found::Foreign => {
                page.skipped += 1;
                return;
            }
        };
        page.add(match found {
            Ok(record) => collection.decode_listed(id, record, &|_| at::<E, S>(collection, key)),
            // The store cannot tell which ids are secret, so it names the list's prefix alone.
            Err(error) => Err(Box::new(error.moved_to(collection.at(&collection.key_of_id(&id))))),
        });
    };
    let listed = collection.store().list_each(&query, each).await;
    page.cursor = listed.map_err(|error| error.of_entity(E::SCHEMA.name()))?;
    Ok(())
}

/// Entities of several groups need a batch for the others.
async fn read_groups<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    prefix: &Key,
    page: &mut Page<E>,
    limit: usize,
) -> Result<()> {
    let found = raw::page(collection, prefix, page.cursor.take(), limit).await?;
    page.cursor = found.cursor;
    page.skipped += found.skipped;
    page.failed.extend(found.failed);
    for Anchor { key, id, records } in found.anchors {
        let locate = |group: &GroupSchema| collection.at(&key.with_group(group.name()));
        page.add(collection.decode_listed(id, records.as_slice(), &locate));
    }
    Ok(())
}

/// Where a listed record lies. Only an error asks, so the id is read from the key a second time rather than kept.
fn at<E: KvEntity, S: Store>(collection: &Collection<E, S>, key: &str) -> Box<Location> {
    match id_in::<E>(key) {
        Found::Entity(id) => collection.at(&collection.key_of_id(&id)),
        Found::OtherGroup | Found::Foreign => collection.located(Location::store(collection.store().name())),
    }
}

impl<E> Page<E> {
    fn add(&mut self, read: Result<E, Box<Error>>) {
        match read {
            Ok(entity) => self.entities.push(entity),
            Err(error) => self.failed.push(*error),
        }
    }
}
