//! One page of anchors with the records of all their groups, before anything is decoded.

use kv_store::__private::coop::Hold;
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{Content, Cursor, EntryRef, GetOptions, ListQuery, Sharing, Store};
use kv_store::{Error, Result};

use super::keys::{ListedKey, id_in, query};
use crate::collection::Collection;
use crate::entity::KvEntity;

/// The stored form of an entity: the key and record of its anchor.
pub(crate) struct Anchor<I> {
    pub(crate) key: Key,
    pub(crate) id: I,
    /// The records of its groups, in the schema's order.
    pub(crate) records: Vec<Option<Record>>,
}

impl<I> Anchor<I> {
    /// About how many bytes its keys and values have.
    pub(crate) fn bytes(&self) -> usize {
        self.records.iter().flatten().map(|record| self.key.len() + record.value.len()).sum()
    }
}

pub(crate) struct RawPage<I> {
    pub(crate) anchors: Vec<Anchor<I>>,
    /// Entities that the store cannot read.
    pub(crate) failed: Vec<Error>,
    pub(crate) skipped: usize,
    /// How many bytes of keys and values were read.
    pub(crate) bytes: usize,
    pub(crate) cursor: Option<Cursor>,
}

/// Reads at most `limit` entities, ending with the one at which they have `max_bytes`. There may be
/// fewer, even none, although the list goes on: the cursor says so.
pub(crate) async fn page<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    prefix: &Key,
    cursor: Option<Cursor>,
    limit: usize,
    max_bytes: usize,
) -> Result<RawPage<E::Id>> {
    collection.check_foreign(prefix, true)?;
    let mut page = RawPage { anchors: Vec::new(), failed: Vec::new(), skipped: 0, bytes: 0, cursor };
    // The anchors of several groups are read again, with the others at one moment: a page and a
    // later batch do not belong together.
    if E::SCHEMA.groups.len() == 1 {
        let query = query::<E>(prefix, page.cursor.take(), limit, Content::Records);
        list(collection, &query.with_max_bytes(max_bytes), &mut page).await?;
        return Ok(page);
    }
    let mut pace = Pace::new(collection.info().capabilities().sharing);
    let mut hold = Hold::begin();
    loop {
        let asked = pace.next(limit.saturating_sub(page.len()), max_bytes.saturating_sub(page.bytes));
        let (first, bytes) = (page.anchors.len(), page.bytes);
        let query = query::<E>(prefix, page.cursor.take(), asked, Content::Keys);
        let is_full = list(collection, &query, &mut page).await? == asked;
        read_groups(collection, &mut page, first).await?;
        pace.saw(page.anchors.get(first..).unwrap_or_default().iter().map(Anchor::bytes));
        let is_done = page.len() >= limit || page.bytes >= max_bytes;
        // A page that is not full has passed over many keys: whether to go on is for the caller to
        // say.
        if is_done || !is_full || page.cursor.is_none() {
            return Ok(page);
        }
        hold.yield_after(page.bytes - bytes).await;
    }
}

/// Adds a page of the store, and returns how many entries it had.
async fn list<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    query: &ListQuery,
    page: &mut RawPage<E::Id>,
) -> Result<usize> {
    let mut entries = 0;
    let each = |key: &str, entry: EntryRef<'_>| {
        entries += 1;
        match (id_in::<E>(key), entry) {
            // The store cannot tell which ids are secret, so it names the list's prefix alone.
            (ListedKey::Entity(id), EntryRef::Failed(error)) => {
                page.failed.push(error.with_location(collection.at(&collection.key_of_id(&id))));
            }
            (ListedKey::Entity(id), entry) => {
                let key = collection.key_of_id(&id);
                let records = match entry {
                    EntryRef::Record(record) => {
                        let mut record = record.to_record();
                        match collection.adopt_only(&key, &mut record) {
                            Ok(true) => vec![Some(record)],
                            Ok(false) => return,
                            Err(error) => {
                                page.failed.push(error);
                                return;
                            }
                        }
                    }
                    _ => Vec::new(),
                };
                let anchor = Anchor { key, id, records };
                page.bytes = page.bytes.saturating_add(anchor.bytes());
                page.anchors.push(anchor);
            }
            (ListedKey::OtherGroup, _) => {}
            (ListedKey::Foreign, _) => page.skipped += 1,
        }
    };
    let listed = collection.store().list(query, each).await;
    page.cursor = listed.map_err(|error| error.of_entity(E::SCHEMA.name))?;
    Ok(entries)
}

impl<I> RawPage<I> {
    fn len(&self) -> usize {
        self.anchors.len() + self.failed.len()
    }
}

/// How many entities of several groups are read at a time. No store knows how large an entity is
/// before it is read, so the size of the first few decides.
pub(crate) struct Pace {
    next: usize,
    /// The bytes of the largest one so far.
    largest: usize,
}

/// The size of the first batch if each batch costs a round trip.
const FIRST_BATCH: usize = 16;

/// How much larger each batch may be than the one before.
const GROWTH: usize = 8;

impl Pace {
    pub(crate) fn new(sharing: Sharing) -> Self {
        let next = if sharing == Sharing::Exclusive { 1 } else { FIRST_BATCH };
        Self { next, largest: 0 }
    }

    /// The pace where the largest entity of earlier calls had so many bytes, if there was one.
    pub(crate) fn knowing(sharing: Sharing, largest: usize) -> Self {
        if largest == 0 { Self::new(sharing) } else { Self { next: usize::MAX, largest } }
    }

    /// Returns the bytes of the largest entity so far.
    pub(crate) const fn largest(&self) -> usize {
        self.largest
    }

    pub(crate) fn next(&self, entities: usize, bytes: usize) -> usize {
        let with_room = (bytes / self.largest.max(1)).max(1);
        self.next.min(with_room).min(entities)
    }

    /// Notes how many bytes each of some entities has.
    pub(crate) fn saw(&mut self, sizes: impl Iterator<Item = usize>) {
        self.largest = sizes.fold(self.largest, usize::max);
        self.next = self.next.saturating_mul(GROWTH);
    }
}

/// Reads all groups of the anchors from `first` on, in as few batches as the store allows. A batch
/// that fails because of an unreadable record is halved until that record is alone, so that the
/// others are returned.
async fn read_groups<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    page: &mut RawPage<E::Id>,
    first: usize,
) -> Result<()> {
    let groups = E::SCHEMA.groups.len();
    let batch = Collection::<E, S>::entities_in(collection.info().capabilities().limits.batch_read);
    let unread = page.anchors.get_mut(first..).unwrap_or_default();
    let mut batches: Vec<_> = unread.chunks_mut(batch).rev().collect();
    while let Some(anchors) = batches.pop() {
        let keys: Vec<Key> = anchors.iter().map(|anchor| anchor.key.clone()).collect();
        match collection.records(&keys, GetOptions::new()).await {
            Ok(records) => {
                let mut records = records.into_iter();
                for anchor in anchors {
                    anchor.records.extend(records.by_ref().take(groups));
                    page.bytes = page.bytes.saturating_add(anchor.bytes());
                }
            }
            Err(error) if error.is_of_a_read() && anchors.len() > 1 => {
                let (first, second) = anchors.split_at_mut(anchors.len() / 2);
                batches.extend([second, first]);
            }
            Err(error) if error.is_of_a_read() => page.failed.push(error),
            Err(error) => return Err(error),
        }
    }
    // Of an entity that was deleted in between there is nothing to show.
    let mut count = 0;
    page.anchors.retain(|anchor| {
        count += 1;
        count <= first || matches!(anchor.records.first(), Some(Some(_)))
    });
    Ok(())
}
