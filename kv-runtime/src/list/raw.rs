//! One page of anchors with the records of all their groups, before anything is decoded.

use super::page::{Found, id_in, query};
use crate::collection::{Collection, LEFT_OUT};
use crate::entity::KvEntity;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::record::Record;
use crate::store::{Content, Cursor, Entry, Store};

/// An entity as it lies in the store.
pub(crate) struct Anchor<I> {
    pub(crate) key: Key,
    pub(crate) id: I,
    /// The records of its groups, in the schema's order.
    pub(crate) records: Vec<Option<Record>>,
}

pub(crate) struct RawPage<I> {
    pub(crate) anchors: Vec<Anchor<I>>,
    /// Entities that the store cannot read.
    pub(crate) failed: Vec<Error>,
    pub(crate) skipped: usize,
    pub(crate) cursor: Option<Cursor>,
}

/// At most `limit` entities; fewer, even none, although there are more: the cursor tells.
pub(crate) async fn page<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    prefix: &Key,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<RawPage<E::Id>> {
    // The anchors of several groups are read again, with the others at one moment: a page and a later batch do not belong together.
    let is_whole = E::SCHEMA.groups().len() == 1;
    let content = if is_whole { Content::Records } else { Content::Keys };
    let query = query::<E>(prefix, cursor, limit, content);
    let named = |error: Error| error.of_entity(E::SCHEMA.name());
    let found = collection.store().list(&query).await.map_err(named)?;
    let mut page =
        RawPage { anchors: Vec::new(), failed: Vec::new(), skipped: 0, cursor: found.cursor.clone() };
    found.for_each(|key, entry| match (id_in::<E>(key), entry) {
        // The store cannot tell which ids are secret, so it names the list's prefix alone.
        (Found::Entity(id), Entry::Failed(error)) => {
            page.failed.push(error.moved_to(collection.at(&collection.key_of_id(&id))));
        }
        (Found::Entity(id), entry) => {
            let key = collection.key_of_id(&id);
            let records = match entry {
                Entry::Record(record) if is_whole => vec![Some(record)],
                _ => Vec::new(),
            };
            page.anchors.push(Anchor { key, id, records });
        }
        (Found::OtherGroup, _) => {}
        (Found::Foreign, _) => page.skipped += 1,
    });
    if !is_whole {
        read_groups(collection, &mut page).await?;
    }
    // Of an entity that was deleted in between there is nothing to show.
    page.anchors.retain(|anchor| matches!(anchor.records.first(), Some(Some(_))));
    Ok(page)
}

/// Reads all groups of the anchors with as few batches as the store takes. A batch that meets a record that cannot be read is halved until
/// that one is alone, so that the others are shown.
async fn read_groups<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    page: &mut RawPage<E::Id>,
) -> Result<()> {
    let groups = E::SCHEMA.groups().len();
    let batch = Collection::<E, S>::entities_in(collection.store().capabilities().limits.batch_read);
    let mut batches: Vec<_> = page.anchors.chunks_mut(batch).rev().collect();
    while let Some(anchors) = batches.pop() {
        let keys: Vec<Key> = anchors.iter().map(|anchor| anchor.key.clone()).collect();
        match collection.records::<LEFT_OUT>(&keys).await {
            Ok(records) => {
                let mut records = records.into_iter();
                for anchor in anchors {
                    anchor.records.extend(records.by_ref().take(groups));
                }
            }
            Err(error) if error.is_of_a_record() && anchors.len() > 1 => {
                let (first, second) = anchors.split_at_mut(anchors.len() / 2);
                batches.extend([second, first]);
            }
            Err(error) if error.is_of_a_record() => page.failed.push(error),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
