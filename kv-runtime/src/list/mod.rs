//! Lists: all entities of a collection, or those within the first ids, page by page or as a stream.

mod awaited;
mod page;
pub(crate) mod raw;
pub(crate) mod secret;
mod stream;

use std::fmt;

use kv_store::key::{Key, KeyBuilder, Within};
use kv_store::store::{Cursor, ListQuery, Store, StoreExt};
use kv_store::{Error, Result};
use tracing::Instrument;

use crate::collection::{Collection, span};
use crate::entity::KvEntity;
use page::Asked;

pub use stream::{IdStream, ListStream};

/// How many entities a page holds by default, and how many a stream fetches at a time.
const PAGE: usize = 1_000;

/// A list of entities, which [`Collection::list`] returns. Read it by [`page`](Self::page) or
/// [`stream`](Self::stream).
///
/// It returns the entities whose first group is there. If the store has an order, it is that of the
/// bytes of whole keys: `user:a-b:profile` before `user:a:profile`, and `user:10` before `user:9`.
/// With `#[kv(id, ordered)]` it is the order of numbers. Keys that are not canonical, or not of
/// this entity, are skipped and counted. An unreadable record is returned as an error, and the list
/// goes on. A list writes nothing.
///
/// An entity of several groups is read as [`Collection::get_many`] reads it: at one moment, if the
/// store can. The page as a whole is not of one moment: a record that is written while the page is
/// read may be on it or not.
///
/// ```
/// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
/// # #[derive(KvEntity)]
/// # #[kv(prefix = "member")]
/// # struct Member {
/// #     #[kv(id)]
/// #     org: String,
/// #     #[kv(id)]
/// #     user: u64,
/// #     role: String,
/// # }
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let members = Kv::new(MemoryStore::new()).collection::<Member>();
/// # for user in 1..=3 {
/// #     members.put(&Member { org: "acme".to_owned(), user, role: "guest".to_owned() }).await?;
/// # }
/// let page = members.list().within("acme").limit(2).page().await?;
/// assert_eq!(page.entities.len(), 2);
/// let rest = members.list().within("acme").limit(2).cursor(page.cursor).page().await?;
/// assert_eq!((rest.entities.len(), rest.cursor), (1, None));
///
/// let mut all = members.list().stream();
/// while let Some(member) = all.next().await {
///     assert_eq!(member?.org, "acme");
/// }
/// # Ok::<(), kv_runtime::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a list does nothing until its `page` or `stream` is asked for"]
pub struct List<E, S> {
    collection: Collection<E, S>,
    prefix: Key,
    limit: Option<usize>,
    max_bytes: usize,
    cursor: Option<Cursor>,
}

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
    pub(crate) fn new(collection: Collection<E, S>) -> Self {
        let prefix = KeyBuilder::new(E::SCHEMA.prefix(), E::SCHEMA.ids()).finish_prefix();
        Self { collection, prefix, limit: None, max_bytes: ListQuery::MAX_BYTES, cursor: None }
    }

    /// Lists only entities whose id begins with these: `within("acme")`, `within(("acme", 7))`.
    /// Replaces an earlier `within`.
    pub fn within<D, W: Within<E::Id, D>>(mut self, ids: W) -> Self {
        let mut prefix = KeyBuilder::new(E::SCHEMA.prefix(), E::SCHEMA.ids());
        ids.write(&mut prefix);
        self.prefix = prefix.finish_prefix();
        self
    }

    /// Sets the maximum number of entities: of a page, which otherwise holds up to 1,000, or of a
    /// whole stream, which otherwise returns all. A stream with a limit of 0 ends at once. A page
    /// with a limit of 0 is [`Error::InvalidOptions`], because it has no next page.
    pub fn limit(mut self, entities: usize) -> Self {
        self.limit = Some(entities);
        self
    }

    /// Ends a page once its stored keys and values have this many bytes, instead of 4 MiB. A stream
    /// fetches as much at a time, and holds no more in memory. A page holds at least one entity,
    /// however large it is.
    ///
    /// Entities of several groups are read in batches, because no store knows how large they are.
    /// On a store that other processes share, a page may be larger by the first batch, which is 16
    /// entities.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes.max(1);
        self
    }

    /// Begins after an earlier page of the same list. With `None` it begins at the start.
    pub fn cursor(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.cursor = cursor.into();
        self
    }

    /// Returns a list of ids. It reads no value.
    pub fn ids(self) -> ListIds<E, S> {
        ListIds(self)
    }

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
        async { page::entities(&self.collection, &self.prefix, self.asked()?).await }.instrument(span).await
    }

    /// Returns all entities from the cursor on, fetched page by page: memory does not grow with
    /// their number or size.
    ///
    /// An entity that cannot be read is an `Err` and the stream goes on; if the store fails, that
    /// error is the last item. The stream yields to other tasks after each page.
    #[must_use]
    pub fn stream(self) -> ListStream<E> {
        stream::entities(self)
    }

    fn asked(&self) -> Result<Asked> {
        let limit = self.limit.unwrap_or(PAGE);
        if limit == 0 {
            let what = "a page of no entities leads nowhere; ask for at least one";
            return Err(Error::InvalidOptions { at: self.collection.at(&self.prefix), what: what.into() });
        }
        Ok(Asked { cursor: self.cursor.clone(), limit, max_bytes: self.max_bytes })
    }

    fn span(&self, operation: &'static str) -> tracing::Span {
        span(operation, E::SCHEMA.name(), self.collection.store().name(), &self.prefix)
    }
}

/// A list of ids, which [`List::ids`] returns.
#[must_use = "a list does nothing until its `page` or `stream` is asked for"]
pub struct ListIds<E, S>(List<E, S>);

impl<E: KvEntity, S: Store> ListIds<E, S> {
    /// Returns the first page, or the one at the cursor, as [`List::page`] does. Includes entities
    /// whose records are damaged.
    pub async fn page(self) -> Result<IdPage<E::Id>> {
        let List { collection, prefix, .. } = &self.0;
        let span = self.0.span("list_ids");
        async { page::ids(collection, prefix, self.0.asked()?).await }.instrument(span).await
    }

    /// Returns all ids from the cursor on, as [`List::stream`] does.
    #[must_use]
    pub fn stream(self) -> IdStream<E::Id> {
        stream::ids(self.0)
    }
}

impl<E, S> Clone for List<E, S> {
    fn clone(&self) -> Self {
        let Self { collection, prefix, limit, max_bytes, cursor } = self;
        Self {
            collection: collection.clone(),
            prefix: prefix.clone(),
            limit: *limit,
            max_bytes: *max_bytes,
            cursor: cursor.clone(),
        }
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

impl<E, S> fmt::Debug for List<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List")
            .field("prefix", &self.prefix)
            .field("limit", &self.limit)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}

impl<E, S> fmt::Debug for ListIds<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ListIds").field(&self.0).finish()
    }
}
