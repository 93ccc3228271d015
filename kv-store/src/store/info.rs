//! What a store is, and what the calls of this process on it share.

use std::fmt;
use std::sync::Arc;

use super::capabilities::{Capabilities, Sharing};
use super::fair_queue::FairQueue;
use super::settle::{AfterAWhile, Mark, Settle};
use super::write_hub::WriteHub;
use crate::clock::Clock;
use crate::error::Location;
use crate::key::Key;

/// What a store is: its name, its clock, what it can do, and its limits.
///
/// A store makes one when it is opened and returns it from [`Store::info`](super::Store::info). A
/// wrapper returns that of the store inside, or a changed clone of it.
///
/// ```
/// # extern crate kv_runtime_store as kv_runtime;
/// use kv_runtime::Clock;
/// use kv_runtime::store::{Capabilities, Sharing, StoreInfo};
///
/// let info = StoreInfo::new("dir", Capabilities::new(Sharing::Shared)).with_clock(Clock::system());
/// assert_eq!((info.name(), info.namespace()), ("dir", None));
/// ```
#[derive(Clone)]
pub struct StoreInfo {
    name: &'static str,
    clock: Clock,
    capabilities: Capabilities,
    namespace: Option<Arc<str>>,
    fair_queue: FairQueue,
    write_hub: WriteHub,
    settling: Settling,
}

#[derive(Clone)]
enum Settling {
    AfterAWhile,
    AtOnce,
    Own(Arc<dyn Settle + Send + Sync>),
}

impl StoreInfo {
    /// Returns what a store of this name is. It has the system's clock, no namespace, a new
    /// fair queue and a new write hub, which its clones share.
    #[must_use]
    pub fn new(name: &'static str, capabilities: Capabilities) -> Self {
        Self {
            name,
            clock: Clock::system(),
            capabilities,
            namespace: None,
            fair_queue: FairQueue::new(),
            write_hub: WriteHub::new(),
            settling: Settling::AfterAWhile,
        }
    }

    /// Sets the clock that decides when records expire.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets what the store can do, and its limits.
    #[must_use]
    pub const fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Sets the queue in which updates of one record wait for each other, in the place of one of its
    /// own: for a store that is one engine with another.
    #[must_use]
    pub fn with_fair_queue(mut self, queue: FairQueue) -> Self {
        self.fair_queue = queue;
        self
    }

    /// Sets the hub through which caches hear of writes, instead of a new one: for a store that
    /// shares its engine with another store, or a wrapper whose writes the others must not hear.
    #[must_use]
    pub fn with_write_hub(mut self, hub: WriteHub) -> Self {
        self.write_hub = hub;
        self
    }

    /// Says that a call takes place when it is polled, or never: marks settle at once.
    #[must_use]
    pub fn settling_at_once(mut self) -> Self {
        self.settling = Settling::AtOnce;
        self
    }

    /// Sets what tells when earlier calls are over, in the place of [`SETTLES_AFTER`](super::SETTLES_AFTER).
    #[must_use]
    pub fn settling_by(mut self, settle: impl Settle + Send + Sync + 'static) -> Self {
        self.settling = Settling::Own(Arc::new(settle));
        self
    }

    /// Returns what a part of this store is: the keys that begin with `prefix`, for a tenant of this
    /// name.
    #[must_use]
    pub fn within(mut self, name: &str, prefix: &str) -> Self {
        let outer = self.namespace.take().map(|outer| format!("{outer}:")).unwrap_or_default();
        self.namespace = Some(Arc::from(outer + name));
        self.fair_queue = self.fair_queue.within(prefix);
        self.write_hub = self.write_hub.within(prefix);
        self
    }

    /// Returns the store's name for errors and spans, such as `redb`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the clock that decides when records expire. Collections also take the timestamps in
    /// a record's metadata from it.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns what the store can do, and its limits.
    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Returns the name of the part of the engine that this is, if it is one.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Returns who else can write to the store.
    #[must_use]
    pub const fn sharing(&self) -> Sharing {
        self.capabilities.sharing
    }

    /// Returns the queue in which updates of one record wait for each other in this process.
    #[must_use]
    pub const fn fair_queue(&self) -> &FairQueue {
        &self.fair_queue
    }

    /// Returns the hub through which caches hear of the writes of this process.
    #[must_use]
    pub const fn write_hub(&self) -> &WriteHub {
        &self.write_hub
    }

    /// Returns the location of a record of this store, or of the store alone, for an error that its
    /// caller makes.
    #[must_use]
    pub fn at(&self, key: Option<&Key>) -> Box<Location> {
        key.map_or_else(|| Location::store(self.name), |key| Location::of(self.name, key))
    }

    /// Adds what only the store knows to the location of an error that did not come from it.
    pub fn locate(&self, at: &mut Location) {
        if let Some(namespace) = &self.namespace {
            at.namespace = Some(String::from(&**namespace));
        }
    }

    /// Returns a mark that [settles](Self::has_settled) once no earlier call can change a record
    /// any more. Earlier calls include those whose futures were dropped, and those that failed with
    /// [`Error::OutcomeUnknown`](crate::Error::OutcomeUnknown). A cache holds nothing that it read
    /// before.
    #[must_use]
    pub fn mark(&self) -> Mark {
        match &self.settling {
            Settling::AfterAWhile => AfterAWhile(&self.clock).mark(),
            Settling::AtOnce => Mark::new(0),
            Settling::Own(settle) => settle.mark(),
        }
    }

    /// Returns whether a mark of this store has settled.
    #[must_use]
    pub fn has_settled(&self, mark: Mark) -> bool {
        match &self.settling {
            Settling::AfterAWhile => AfterAWhile(&self.clock).has_settled(mark),
            Settling::AtOnce => true,
            Settling::Own(settle) => settle.has_settled(mark),
        }
    }
}

impl fmt::Debug for StoreInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreInfo")
            .field("name", &self.name)
            .field("namespace", &self.namespace)
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}
