//! The typed handle on all entities of one type in one store.
//!
//! `read` (get, get_many, exists), `write` (put, delete and their many), `change` (insert, update,
//! try_update, upsert, touch, which need compare-and-swap), `last_write` (the same without it),
//! `rewrite` (what a change writes), `difference` (a change within the stored text), `carry` (an
//! older record's text at a newer version), `encode` (an entity to records), `decode` (records to
//! an entity), `attempts` (fairness among updates of one record, and the pauses between their
//! attempts), `raw` (keys and records, for commits of the application's own), `proof` (that what is
//! stored will be read back), `unfailing` (changes that never give up), `write_back` (what was
//! migrated while it was read).

mod attempts;
mod carry;
mod change;
mod decode;
mod difference;
mod encode;
mod fallback;
#[cfg(feature = "cache")]
mod fill;
mod filled;
mod last_write;
mod proof;
mod raw;
mod read;
mod rewrite;
mod unfailing;
mod write;
mod write_back;

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Span};

use crate::entity::{GroupSchema, KvEntity};
use crate::error::{Error, Location};
use crate::key::{EntityId, Key, KeyBuilder, Lookup};
use crate::kv::Kv;
use crate::list::List;
use crate::list::secret::CursorKey;
use crate::store::Store;

use decode::{Context, Records, decode, decode_present};
pub(crate) use difference::Place;
#[cfg(feature = "cache")]
pub(crate) use fallback::warn;
#[cfg(feature = "cache")]
pub(crate) use fill::Standing;
#[cfg(feature = "cache")]
pub(crate) use last_write::Touched;
pub(crate) use last_write::learn_expiry;
pub(crate) use read::{Found, LEFT_OUT, TOLD};
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

/// The typed handle on all entities of one type in one store. Cheap to clone, and it outlives nothing: it holds the store.
///
/// Reads and unconditional writes work on every [`Store`]; what changes a record on a condition needs an
/// [`AtomicStore`](crate::store::AtomicStore), and does not compile on another.
///
/// An entity of several groups is read with one batch. Where the store can write several keys at once
/// ([`Capabilities::atomic_batches`](crate::store::Capabilities)), it is written and deleted at once; elsewhere its anchor is written
/// last and deleted first, so that a half-written entity is not seen as a whole one.
///
/// Every operation is a `tracing` span `kv` at debug level with `operation`, `entity`, `store` and `key`, a secret id as a hash. It is made
/// for a subscriber alone: a logger that tracing's feature `log` serves sees none.
pub struct Collection<E, S> {
    kv: Kv<S>,
    ttl: Option<Duration>,
    touch_interval: Duration,
    entity: PhantomData<fn() -> E>,
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    pub(crate) fn new(kv: Kv<S>) -> Self {
        crate::key::learn(E::SCHEMA);
        Self { kv, ttl: None, touch_interval: Duration::ZERO, entity: PhantomData }
    }

    /// The same collection, whose writes give records this TTL instead of the entity's: `put`,
    /// `insert` and `touch` (which never shortens a longer one), and `update`, which otherwise
    /// keeps the remaining time. An `expires_at` field that is set goes before it. What is written
    /// with a TTL of zero has expired at once, and what stood there is gone.
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

    /// The same collection, whose `touch` leaves a record alone that was extended less than `interval` ago: a sliding session is
    /// then not one write per request.
    #[must_use]
    pub fn with_touch_interval(&self, interval: Duration) -> Self {
        Self { touch_interval: interval, ..self.clone() }
    }

    /// All entities, page by page or as a stream.
    pub fn list(&self) -> List<E, S> {
        List::new(self.clone())
    }

    /// The store that the collection lives in.
    #[must_use]
    pub fn store(&self) -> &S {
        self.kv.store()
    }

    pub(crate) fn cursor_key(&self) -> Option<&CursorKey> {
        self.kv.cursor_key()
    }

    pub(crate) fn key_for<L: Lookup<E::Id>>(&self, id: &L) -> Key {
        let mut key = KeyBuilder::new(E::SCHEMA.prefix(), E::SCHEMA.ids());
        id.write(&mut key);
        key.finish(anchor::<E>().name())
    }

    /// Both before a call's future begins, so that it does not borrow what the id is made of.
    fn key_and_id(&self, id: IdRef<'_, E>) -> (Key, E::Id) {
        (self.key_for(&id), id.into_id())
    }

    fn key_of(&self, entity: &E) -> Key {
        let mut key = KeyBuilder::new(E::SCHEMA.prefix(), E::SCHEMA.ids());
        entity.write_id(&mut key);
        key.finish(anchor::<E>().name())
    }

    pub(crate) fn key_of_id(&self, id: &E::Id) -> Key {
        let mut key = KeyBuilder::new(E::SCHEMA.prefix(), E::SCHEMA.ids());
        EntityId::write(id, &mut key);
        key.finish(anchor::<E>().name())
    }

    /// Where a record lies, for an error.
    pub(crate) fn at(&self, key: &Key) -> Box<Location> {
        self.located(Location::of(self.store().name(), key))
    }

    /// The place as far as the collection and its store know it.
    pub(crate) fn located(&self, mut at: Box<Location>) -> Box<Location> {
        at.entity = Some(E::SCHEMA.name());
        self.store().locate(&mut at);
        at
    }

    /// How many entities go into a batch of so many records: one in any case, as its groups are never parted.
    pub(crate) fn entities_in(records: usize) -> usize {
        (records / groups::<E>().len()).max(1)
    }

    fn span(&self, operation: &'static str, key: &Key) -> Span {
        span(operation, E::SCHEMA.name(), self.store().name(), key)
    }

    /// A span of many entities shows how many, where it is known.
    fn span_many<T>(&self, operation: &'static str, of: &impl Iterator<Item = T>) -> Span {
        if !are_spans_taken() {
            return Span::none();
        }
        let (least, most) = of.size_hint();
        let entities = most.filter(|most| *most == least);
        tracing::debug_span!(
            "kv",
            operation,
            entity = E::SCHEMA.name(),
            store = self.store().name(),
            entities
        )
    }
}

/// Not generic, so that there is one call site, and one copy of its code.
pub(crate) fn span(operation: &'static str, entity: &'static str, store: &'static str, key: &Key) -> Span {
    if !are_spans_taken() {
        return Span::none();
    }
    tracing::debug_span!("kv", operation, entity, store, key = %key)
}

/// Whether there may be a subscriber for the spans. Where a dependency turns on tracing's feature `log`, a span that nobody takes is
/// made all the same, formatted for a logger, and costs a twentieth of a read from memory.
fn are_spans_taken() -> bool {
    Level::DEBUG <= LevelFilter::current()
}

/// The group that decides whether an entity exists.
fn anchor<E: KvEntity>() -> &'static GroupSchema {
    groups::<E>().first().unwrap_or(const { &GroupSchema::new(None, 1, crate::Codec::Json) })
}

fn groups<E: KvEntity>() -> &'static [GroupSchema] {
    const { E::SCHEMA.groups() }
}

/// The keys of all groups of an entity, from its anchor's.
fn keys_of_groups<E: KvEntity>(anchor: &Key) -> impl Iterator<Item = Key> {
    groups::<E>().iter().map(|group| anchor.with_group(group.name()))
}

/// Names the entity in a store's error.
fn named<E: KvEntity>(error: Error) -> Error {
    error.of_entity(E::SCHEMA.name())
}

impl<E, S> Clone for Collection<E, S> {
    fn clone(&self) -> Self {
        Self { kv: self.kv.clone(), ttl: self.ttl, touch_interval: self.touch_interval, entity: PhantomData }
    }
}

impl<E: KvEntity, S: Store> fmt::Debug for Collection<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection")
            .field("entity", &E::SCHEMA.name())
            .field("store", &self.store().name())
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}
