//! What a cache in front of a collection promises.

mod background;
mod basics;
mod clocks;
mod counters;
mod expiry_of_groups;
mod faults;
mod filled;
mod heard;
mod identity;
mod last_write;
mod many;
mod model;
mod progress;
mod races;
mod recursion;
mod shared;
mod stampede;
mod transactions;
mod unsettled;
mod writers;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kv_runtime::cache::Cache;
use kv_runtime::layer::FaultStore;
use kv_runtime::store::MemoryStore;
use kv_runtime::{Clock, Kv, KvEntity, ManualClock, Timestamp};

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A moment to begin at.
pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_secs(60);

/// What is cached.
#[derive(KvEntity, Debug, Clone, PartialEq, Default)]
#[kv(prefix = "user")]
pub struct User {
    #[kv(id)]
    pub id: u64,
    pub name: String,
    pub visits: u64,
}

impl User {
    pub fn new(id: u64, name: &str) -> Self {
        Self { id, name: name.to_owned(), visits: 0 }
    }
}

/// A store of faults over one in memory.
pub type Store = FaultStore<MemoryStore>;

pub fn kv() -> (Kv<Store>, ManualClock) {
    let clock = ManualClock::new(START);
    (Kv::new(FaultStore::new(MemoryStore::with_clock(Clock::from(&clock)))), clock)
}

/// A handle on the same engine, as another process has it.
pub fn elsewhere<S: kv_runtime::store::Store + Clone>(kv: &Kv<S>) -> Kv<FaultStore<S>> {
    Kv::new(FaultStore::new(kv.store().clone()).in_another_process())
}

/// A minute in memory, five in the store, and nothing at random.
pub fn exact<E>() -> Cache<E> {
    Cache::new().memory_ttl(MINUTE).store_ttl(5 * MINUTE).jitter(0.0)
}

/// Drives a future on this thread, with no runtime about it.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut work = std::pin::pin!(work);
    loop {
        if let std::task::Poll::Ready(done) = work.as_mut().poll(&mut std::task::Context::from_waker(&waker))
        {
            return done;
        }
        std::thread::park();
    }
}

/// Polls a call once, and no more: its caller does something else, and keeps it.
pub fn parked<T>(call: impl Future<Output = T> + Send + 'static) -> Pin<Box<dyn Future<Output = T> + Send>> {
    let mut call = Box::pin(call);
    let polled = call.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    assert!(polled.is_pending(), "the call has ended at once");
    call
}

/// What a call gives, or a panic if it does not end.
pub async fn ends<T>(call: impl Future<Output = T>) -> T {
    tokio::time::timeout(10 * SECOND, call).await.expect("the call ends")
}

/// Counts how often an origin is asked.
#[derive(Clone, Default)]
pub struct Calls(Arc<AtomicUsize>);

impl Calls {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub fn note(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// A loader that gives this user and is counted.
    pub fn give(
        &self,
        user: User,
    ) -> impl FnOnce() -> std::future::Ready<Result<User, std::io::Error>> + Send + 'static {
        let calls = self.clone();
        move || {
            calls.note();
            std::future::ready(Ok(user))
        }
    }
}
