//! The typed handle on all entities of one type in one store.
//!
//! The calls come first, in the order in which rustdoc shows them: it follows the order of modules.
//! The other modules are what the calls are made of: `adopt` (records of other programs), `encode` (an entity to records; `group` has the values), `decode`
//! (records to an entity), `rewrite` (what a change writes), `difference` (a change within the
//! stored text), `carry` (an older record's text at a newer version), `attempts` (fairness among
//! updates of one record, and the pauses between their attempts), `proof` (that what is stored will
//! be read back), `unfailing` (changes that cannot fail), `filled` (records that a cache filled),
//! `write_back` (records that were migrated while they were read), `indexed` (what a commit needs for
//! the entity's indexes), `parts` (what a transaction
//! takes of all that).

// get, exists
mod read;

// get_many, get_each
mod read_many;

// put, put_many
mod write;

// insert, update, try_update, upsert
mod change;

// delete, delete_many
mod delete;

mod touch;

// get_or
mod fallback;

// the same changes without compare-and-swap
mod last_write;

// keys and records, for commits of the application's own
mod raw;

mod adopt;
mod attempts;
mod behind;
mod carry;
mod changing;
mod decode;
mod difference;
mod encode;
#[cfg(feature = "cache")]
mod fill;
mod filled;
mod group;
pub(crate) mod indexed;
mod parts;
mod proof;
mod rewrite;
mod unfailing;
mod write_back;

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

#[cfg(all(feature = "cache", not(target_arch = "wasm32")))]
use kv_store::__private::Origin;
use kv_store::__private::learn;
use kv_store::key::{EntityId, Key, KeyBuilder, Lookup};
use kv_store::store::{Store, StoreInfo};
use kv_store::{Error, Location, Result};
use tracing::Span;

use crate::cursor_key::CursorKey;
use crate::entity::{GroupSchema, KvEntity, StoredIn};
use crate::kv::{KnownIndexes, Kv};
use crate::small::are_spans_taken;

pub(crate) use adopt::version_of;
pub use changing::{Changing, NotChanged};
pub(crate) use difference::GroupOf;
#[cfg(feature = "cache")]
pub(crate) use fallback::warn;
#[cfg(feature = "cache")]
pub(crate) use fill::BeforeFill;
#[cfg(feature = "cache")]
pub(crate) use last_write::Touched;
pub(crate) use last_write::learn_expiry;
pub(crate) use read::StoredEntity;
pub(crate) use unfailing::{always, once};
pub(crate) use write_back::Replacement;

/// The id of an entity in the form that calls take.
///
/// Numbers, `bool`, `char`, `Uuid` and enums are passed by value, text as `&str`, several ids as a
/// tuple: `(&str, u64)`. A newtype keeps its type: `UserId` around a number is passed by value, and
/// `OrgId` around text as `&OrgId`. So a number of another type needs a cast, and a `&String` is a
/// `&str` by deref coercion. [`EntityId::as_id_ref`] gives this form of an id that you own.
///
/// ```
/// # use kv_runtime::{Error, IdRef, Kv, KvEntity, KvId, store::MemoryStore};
/// use kv_runtime::key::EntityId;
///
/// #[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
/// struct OrgId(String);
///
/// #[derive(KvEntity)]
/// #[kv(prefix = "member")]
/// struct Member {
///     #[kv(id)]
///     org: OrgId,
///     #[kv(id)]
///     user: u64,
///     role: String,
/// }
///
/// /// An id is passed on as it came.
/// async fn role(kv: &Kv<MemoryStore>, id: IdRef<'_, Member>) -> Result<Option<String>, Error> {
///     Ok(kv.collection::<Member>().get(id).await?.map(|member| member.role))
/// }
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let kv = Kv::new(MemoryStore::new());
/// let acme = OrgId("acme".to_owned());
/// let ada = Member { org: acme.clone(), user: 7, role: "owner".to_owned() };
/// kv.collection::<Member>().put(&ada).await?;
/// assert_eq!(role(&kv, (&acme, 7)).await?.as_deref(), Some("owner"));
/// assert_eq!(role(&kv, ada.id().as_id_ref()).await?.as_deref(), Some("owner"));
/// # Ok::<(), Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type IdRef<'a, E> = <<E as KvEntity>::Id as EntityId>::Ref<'a>;

/// The typed handle on all entities of one type in one store. Cheap to clone.
///
/// | reads | returns |
/// | --- | --- |
/// | [`get`](Self::get) | the entity, or `None` |
/// | [`get_many`](Self::get_many), [`get_each`](Self::get_each) | one answer for each id |
/// | [`list`](Self::list) | pages or a stream of all entities |
/// | [`exists`](Self::exists) | whether the entity is stored |
/// | [`get_or`](Self::get_or), [`get_or_detailed`](Self::get_or_detailed) | the entity or a fallback; never fails |
///
/// | writes | what it does |
/// | --- | --- |
/// | [`put`](Self::put), [`put_many`](Self::put_many) | replaces the record without reading it |
/// | [`insert`](Self::insert) ᴬ | writes a new entity |
/// | [`update`](Self::update), [`try_update`](Self::try_update) ᴬ | changes an existing entity |
/// | [`upsert`](Self::upsert) ᴬ | changes an existing entity, or writes a new one |
/// | [`delete`](Self::delete), [`delete_many`](Self::delete_many) | removes all groups |
/// | [`touch`](Self::touch) ᴬ | gives the record its full TTL again |
/// | [`update_last_write_wins`](Self::update_last_write_wins) and the like | the same on stores without compare-and-swap |
///
/// | others | what it does |
/// | --- | --- |
/// | [`with_ttl`](Self::with_ttl), [`with_touch_interval`](Self::with_touch_interval) | settings of a handle |
/// | [`cached`](Self::cached) | puts memory in front (feature `cache`) |
/// | [`census`](Self::census), [`migrate_all`](Self::migrate_all) | versions of all records |
/// | [`migrate_keys`](Self::migrate_keys) | moves all entities to other keys |
/// | [`key`](Self::key), [`records_of`](Self::records_of), ... | keys and records, for commits of your own |
///
/// ᴬ needs compare-and-swap: an [`AtomicStore`](crate::store::AtomicStore). It does not compile on
/// another store. The rest works on every [`Store`].
///
/// [The guide](crate::guide::calls) says what each call promises, and how to pass an id.
///
/// # Groups
///
/// An entity of several groups is read with one batch. If the store can write several keys at once
/// ([`Capabilities::atomic_batches`](crate::store::Capabilities)), the entity is written and
/// deleted at once. Otherwise its first group is written last and deleted first, so that a
/// half-written entity is not seen.
///
/// # Spans
///
/// Every operation is a `tracing` span `kv` at debug level with `operation`, `entity`, `store` and
/// `key`, in which a secret id is a hash. A span is made only if a subscriber takes it: a logger
/// that tracing's feature `log` serves sees none.
pub struct Collection<E, S> {
    pub(crate) kv: Kv<S>,
    ttl: Option<Duration>,
    touch_interval: Duration,
    entity: PhantomData<fn() -> E>,
}

impl<S: Store> Kv<S> {
    /// Returns the collection of all entities of one type.
    ///
    /// It does not compile for an entity with indexes on a store that cannot keep them
    /// ([`StoredIn`](crate::index::StoredIn)).
    #[must_use]
    pub fn collection<E: KvEntity + StoredIn<S>>(&self) -> Collection<E, S> {
        Collection::new(self.clone())
    }
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    pub(crate) fn new(kv: Kv<S>) -> Self {
        for group in E::SCHEMA.groups {
            learn(E::SCHEMA.prefix, E::SCHEMA.ids, group.name);
        }
        Self { kv, ttl: None, touch_interval: Duration::ZERO, entity: PhantomData }
    }

    /// Returns the same collection with another TTL for its writes.
    ///
    /// `put`, `insert` and `touch` give records this TTL instead of the entity's. `update` gives it
    /// as well; otherwise it keeps the remaining time. An `expires_at` field that is set takes
    /// precedence. A record that is written with a TTL of zero has expired at once, so the write
    /// deletes what was there.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "session", ttl = "30m")]
    /// # struct Session { #[kv(id)] token: String }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// # let sessions = Kv::new(MemoryStore::new()).collection::<Session>();
    /// let session = Session { token: "abc-def".to_owned() };
    /// sessions.with_ttl(Duration::from_secs(30 * 24 * 3_600)).put(&session).await?; // "remember me"
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_ttl(&self, ttl: Duration) -> Self {
        Self { ttl: Some(ttl), ..self.clone() }
    }

    /// Returns the same collection, whose [`touch`](Self::touch) skips a record that was extended
    /// less than `interval` ago. So a session that slides with each request does not cost a write
    /// for each request.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity, Clone, Debug, PartialEq)]
    /// # #[kv(prefix = "session", ttl = "30m")]
    /// # struct Session {
    /// #     #[kv(id)]
    /// #     token: String,
    /// #     user: u64,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let sessions = Kv::new(MemoryStore::new()).collection::<Session>();
    /// let sessions = sessions.with_touch_interval(std::time::Duration::from_secs(300));
    /// sessions.put(&Session { token: "t-123".to_owned(), user: 7 }).await?;
    /// assert!(sessions.touch("t-123").await?); // it exists; nothing is written so soon
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_touch_interval(&self, interval: Duration) -> Self {
        Self { touch_interval: interval, ..self.clone() }
    }

    /// Returns the store of the collection.
    #[must_use]
    pub fn store(&self) -> &S {
        self.kv.store()
    }

    /// What the store is.
    pub(crate) fn info(&self) -> &StoreInfo {
        self.kv.store().info()
    }

    pub(crate) fn known_indexes(&self) -> &KnownIndexes {
        self.kv.indexes()
    }

    pub(crate) fn cursor_key(&self) -> Option<&CursorKey> {
        self.kv.cursor_key()
    }

    pub(crate) fn key_for<L: Lookup<E::Id>>(&self, id: &L) -> Key {
        let mut key = KeyBuilder::new(E::SCHEMA.prefix, E::SCHEMA.ids);
        id.write(&mut key);
        key.finish(anchor::<E>().name)
    }

    /// Both before a call's future begins, so that it does not borrow what the id is made of.
    pub(crate) fn key_and_id(&self, id: IdRef<'_, E>) -> (Key, E::Id) {
        (self.key_for(&id), id.into_id())
    }

    fn key_of(&self, entity: &E) -> Key {
        let mut key = KeyBuilder::new(E::SCHEMA.prefix, E::SCHEMA.ids);
        entity.write_id(&mut key);
        key.finish(anchor::<E>().name)
    }

    pub(crate) fn key_of_id(&self, id: &E::Id) -> Key {
        let mut key = KeyBuilder::new(E::SCHEMA.prefix, E::SCHEMA.ids);
        EntityId::write(id, &mut key);
        key.finish(anchor::<E>().name)
    }

    /// The collection of a cache, which does not hear what is written through it.
    #[cfg(all(feature = "cache", not(target_arch = "wasm32")))]
    pub(crate) fn with_origin(&self, origin: Origin) -> Self {
        Self { kv: self.kv.clone().with_origin(origin), ..self.clone() }
    }

    /// Where a record lies, for an error.
    pub(crate) fn at(&self, key: &Key) -> Box<Location> {
        self.located(Location::of(self.info().name(), key))
    }

    /// The place as far as the collection and its store know it.
    pub(crate) fn located(&self, mut at: Box<Location>) -> Box<Location> {
        at.entity = Some(E::SCHEMA.name);
        self.store().info().locate(&mut at);
        at
    }

    /// Waits, so that a call that goes through all entities keeps to its rate.
    pub(crate) async fn pause(&self, duration: Duration) -> Result<()> {
        let sleep = self.info().clock().timer().sleep(duration).map_err(|source| {
            let at = self.located(Location::store(self.info().name()));
            Error::NoTimer { at, source }
        })?;
        sleep.await;
        Ok(())
    }

    /// How many entities go into a batch of so many records: one in any case, as its groups are
    /// never parted.
    pub(crate) fn entities_in(records: usize) -> usize {
        (records / E::SCHEMA.groups.len()).max(1)
    }

    fn span(&self, operation: &'static str, key: &Key) -> Span {
        span(operation, E::SCHEMA.name, self.info().name(), key)
    }

    /// A span of many entities shows how many, where it is known.
    fn span_many<T>(&self, operation: &'static str, of: &impl Iterator<Item = T>) -> Span {
        if !are_spans_taken() {
            return Span::none();
        }
        let (least, most) = of.size_hint();
        let entities = most.filter(|most| *most == least);
        tracing::debug_span!("kv", operation, entity = E::SCHEMA.name, store = self.info().name(), entities)
    }
}

/// Not generic, so that there is one call site, and one copy of its code.
pub(crate) fn span(operation: &'static str, entity: &'static str, store: &'static str, key: &Key) -> Span {
    if !are_spans_taken() {
        return Span::none();
    }
    tracing::debug_span!("kv", operation, entity, store, key = %key)
}

/// The group that decides whether an entity exists.
fn anchor<E: KvEntity>() -> &'static GroupSchema {
    E::SCHEMA.groups.first().unwrap_or(const { &GroupSchema::new(None, 1, crate::Codec::Json) })
}

/// The keys of all groups of an entity, from its anchor's.
fn keys_of_groups<E: KvEntity>(anchor: &Key) -> impl Iterator<Item = Key> {
    E::SCHEMA.groups.iter().map(|group| anchor.with_group(group.name))
}

/// Names the entity in a store's error.
fn named<E: KvEntity>(error: Error) -> Error {
    error.of_entity(E::SCHEMA.name)
}

impl<E, S> Clone for Collection<E, S> {
    fn clone(&self) -> Self {
        Self { kv: self.kv.clone(), ttl: self.ttl, touch_interval: self.touch_interval, entity: PhantomData }
    }
}

impl<E: KvEntity, S: Store> fmt::Debug for Collection<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection")
            .field("entity", &E::SCHEMA.name)
            .field("store", &self.info().name())
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}
