//! Reads one page: pages of the store, until there are as many entities as were asked for.

use std::fmt;

use kv_store::__private::coop::{self, Hold};
use kv_store::key::Key;
use kv_store::record::{LentRecord, RecordRef};
use kv_store::store::{Content, Cursor, EntryRef, Store};
use kv_store::{Error, Location, Result};

use super::builder::{List, ListIds, PAGE};
use super::keys::{ListedKey, id_in, query};
use super::raw::{self, Anchor};
use super::secret;
use crate::collection::Collection;
use crate::entity::{GroupSchema, KvEntity};
use crate::small::{Instrument, apart};

/// One page of entities.
#[derive(Debug)]
#[non_exhaustive]
pub struct Page<E> {
    /// The entities, in the store's order.
    pub entities: Vec<E>,
    /// An error for each entity that exists and could not be read. They count towards the limit.
    pub failed: Vec<Error>,
    /// How many keys were skipped because they are not keys of this entity. A key whose id the
    /// current type cannot read is one of them.
    pub skipped: usize,
    /// The position at which the next page begins, or `None` at the end of the list.
    pub cursor: Option<Cursor>,
}

/// One page of ids.
#[non_exhaustive]
pub struct IdPage<I> {
    /// The ids, in the store's order.
    pub ids: Vec<I>,
    /// How many keys were skipped because they are not keys of this entity.
    pub skipped: usize,
    /// The position at which the next page begins, or `None` at the end of the list.
    pub cursor: Option<Cursor>,
}

impl<E: KvEntity, S: Store> List<E, S> {
    /// Returns the first page, or the one at the cursor.
    ///
    /// A page ends after [`limit`](Self::limit) entities, after [`max_bytes`](Self::max_bytes), or
    /// when the store has looked at about 100,000 keys that it does not show, such as those of
    /// expired records. So it may hold fewer entities than the limit, even none, although there are
    /// more: only [`Page::cursor`] tells. A page that takes long yields to other tasks every few
    /// milliseconds.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidCursor`] if the cursor is not of this list.
    /// - [`Error::InvalidOptions`] if the limit is 0, or if the cursor is the text of one over
    ///   secret ids and the [`Kv`](crate::Kv) has no cursor key.
    /// - The store's error if the store fails.
    pub async fn page(self) -> Result<Page<E>> {
        let span = self.span("list");
        async { entities(&self.collection, &self.prefix, self.asked()?).await }.instrument(span).await
    }

    fn asked(&self) -> Result<Asked> {
        let limit = self.limit.unwrap_or(PAGE);
        if limit == 0 {
            let what = "a page of no entities makes no progress; ask for at least one";
            return Err(Error::InvalidOptions { at: self.collection.at(&self.prefix), what: what.into() });
        }
        Ok(Asked { cursor: self.cursor.clone(), limit, max_bytes: self.max_bytes })
    }
}

impl<E: KvEntity, S: Store> ListIds<E, S> {
    /// Returns the first page, or the one at the cursor, as [`List::page`] does. Includes entities
    /// whose records are damaged.
    pub async fn page(self) -> Result<IdPage<E::Id>> {
        let List { collection, prefix, .. } = &self.0;
        let span = self.0.span("list_ids");
        async { ids(collection, prefix, self.0.asked()?).await }.instrument(span).await
    }
}

/// Shows the number of ids, and not the ids, because they may be secret.
impl<I> fmt::Debug for IdPage<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdPage")
            .field("ids", &self.ids.len())
            .field("skipped", &self.skipped)
            .field("cursor", &self.cursor)
            .finish()
    }
}

/// The parameters of a page.
struct Asked {
    cursor: Option<Cursor>,
    limit: usize,
    max_bytes: usize,
}

/// The maximum number of bytes of a page that has no entity yet.
const RESERVED: usize = 1 << 20;

/// A page ends after this many pages of the store, so that a page over keys that are not shown
/// ends, too. A page of the store without an entity counts twice: the stores in this process have
/// then looked at 16,384 keys.
const PASSES: usize = 12;

/// How much room a page has. It ends when any of these is used up.
struct Room {
    entities: usize,
    bytes: usize,
    /// The rest of [`PASSES`].
    passes: usize,
}

impl Room {
    fn new(asked: &Asked) -> Self {
        Self { entities: asked.limit, bytes: asked.max_bytes, passes: PASSES }
    }

    fn is_left(&self) -> bool {
        self.entities > 0 && self.bytes > 0 && self.passes > 0
    }

    /// Subtracts a page of the store with this many entities and bytes.
    fn take(&mut self, entities: usize, bytes: usize) {
        self.entities = self.entities.saturating_sub(entities);
        self.bytes = self.bytes.saturating_sub(bytes);
        if self.is_left() {
            self.passes = self.passes.saturating_sub(if entities == 0 { 2 } else { 1 });
        }
    }
}

async fn entities<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    prefix: &Key,
    asked: Asked,
) -> Result<Page<E>> {
    collection.check_foreign(prefix, true)?;
    let mut room = Room::new(&asked);
    let cursor = secret::stored(collection, prefix, asked.cursor)?;
    let mut page = Page { entities: Vec::new(), failed: Vec::new(), skipped: 0, cursor };
    // At once: growing as they come would move most of them again.
    page.entities.reserve(asked.limit.min(PAGE).min(RESERVED / size_of::<E>().max(1)));
    while room.is_left() {
        let before = page.len();
        let bytes = if E::SCHEMA.groups.len() == 1 {
            read_only_group(collection, prefix, &mut page, &room).await?
        } else {
            apart(read_groups(collection, prefix, &mut page, &room)).await?
        };
        room.take(page.len() - before, bytes);
        if page.cursor.is_none() {
            break;
        }
        if room.is_left() {
            coop::yield_now().await;
        }
    }
    if page.entities.len() < page.entities.capacity() / 2 {
        page.entities.shrink_to_fit();
    }
    page.cursor = secret::printable(collection, prefix, page.cursor);
    Ok(page)
}

async fn ids<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    prefix: &Key,
    asked: Asked,
) -> Result<IdPage<E::Id>> {
    collection.check_foreign(prefix, true)?;
    let mut room = Room::new(&asked);
    let cursor = secret::stored(collection, prefix, asked.cursor)?;
    let mut page = IdPage { ids: Vec::new(), skipped: 0, cursor };
    while room.is_left() {
        let query = query::<E>(prefix, page.cursor.take(), room.entities, Content::Keys);
        let before = page.ids.len();
        let mut bytes = 0;
        let each = |key: &str, _: EntryRef<'_>| {
            bytes += key.len();
            match id_in::<E>(key) {
                ListedKey::Entity(id) => page.ids.push(id),
                ListedKey::OtherGroup => {}
                ListedKey::Foreign => page.skipped += 1,
            }
        };
        let listed = collection.store().list(&query.with_max_bytes(room.bytes), each).await;
        page.cursor = listed.map_err(|error| error.of_entity(E::SCHEMA.name))?;
        room.take(page.ids.len() - before, bytes);
        if page.cursor.is_none() {
            break;
        }
        if room.is_left() {
            coop::yield_now().await;
        }
    }
    page.cursor = secret::printable(collection, prefix, page.cursor);
    Ok(page)
}

/// Reads entities of one group, and decodes them as the store shows them. Returns how many bytes
/// the store has shown.
async fn read_only_group<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    prefix: &Key,
    page: &mut Page<E>,
    room: &Room,
) -> Result<usize> {
    let query = query::<E>(prefix, page.cursor.take(), room.entities, Content::Records);
    let mut bytes = 0_usize;
    let each = |key: &str, entry: EntryRef<'_>| {
        bytes = bytes.saturating_add(key.len() + entry.value_len());
        let id = match id_in::<E>(key) {
            ListedKey::Entity(id) => id,
            ListedKey::OtherGroup => return,
            ListedKey::Foreign => {
                page.skipped += 1;
                return;
            }
        };
        match listed(collection, key, id, entry) {
            Some(Ok(entity)) => page.entities.push(entity),
            Some(Err(error)) => page.failed.push(*error),
            None => {}
        }
    };
    let listed = collection.store().list(&query.with_max_bytes(room.bytes), each).await;
    page.cursor = listed.map_err(|error| error.of_entity(E::SCHEMA.name))?;
    Ok(bytes)
}

/// Reads entities of several groups, with a batch for the other groups. Returns how many bytes were
/// read.
async fn read_groups<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    prefix: &Key,
    page: &mut Page<E>,
    room: &Room,
) -> Result<usize> {
    let mut hold = Hold::begin();
    let found = raw::page(collection, prefix, page.cursor.take(), room.entities, room.bytes).await?;
    page.cursor = found.cursor;
    page.skipped += found.skipped;
    page.failed.extend(found.failed);
    for anchor in found.anchors {
        let bytes = anchor.bytes();
        match whole(collection, anchor) {
            Ok(entity) => page.entities.push(entity),
            Err(error) => page.failed.push(error),
        }
        hold.yield_after(bytes).await;
    }
    Ok(found.bytes)
}

/// Returns the entity of a listed entry, or `None` if its value says that it has expired. The entity
/// stays in the result that it was decoded to, since every `?` and `map` would move it.
#[inline]
pub(super) fn listed<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    key: &str,
    id: E::Id,
    entry: EntryRef<'_>,
) -> Option<Result<E, Box<Error>>> {
    match entry {
        EntryRef::Record(record) if Collection::<E, S>::ADOPTS => adopted(collection, key, id, record),
        EntryRef::Record(record) => {
            Some(collection.decode_listed(id, record.as_ref(), &|_| at::<E, S>(collection, key)))
        }
        EntryRef::Failed(error) => Some(Err(Box::new(unread(collection, &id, error)))),
        // A list of records shows nothing else.
        _ => {
            let what = "the store has listed it without its value".into();
            Some(Err(Box::new(Error::Malformed { at: at::<E, S>(collection, key), what })))
        }
    }
}

/// Returns the entity of a record that another program may have written.
#[inline(never)]
fn adopted<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    key: &str,
    id: E::Id,
    record: LentRecord<'_>,
) -> Option<Result<E, Box<Error>>> {
    let mut record = record.to_record();
    match collection.adopt_only(&collection.key_of_id(&id), &mut record) {
        Ok(true) => {}
        Ok(false) => return None,
        Err(error) => return Some(Err(error.into())),
    }
    let locate = |_: &GroupSchema| at::<E, S>(collection, key);
    Some(collection.decode_listed(id, RecordRef::from(&record), &locate))
}

/// Returns the entity of several groups.
pub(super) fn whole<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    Anchor { key, id, records }: Anchor<E::Id>,
) -> Result<E> {
    let locate = |group: &GroupSchema| collection.at(&key.with_group(group.name));
    collection.decode_listed(id, records.as_slice(), &locate).map_err(|error| *error)
}

/// The store cannot tell which ids are secret, so it names the list's prefix alone.
fn unread<E: KvEntity, S: Store>(collection: &Collection<E, S>, id: &E::Id, error: Error) -> Error {
    error.with_location(collection.at(&collection.key_of_id(id)))
}

/// Returns the location of a listed record. Only errors need it, so the id is parsed from the key
/// again instead of being kept.
fn at<E: KvEntity, S: Store>(collection: &Collection<E, S>, key: &str) -> Box<Location> {
    match id_in::<E>(key) {
        ListedKey::Entity(id) => collection.at(&collection.key_of_id(&id)),
        ListedKey::OtherGroup | ListedKey::Foreign => {
            collection.located(Location::store(collection.info().name()))
        }
    }
}

impl<E> Page<E> {
    fn len(&self) -> usize {
        self.entities.len() + self.failed.len()
    }
}
