//! One page: store pages until there are as many entities as were asked for.

use super::{IdPage, Page};
use crate::collection::{Collection, decode_present};
use crate::entity::KvEntity;
use crate::error::{Location, Result};
use crate::key::{Key, parse_key};
use crate::record::Record;
use crate::store::{Content, Cursor, Entry, ListQuery, Store};

/// An anchor whose other groups are still to be read.
struct Anchor<I> {
    key: Key,
    id: I,
    record: Record,
}

pub(super) async fn entities<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    prefix: &Key,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Page<E>> {
    let mut page = Page { entities: Vec::new(), failed: Vec::new(), skipped: 0, cursor };
    loop {
        let left = limit.saturating_sub(page.entities.len() + page.failed.len());
        if left == 0 {
            return Ok(page);
        }
        let query = query::<E>(prefix, page.cursor.take(), left, Content::Records);
        let found =
            collection.store().list(&query).await.map_err(|error| error.of_entity(E::SCHEMA.name()))?;
        page.cursor = found.cursor.clone();
        page.entities.reserve(found.len());
        let mut anchors = Vec::new();
        found.for_each(|key, entry| {
            let id = match id_in::<E>(key) {
                Found::Entity(id) => id,
                Found::OtherGroup => return,
                Found::Foreign => {
                    page.skipped += 1;
                    return;
                }
            };
            match entry {
                Entry::Record(record) if E::SCHEMA.groups().len() == 1 => {
                    page.add(decode_present(id, &[Some(record)], &|_| at::<E, S>(collection, key)));
                }
                Entry::Record(record) => {
                    anchors.push(Anchor { key: collection.key_of_id(&id), id, record });
                }
                // The store cannot tell which ids are secret, so it names the list's prefix alone.
                Entry::Failed(error) => {
                    page.add(Err(error.moved_to(collection.at(&collection.key_of_id(&id)))));
                }
                Entry::Key | Entry::Head(_) => {}
            }
        });
        read_groups(collection, anchors, &mut page).await?;
        if page.cursor.is_none() {
            return Ok(page);
        }
    }
}

pub(super) async fn ids<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    prefix: &Key,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<IdPage<E::Id>> {
    let mut page = IdPage { ids: Vec::new(), skipped: 0, cursor };
    loop {
        let left = limit.saturating_sub(page.ids.len());
        if left == 0 {
            return Ok(page);
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
            return Ok(page);
        }
    }
}

/// The anchors' keys; the group's name lets the store pass over the other groups.
fn query<E: KvEntity>(prefix: &Key, cursor: Option<Cursor>, limit: usize, content: Content) -> ListQuery {
    let query = ListQuery::new(prefix.clone()).with_cursor(cursor).with_limit(limit).with_content(content);
    match anchor_name::<E>() {
        Some(group) => query.with_suffix(format!(":{group}")),
        None => query,
    }
}

fn anchor_name<E: KvEntity>() -> Option<&'static str> {
    E::SCHEMA.groups().first().and_then(|group| group.name())
}

enum Found<I> {
    Entity(I),
    /// A key of this entity that is not its anchor's.
    OtherGroup,
    Foreign,
}

fn id_in<E: KvEntity>(key: &str) -> Found<E::Id> {
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

/// Decodes anchors together with their other groups, which are read with as few batches as the store takes.
async fn read_groups<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    anchors: Vec<Anchor<E::Id>>,
    page: &mut Page<E>,
) -> Result<()> {
    let others = &E::SCHEMA.groups()[1..];
    let keys: Vec<Key> = anchors
        .iter()
        .flat_map(|anchor| others.iter().map(|group| anchor.key.with_group(group.name())))
        .collect();
    let batch = collection.store().capabilities().limits.batch_read.max(1);
    let mut rest = Vec::with_capacity(keys.len());
    for keys in keys.chunks(batch) {
        rest.extend(
            collection.store().get_many(keys).await.map_err(|error| error.of_entity(E::SCHEMA.name()))?,
        );
    }
    let mut rest = rest.into_iter();
    let mut records = Vec::with_capacity(others.len() + 1);
    for Anchor { key, id, record } in anchors {
        records.clear();
        records.push(Some(record));
        records.extend(rest.by_ref().take(others.len()));
        page.add(decode_present(id, &records, &|group| collection.at(&key.with_group(group.name()))));
    }
    Ok(())
}

/// Where a listed record lies. Only an error asks, so the id is read from the key a second time rather than kept.
fn at<E: KvEntity, S: Store>(collection: &Collection<E, S>, key: &str) -> Box<Location> {
    match id_in::<E>(key) {
        Found::Entity(id) => collection.at(&collection.key_of_id(&id)),
        Found::OtherGroup | Found::Foreign => Location::store(collection.store().name()),
    }
}

impl<E> Page<E> {
    fn add(&mut self, read: Result<E>) {
        match read {
            Ok(entity) => self.entities.push(entity),
            Err(error) => self.failed.push(error),
        }
    }
}
