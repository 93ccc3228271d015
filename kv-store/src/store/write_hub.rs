//! Who hears of the writes that this process makes through an engine's handle: the caches on it.
//!
//! A write is two events. It *begins* before it is sent, with all its keys, and it *ends* with its
//! outcome. Between the two, a cache holds nothing that it reads under these keys. A write that is
//! dropped ends, too: its outcome is unknown.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use futures_util::future::join_all;

use crate::error::Error;
use crate::key::Key;
use crate::maybe_send::BoxFuture;

/// The hub through which all caches on an engine's handle hear of the writes of this process.
///
/// Each engine has one in its [`StoreInfo`](super::StoreInfo::write_hub), which its clones and its
/// wrappers return, too. One that changes keys returns it [`within`](Self::within) its prefix.
///
/// Collections, transactions, caches, sessions and backfills announce their writes here. The methods
/// of a [`Store`](super::Store) do not: after calling them, call [`gap`](Self::gap), or invalidate
/// the ids in each cache.
#[derive(Clone, Default)]
pub struct WriteHub {
    listeners: Arc<Listeners>,
    /// What the engine's keys have before the keys of this handle.
    namespace: Option<Arc<str>>,
}

#[derive(Default)]
struct Listeners {
    /// Who there is, so that a write that nobody hears takes no lock: [`NOBODY`], the number of the
    /// only one, or [`SEVERAL`].
    who: AtomicU64,
    /// How many there ever were.
    numbers: AtomicU64,
    all: RwLock<Vec<Registered>>,
}

const NOBODY: u64 = 0;
const SEVERAL: u64 = u64::MAX;

struct Registered {
    number: NonZeroU64,
    namespace: Option<Arc<str>>,
    /// What the keys begin with that concern it, in its namespace.
    prefix: &'static str,
    listener: Weak<dyn Listener>,
}

/// Holds what a write may change.
///
/// `Send` on wasm32, too: the handle on a store there must not lose it.
#[doc(hidden)]
pub trait Listener: Send + Sync {
    /// Notes that a write begins of the entity whose keys start with this part. Returns `None` if it
    /// does not concern the listener.
    fn begin(self: Arc<Self>, entity_part: &str, kind: WriteKind) -> Option<Box<dyn HeardWrite>>;

    /// Records may have changed of which no event tells.
    fn gap(&self);
}

/// A write that a listener has noted. If this is dropped, the outcome of the write is unknown.
#[doc(hidden)]
pub trait HeardWrite: Send {
    /// Waits until nothing that began before can undo the write, if there is anything to wait for.
    fn ready(&mut self) -> Option<BoxFuture<'_, ()>>;

    fn end(self: Box<Self>, outcome: WriteOutcome<'_>);
}

/// What a write does.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    /// It replaces or removes a value.
    Change,
    /// It lets a record expire later, and changes nothing else.
    Touch,
    /// It replaces a value for a read: the fill of a cache, or a record that was migrated. It must
    /// not wait for the fills of others, which may be waiting for it.
    Fill,
}

/// How a write ended.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum WriteOutcome<'a> {
    Done,
    /// It was made, and reads may not see it yet.
    Deferred,
    /// A condition did not hold, so nothing was written.
    Conflict,
    Failed(&'a Error),
}

/// The listener that makes a write. It does not hear that write.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin(NonZeroU64);

/// The place of a listener. If this is dropped, it hears nothing any more.
#[doc(hidden)]
pub struct Listening {
    listeners: Arc<Listeners>,
    number: NonZeroU64,
}

/// One write of a batch or commit, as all who are concerned have noted it. If this is dropped, the
/// outcome is unknown.
#[doc(hidden)]
#[must_use]
pub struct HeardWrites(Vec<Box<dyn HeardWrite>>);

impl WriteHub {
    /// Returns a hub that nobody hears.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the same hub, for a store whose keys are the engine's behind this prefix.
    #[must_use]
    pub fn within(&self, prefix: &str) -> Self {
        let namespace = self.namespace.as_deref().unwrap_or_default().to_owned() + prefix;
        Self { listeners: Arc::clone(&self.listeners), namespace: Some(namespace.into()) }
    }

    /// Makes all caches on the engine's handle, in all namespaces, forget what they hold: entities,
    /// known absences, and what they are just reading.
    ///
    /// Call it after writes that the hub does not hear: those by the methods of a
    /// [`Store`](super::Store), a restored backup, or a failover that lost acknowledged writes. The
    /// library never calls it, because none of its calls changes a record unheard. A cache notices what
    /// other processes write, or what a server loses, when the TTL of its entries is over. A store does
    /// not empty the caches when a connection breaks: all loads would go to the origin at once.
    pub fn gap(&self) {
        let all = self.listeners.all.read().unwrap_or_else(PoisonError::into_inner);
        let listeners: Vec<_> = all.iter().filter_map(|it| it.listener.upgrade()).collect();
        // What they forget is the application's to drop, which must not happen under the lock.
        drop(all);
        for listener in listeners {
            listener.gap();
        }
    }

    /// Adds a listener that is concerned by keys with this prefix.
    #[doc(hidden)]
    #[must_use]
    pub fn listen(&self, prefix: &'static str, listener: Weak<dyn Listener>) -> Listening {
        let number = self.listeners.numbers.fetch_add(1, Ordering::Relaxed);
        let number = NonZeroU64::MIN.saturating_add(number);
        let registered = Registered { number, namespace: self.namespace.clone(), prefix, listener };
        let mut all = self.listeners.all.write().unwrap_or_else(PoisonError::into_inner);
        all.push(registered);
        self.listeners.count(&all);
        drop(all);
        Listening { listeners: Arc::clone(&self.listeners), number }
    }

    /// Whether nobody but the origin hears.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn is_silent(&self, origin: Option<Origin>) -> bool {
        let who = self.listeners.who.load(Ordering::Acquire);
        who == NOBODY || origin.is_some_and(|origin| origin.0.get() == who)
    }

    /// Tells everybody who is concerned that these records are about to be written, and waits until
    /// nothing that began before can undo it.
    #[doc(hidden)]
    pub async fn begin<'k>(
        &self,
        writes: impl Iterator<Item = (&'k Key, WriteKind)>,
        origin: Option<Origin>,
    ) -> HeardWrites {
        let mut heard = HeardWrites(Vec::new());
        for (listener, entity_part, kind) in self.concerned(writes, origin) {
            heard.0.extend(listener.begin(&entity_part, kind));
        }
        heard.ready().await;
        heard
    }

    /// Returns who is concerned, and by which entity. A listener's code must not run under the lock.
    fn concerned<'k>(
        &self,
        writes: impl Iterator<Item = (&'k Key, WriteKind)>,
        origin: Option<Origin>,
    ) -> Vec<(Arc<dyn Listener>, Cow<'k, str>, WriteKind)> {
        let entities = entities(writes);
        let mut concerned = Vec::new();
        let all = self.listeners.all.read().unwrap_or_else(PoisonError::into_inner);
        for registered in all.iter().filter(|it| origin != Some(Origin(it.number))) {
            for (entity_part, kind) in &entities {
                if let Some(entity_part) = registered.name(self.namespace.as_deref(), entity_part)
                    && let Some(listener) = registered.listener.upgrade()
                {
                    concerned.push((listener, entity_part, *kind));
                }
            }
        }
        concerned
    }
}

impl Listeners {
    fn count(&self, all: &[Registered]) {
        let who = match all {
            [] => NOBODY,
            [only] => only.number.get(),
            _ => SEVERAL,
        };
        self.who.store(who, Ordering::Release);
    }
}

impl Registered {
    /// Returns the entity's part of a key as the listener names it, if it may concern it.
    fn name<'k>(&self, namespace: Option<&str>, entity_part: &'k str) -> Option<Cow<'k, str>> {
        let name = if self.namespace.as_deref() == namespace {
            Cow::Borrowed(entity_part)
        } else {
            let engine = namespace.unwrap_or_default().to_owned() + entity_part;
            Cow::Owned(engine.strip_prefix(self.namespace.as_deref().unwrap_or_default())?.to_owned())
        };
        name.starts_with(self.prefix).then_some(name)
    }
}

/// Returns the entities of these keys. The groups of one follow each other, and are one write.
fn entities<'k>(writes: impl Iterator<Item = (&'k Key, WriteKind)>) -> Vec<(&'k str, WriteKind)> {
    let mut entities: Vec<(&str, WriteKind)> = Vec::new();
    for (key, kind) in writes {
        match entities.last_mut() {
            Some((last, known)) if *last == key.entity_part() => {
                if *known == WriteKind::Touch {
                    *known = kind;
                }
            }
            _ => entities.push((key.entity_part(), kind)),
        }
    }
    entities
}

impl HeardWrites {
    async fn ready(&mut self) {
        let waits: Vec<_> = self.0.iter_mut().filter_map(|write| write.ready()).collect();
        if !waits.is_empty() {
            // Side by side: each may take as long as a fill.
            join_all(waits).await;
        }
    }

    /// Tells everybody how the write ended.
    pub fn end(self, outcome: WriteOutcome<'_>) {
        self.0.into_iter().for_each(|write| write.end(outcome));
    }
}

impl Listening {
    /// Returns what the listener's own writes are made with.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        Origin(self.number)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut all = self.listeners.all.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|registered| registered.number != self.number);
        self.listeners.count(&all);
    }
}

/// Shows how many listen, and for no key.
impl fmt::Debug for WriteHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listeners = self.listeners.all.read().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("WriteHub").field("listeners", &listeners).finish_non_exhaustive()
    }
}
