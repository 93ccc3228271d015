//! What a list is to return: within which ids, how much, and from where on.

use std::fmt;

use kv_store::key::{Key, KeyBuilder, Within};
use kv_store::store::{Cursor, ListQuery, Store};

use crate::collection::{Collection, span};
use crate::entity::KvEntity;

/// How many entities a page holds by default, and how many a stream fetches at a time.
pub(super) const PAGE: usize = 1_000;

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
#[must_use = "a list does nothing until `page` or `stream` is called"]
pub struct List<E, S> {
    pub(super) collection: Collection<E, S>,
    pub(super) prefix: Key,
    pub(super) limit: Option<usize>,
    pub(super) max_bytes: usize,
    pub(super) cursor: Option<Cursor>,
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns a list of all entities, to be read as pages or as a stream.
    ///
    /// Nothing is read before [`List::page`] or [`List::stream`]. A list can be limited to
    /// [leading ids](List::within), and return [ids alone](List::ids).
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity, Clone, Debug, PartialEq)]
    /// # #[kv(prefix = "user")]
    /// # struct User {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     name: String,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let users = Kv::new(MemoryStore::new()).collection::<User>();
    /// for id in 1..=3 {
    ///     users.put(&User { id, name: format!("user {id}") }).await?;
    /// }
    /// let page = users.list().limit(2).page().await?;
    /// assert_eq!(page.entities.len(), 2);
    /// let rest = users.list().cursor(page.cursor).page().await?;
    /// assert_eq!(rest.entities[0].id, 3);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn list(&self) -> List<E, S> {
        List::new(self.clone())
    }
}

impl<E: KvEntity, S: Store> List<E, S> {
    fn new(collection: Collection<E, S>) -> Self {
        let prefix = KeyBuilder::new(E::SCHEMA.prefix, E::SCHEMA.ids).finish_prefix();
        Self { collection, prefix, limit: None, max_bytes: ListQuery::MAX_BYTES, cursor: None }
    }

    /// Lists only entities whose id begins with these: `within("acme")`, `within(("acme", 7))`.
    /// Replaces an earlier `within`.
    pub fn within<D, W: Within<E::Id, D>>(mut self, ids: W) -> Self {
        let mut prefix = KeyBuilder::new(E::SCHEMA.prefix, E::SCHEMA.ids);
        ids.write(&mut prefix);
        self.prefix = prefix.finish_prefix();
        self
    }

    /// Sets the maximum number of entities: of a page, which otherwise holds up to 1,000, or of a
    /// whole stream, which otherwise returns all. A stream with a limit of 0 ends at once. A page
    /// with a limit of 0 is [`Error::InvalidOptions`], because it has no next page.
    ///
    /// [`Error::InvalidOptions`]: crate::Error::InvalidOptions
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

    pub(super) fn span(&self, operation: &'static str) -> tracing::Span {
        span(operation, E::SCHEMA.name, self.collection.info().name(), &self.prefix)
    }
}

/// A list of ids, which [`List::ids`] returns.
#[must_use = "a list does nothing until `page` or `stream` is called"]
pub struct ListIds<E, S>(pub(super) List<E, S>);

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
