//! One page of anchors with the records of all their groups, before anything is decoded.

use super::page::{Found, id_in, query};
use crate::collection::Collection;
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
    /// Anchors that the store cannot read.
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
    let query = query::<E>(prefix, cursor, limit, Content::Records);
    let named = |error: Error| error.of_entity(E::SCHEMA.name());
    let found = collection.store().list(&query).await.map_err(named)?;
    let mut page =
        RawPage { anchors: Vec::new(), failed: Vec::new(), skipped: 0, cursor: found.cursor.clone() };
    found.for_each(|key, entry| match (id_in::<E>(key), entry) {
        (Found::Entity(id), Entry::Record(record)) => {
            let key = collection.key_of_id(&id);
            page.anchors.push(Anchor { key, id, records: vec![Some(record)] });
        }
        // The store cannot tell which ids are secret, so it names the list's prefix alone.
        (Found::Entity(id), Entry::Failed(error)) => {
            page.failed.push(error.moved_to(collection.at(&collection.key_of_id(&id))));
        }
        (Found::Entity(_), Entry::Key | Entry::Head(_)) | (Found::OtherGroup, _) => {}
        (Found::Foreign, _) => page.skipped += 1,
    });
    read_other_groups(collection, &mut page.anchors).await?;
    Ok(page)
}

/// Reads the groups behind the anchors with as few batches as the store takes.
async fn read_other_groups<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    anchors: &mut [Anchor<E::Id>],
) -> Result<()> {
    let others = E::SCHEMA.groups().get(1..).unwrap_or_default();
    if others.is_empty() {
        return Ok(());
    }
    let keys: Vec<Key> = anchors
        .iter()
        .flat_map(|anchor| others.iter().map(|group| anchor.key.with_group(group.name())))
        .collect();
    let batch = collection.store().capabilities().limits.batch_read.max(1);
    let mut rest = Vec::with_capacity(keys.len());
    for keys in keys.chunks(batch) {
        let records = collection.store().get_many(keys).await;
        rest.extend(records.map_err(|error| error.of_entity(E::SCHEMA.name()))?);
    }
    let mut rest = rest.into_iter();
    for anchor in anchors {
        anchor.records.extend(rest.by_ref().take(others.len()));
    }
    Ok(())
}
