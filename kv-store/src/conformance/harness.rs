//! What an implementor passes to the suite: stores and a way to let time pass.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::clock::Clock;
use crate::error::Result;
use crate::key::Key;
use crate::manual_clock::ManualClock;
use crate::maybe_send::{MaybeSend, MaybeSync};
use crate::store::{AtomicStore, IndexStore, Store};
use crate::timestamp::Timestamp;

/// Creates the stores that the suite tests, and lets time pass for them.
///
/// Use [`ManualHarness`] for a store that takes a [`Clock`]. The harness of a server gives each
/// store another namespace, and sleeps in `pass`.
pub trait Harness: MaybeSync {
    /// The store under test.
    type Store: Store;

    /// Creates an empty store that nothing else writes to. Every test creates one.
    fn store(&self) -> impl Future<Output = Result<Self::Store>> + MaybeSend;

    /// Lets at least this much time pass for every store that was created.
    fn pass(&self, time: Duration) -> impl Future<Output = ()> + MaybeSend;

    /// Waits until every write is visible. Only called for a store with
    /// [`Sharing::Eventual`](crate::store::Sharing::Eventual).
    fn settle(&self) -> impl Future<Output = ()> + MaybeSend {
        async {}
    }

    /// Returns the TTL that the tests use. Some of them `pass` three times as much, and make a few
    /// calls in half of it. The suite uses the store's minimum TTL instead if that is longer.
    fn ttl(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// Returns the maximum number of records in a batch. Without it the tests use the store's
    /// limit, up to 10,000. Lower it if the test environment is much slower than the real store.
    fn largest_batch(&self) -> usize {
        10_000
    }

    /// Creates a store that already holds these records, as another program or a fault would have
    /// written them. If it returns `None`, the suite skips the tests of such records.
    fn store_holding(
        &self,
        records: &[(Key, Foreign)],
    ) -> impl Future<Output = Result<Option<Self::Store>>> + MaybeSend {
        let _ = records;
        async { Ok(None) }
    }
}

/// A harness of stores that can commit. It saves the tests a second bound.
pub(super) trait AtomicHarness: Harness<Store: AtomicStore> {}

impl<H: Harness<Store: AtomicStore>> AtomicHarness for H {}

/// A harness of stores that keep indexes.
pub(super) trait IndexHarness: Harness<Store: IndexStore> {}

impl<H: Harness<Store: IndexStore>> IndexHarness for H {}

/// A record that this library did not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreign {
    /// This value, with neither envelope nor metadata.
    Plain(&'static [u8]),
    /// Bytes that cannot be read as a record, such as a truncated envelope.
    Damaged,
}

/// A harness for stores that live in this process and take a [`Clock`].
///
/// ```
/// # extern crate kv_runtime_store as kv_runtime;
/// use kv_runtime::conformance::ManualHarness;
/// use kv_runtime::store::MemoryStore;
///
/// let harness = ManualHarness::new(|clock| Ok(MemoryStore::with_clock(clock)));
/// ```
pub struct ManualHarness<F> {
    clock: ManualClock,
    make: F,
}

/// Times of the tests are around this one, in November 2025.
const START: Timestamp = Timestamp::from_millis(1_763_900_000_000);

impl<S: Store, F: Fn(Clock) -> Result<S>> ManualHarness<F> {
    /// Returns a harness that creates each store with `make`. It must return an empty store that
    /// uses the given clock.
    pub fn new(make: F) -> Self {
        Self { clock: ManualClock::new(START), make }
    }
}

impl<S: Store, F: Fn(Clock) -> Result<S> + MaybeSync> Harness for ManualHarness<F> {
    type Store = S;

    async fn store(&self) -> Result<S> {
        (self.make)(Clock::from(&self.clock))
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }
}

impl<F> fmt::Debug for ManualHarness<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualHarness").field("clock", &self.clock).finish_non_exhaustive()
    }
}
