//! What an implementor gives the suite: stores, and time.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::clock::{Clock, ManualClock, Timestamp};
use crate::error::Result;
use crate::key::Key;
use crate::maybe_send::{MaybeSend, MaybeSync};
use crate::store::{AtomicStore, Store};

/// Makes the stores that the suite tests, and lets time pass for them.
///
/// For a store that takes a [`Clock`] there is [`ManualHarness`]. One for a server gives each store a namespace of its own and
/// sleeps in `pass`.
pub trait Harness: MaybeSync {
    /// The store under test.
    type Store: Store;

    /// A store that holds nothing, and that nothing else writes to. Every test asks for one.
    fn store(&self) -> impl Future<Output = Result<Self::Store>> + MaybeSend;

    /// Lets at least so much time pass for every store that was made.
    fn pass(&self, time: Duration) -> impl Future<Output = ()> + MaybeSend;

    /// Waits until every write is seen. Called for a store of [`Sharing::Eventual`](crate::store::Sharing::Eventual) alone.
    fn settle(&self) -> impl Future<Output = ()> + MaybeSend {
        async {}
    }

    /// The TTL of the tests: some of them `pass` three times as much, and make a few calls in half of it. The suite takes the
    /// store's least TTL instead if that is longer.
    fn ttl(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// The most records of one batch of the tests, which otherwise try what the store's limits allow, up to 10,000. For a store whose
    /// test bed is much slower than the store.
    fn largest_batch(&self) -> usize {
        10_000
    }

    /// A store in which something else wrote these records, as another program or a fault would. The tests of such records are
    /// skipped if there is no way to make one.
    fn store_holding(
        &self,
        records: &[(Key, Foreign)],
    ) -> impl Future<Output = Result<Option<Self::Store>>> + MaybeSend {
        let _ = records;
        async { Ok(None) }
    }
}

/// A harness of stores that can commit: one bound instead of two on every test.
pub(super) trait AtomicHarness: Harness<Store: AtomicStore> {}

impl<H: Harness<Store: AtomicStore>> AtomicHarness for H {}

/// A record that this library did not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreign {
    /// This value, with neither envelope nor metadata.
    Plain(&'static [u8]),
    /// Something that cannot be read as a record, such as an envelope that is cut short.
    Damaged,
}

/// The harness of stores that live in this process and take a [`Clock`].
///
/// ```
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
    /// A harness whose stores are made by this function, each with the clock that it is given and empty.
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
