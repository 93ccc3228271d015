//! Fairness among the updates of one record in this process, and among its transactions (`places`).
//!
//! By compare-and-swap alone a slow task may lose to faster ones again and again. So an update that
//! has lost a race queues up, and one that begins while others queue for its record joins them.
//! Only the first of a queue tries. The number of attempts then stays bounded, however many tasks
//! there are. An update without rivals takes no lock.
//!
//! A turn is a hint. Its owner may not be polled for a long time, and its store may never answer.
//! So nobody waits for it without end: an update that has waited too long for the first of the
//! queue removes it, and goes on. Compare-and-swap keeps every update right without turns, also
//! against other processes.

mod places;
#[cfg(test)]
mod places_tests;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::task::AtomicWaker;

use crate::key::Key;
use crate::timer::Timer;
use places::Places;

pub use places::Place;

/// How long the first of a queue may be woken and not polled, before it counts as stalled; and how
/// long a store may take for it. An update that waits looks that often, and less often the longer
/// it waits.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LONGEST_LOOK: Duration = Duration::from_millis(40);
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// The queue of a store, in which updates of one record wait for each other in this process.
///
/// Each engine has one in its [`StoreInfo`](super::StoreInfo::fair_queue), which its wrappers return,
/// too. One that changes keys returns it [`within`](Self::within) its prefix.
///
/// It is a matter of speed and fairness alone. Updates are right without it, since each is a
/// compare-and-swap.
#[derive(Clone, Default)]
pub struct FairQueue {
    lines: Arc<Lines>,
    /// What the engine's keys have before the keys that this handle is asked with.
    prefix: Option<Arc<str>>,
}

#[derive(Default)]
struct Lines {
    /// How many tickets there are, so that an update without rivals need not lock.
    tickets: AtomicUsize,
    /// The number of the next ticket. None is given twice, so that a late owner takes nobody else's
    /// out.
    next: AtomicU64,
    by_key: Mutex<HashMap<Box<str>, Line>>,
    /// When the attempts of transactions begin.
    places: Arc<Places>,
}

/// Those who queue for one record, the first one first.
type Line = VecDeque<Ticket>;

struct Ticket {
    number: u64,
    /// Whom to wake when it becomes the first.
    waker: Option<Waker>,
    presence: Arc<Presence>,
}

/// A place in the queue of a record. The first has the turn, until this is dropped or others have
/// waited too long for it.
pub struct Turn {
    lines: Arc<Lines>,
    key: Box<str>,
    number: u64,
    presence: Arc<Presence>,
}

impl FairQueue {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same queue, for a store whose keys are the engine's behind this prefix.
    #[must_use]
    pub fn within(&self, prefix: &str) -> Self {
        let prefix = self.prefix.as_deref().unwrap_or_default().to_owned() + prefix;
        Self { lines: Arc::clone(&self.lines), prefix: Some(prefix.into()) }
    }

    /// Whether anybody queues, for whatever record.
    #[doc(hidden)]
    pub fn is_contended(&self) -> bool {
        self.lines.tickets.load(Ordering::Relaxed) != 0
    }

    /// Queues up if others queue for this record.
    #[doc(hidden)]
    pub async fn turn_if_contended(&self, key: &Key, timer: &Timer) -> Option<Turn> {
        let key = self.engine_key(key);
        if !self.lines.lock().contains_key(&key) {
            return None;
        }
        Some(self.lines.turn(key, timer).await)
    }

    /// Queues up.
    #[doc(hidden)]
    pub async fn turn(&self, key: &Key, timer: &Timer) -> Turn {
        self.lines.turn(self.engine_key(key), timer).await
    }

    /// Takes a place for a transaction that has lost a race, and that writes and reads these records.
    #[doc(hidden)]
    pub fn place<'k>(
        &self,
        written: impl Iterator<Item = &'k Key>,
        read: impl Iterator<Item = &'k Key>,
    ) -> Place {
        let engine_key = |key: &Key| self.engine_key(key).into();
        self.lines.places.take(written.map(engine_key), read.map(engine_key))
    }

    /// Adds records to a place. Returns false if others have waited too long for it, and it is gone.
    #[doc(hidden)]
    #[must_use]
    pub fn extend_place<'k>(
        &self,
        place: &Place,
        written: impl Iterator<Item = &'k Key>,
        read: impl Iterator<Item = &'k Key>,
    ) -> bool {
        let engine_key = |key: &Key| self.engine_key(key).into();
        place.extend(written.map(engine_key), read.map(engine_key))
    }

    /// Takes a place behind those transactions that have lost a race and write these records, if
    /// there are any. Nobody waits for this one.
    #[doc(hidden)]
    pub fn place_if_written<'k>(&self, keys: impl Iterator<Item = &'k Key>) -> Option<Place> {
        if !self.lines.places.are_taken() {
            return None;
        }
        self.lines.places.take_if_written(keys.map(|key| self.engine_key(key).into()))
    }

    /// Notes how long an attempt of a transaction took that was committed.
    #[doc(hidden)]
    pub fn note_attempt(&self, took: Duration) {
        self.lines.places.note_attempt(took);
    }

    fn engine_key(&self, key: &Key) -> Box<str> {
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let mut engine_key = String::with_capacity(prefix.len() + key.len());
        engine_key.push_str(prefix);
        engine_key.push_str(key.as_str());
        engine_key.into_boxed_str()
    }
}

impl Lines {
    async fn turn(self: &Arc<Self>, key: Box<str>, timer: &Timer) -> Turn {
        let turn = self.join(key);
        turn.wait(timer).await;
        turn
    }

    fn join(self: &Arc<Self>, key: Box<str>) -> Turn {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let presence = Arc::<Presence>::default();
        let ticket = Ticket { number, waker: None, presence: Arc::clone(&presence) };
        self.lock().entry(key.clone()).or_default().push_back(ticket);
        self.tickets.fetch_add(1, Ordering::Relaxed);
        Turn { lines: Arc::clone(self), key, number, presence }
    }

    /// Takes a ticket out of its line. If it was the first, the next one is woken.
    fn remove(&self, key: &str, number: u64) {
        let mut by_key = self.lock();
        let Some(line) = by_key.get_mut(key) else { return };
        let Some(index) = line.iter().position(|ticket| ticket.number == number) else { return };
        let removed = line.remove(index);
        self.tickets.fetch_sub(1, Ordering::Relaxed);
        let next = if index == 0 { line.front_mut().and_then(Ticket::woken) } else { None };
        if line.is_empty() {
            by_key.remove(key);
        }
        // Wakers are the executor's code, which must not run under the lock.
        drop(by_key);
        drop(removed);
        if let Some(next) = next {
            next.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Line>> {
        // Nothing panics while it is locked but the allocator, which aborts.
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Whether it still has a place in the queue. It loses that if others have waited too long for
    /// it.
    pub fn is_held(&self) -> bool {
        self.lines.lock().get(&self.key).is_some_and(|line| has(line, self.number))
    }

    /// Polls what the owner of the turn waits for, and notes when that wakes it and it is not
    /// polled.
    pub fn poll<T>(&self, work: Pin<&mut impl Future<Output = T>>, context: &Context<'_>) -> Poll<T> {
        self.presence.poll(context);
        work.poll(&mut Context::from_waker(&Waker::from(Arc::clone(&self.presence))))
    }

    /// Waits until it is the first, or until the first has kept it waiting for too long.
    async fn wait(&self, timer: &Timer) {
        let (mut known, mut look, mut waited) = (None, FIRST_LOOK, Duration::ZERO);
        while let Some((first, presence)) = self.first_before() {
            if known != Some(first) {
                (known, look, waited) = (Some(first), FIRST_LOOK, Duration::ZERO);
            }
            let absence = presence.absence();
            let moved = pin!(poll_fn(|context| self.poll_moved(first, context)));
            if let Either::Left(_) = select(moved, timer.pause(look)).await {
                continue;
            }
            waited += look;
            look = (2 * look).min(LONGEST_LOOK);
            let is_stalled = absence.is_some() && presence.absence() == absence;
            if is_stalled || waited >= LONGEST_WAIT {
                self.lines.remove(&self.key, first);
                return;
            }
        }
    }

    /// The first of the queue; nothing if this is the first or has no place any more.
    fn first_before(&self) -> Option<(u64, Arc<Presence>)> {
        let by_key = self.lines.lock();
        let line = by_key.get(&self.key).filter(|line| has(line, self.number))?;
        let first = line.front().filter(|first| first.number != self.number)?;
        Some((first.number, Arc::clone(&first.presence)))
    }

    /// Ready when another one than `first` is the first. Of one that comes before this it is not
    /// woken.
    fn poll_moved(&self, first: u64, context: &Context<'_>) -> Poll<()> {
        self.presence.poll(context);
        let mut by_key = self.lines.lock();
        let Some(line) = by_key.get_mut(&self.key) else { return Poll::Ready(()) };
        if line.front().is_none_or(|now| now.number != first) {
            return Poll::Ready(());
        }
        let Some(own) = line.iter_mut().find(|ticket| ticket.number == self.number) else {
            return Poll::Ready(());
        };
        let replaced = own.waker.replace(context.waker().clone());
        drop(by_key);
        drop(replaced);
        Poll::Pending
    }
}

fn has(line: &Line, number: u64) -> bool {
    line.iter().any(|ticket| ticket.number == number)
}

impl Ticket {
    /// Whom to wake now that it is the first.
    fn woken(&mut self) -> Option<Waker> {
        self.presence.is_woken.store(true, Ordering::Release);
        self.waker.take()
    }
}

/// Whether the owner of a turn is polled when it is woken.
#[derive(Default)]
struct Presence {
    is_woken: AtomicBool,
    polls: AtomicU64,
    owner: AtomicWaker,
}

impl Presence {
    fn poll(&self, context: &Context<'_>) {
        self.owner.register(context.waker());
        self.is_woken.store(false, Ordering::Release);
        self.polls.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of the poll since which it is woken; nothing if it waits for its store.
    fn absence(&self) -> Option<u64> {
        self.is_woken.load(Ordering::Acquire).then(|| self.polls.load(Ordering::Relaxed))
    }
}

impl Wake for Presence {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.owner.wake();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.lines.remove(&self.key, self.number);
    }
}

/// Shows how many updates queue, and for no key.
impl fmt::Debug for FairQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queued = self.lines.tickets.load(Ordering::Relaxed);
        f.debug_struct("FairQueue").field("queued", &queued).finish_non_exhaustive()
    }
}
