//! Fairness among the updates of one record in this process.
//!
//! Compare-and-swap alone lets a slow task lose to faster ones for ever. So an update that has lost a race queues up, and one that
//! begins while others queue for its record joins them. Only the first of a queue tries; the number of attempts then stays bounded,
//! however many tasks there are. An update without rivals takes no lock.
//!
//! A turn is a hint. Its owner may not be polled for a long time, so nobody waits for it longer than [`LONGEST_PATIENCE`]: who has
//! waited so long for the first of the queue removes it, and goes on. Compare-and-swap keeps every update right without turns. Other
//! processes are met by compare-and-swap alone.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::key::Key;
use crate::timer::Timer;

/// How long the first of a queue may keep the others waiting: four times what an attempt takes, within these bounds.
const SHORTEST_PATIENCE: Duration = Duration::from_millis(5);
const LONGEST_PATIENCE: Duration = Duration::from_millis(250);

/// The queue of a store, in which updates of one record wait for each other in this process.
///
/// An engine keeps one and returns it from [`Store::fair_queue`](super::Store::fair_queue); clones are the same queue. A store that
/// wraps another one returns that one's queue. If it changes keys, it returns [`within`](Self::within) its prefix.
///
/// It is a matter of speed and fairness alone. Updates are right without it, since each is a compare-and-swap.
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
    /// The number of the next ticket. None is given twice, so that a late owner takes nobody else's out.
    next: AtomicU64,
    by_key: Mutex<HashMap<Box<str>, Line>>,
}

/// Those who queue for one record.
#[derive(Default)]
struct Line {
    tickets: VecDeque<Ticket>,
    patience: Duration,
}

struct Ticket {
    number: u64,
    /// Whom to wake when it becomes the first.
    waker: Option<Waker>,
}

/// A place in the queue of a record. The first has the turn, until this is dropped or others have waited too long for it.
pub(crate) struct Turn {
    lines: Arc<Lines>,
    key: Box<str>,
    number: u64,
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
    pub(crate) fn is_contended(&self) -> bool {
        self.lines.tickets.load(Ordering::Relaxed) != 0
    }

    /// Queues up if others queue for this record.
    pub(crate) async fn turn_if_contended(&self, key: &Key, timer: &Timer) -> Option<Turn> {
        let key = self.engine_key(key);
        if !self.lines.lock().contains_key(&key) {
            return None;
        }
        Some(self.lines.turn(key, Duration::ZERO, timer).await)
    }

    /// Queues up after an attempt that took so long and lost a race.
    pub(crate) async fn turn(&self, key: &Key, took: Duration, timer: &Timer) -> Turn {
        self.lines.turn(self.engine_key(key), took, timer).await
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
    async fn turn(self: &Arc<Self>, key: Box<str>, took: Duration, timer: &Timer) -> Turn {
        let turn = self.join(key, took);
        turn.wait(timer).await;
        turn
    }

    fn join(self: &Arc<Self>, key: Box<str>, took: Duration) -> Turn {
        let mut by_key = self.lock();
        let line = by_key.entry(key.clone()).or_default();
        let patience = took.saturating_mul(4).clamp(SHORTEST_PATIENCE, LONGEST_PATIENCE);
        line.patience = line.patience.max(patience);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        line.tickets.push_back(Ticket { number, waker: None });
        self.tickets.fetch_add(1, Ordering::Relaxed);
        Turn { lines: Arc::clone(self), key, number }
    }

    /// Takes a ticket out of its line. If it was the first, the next one is woken.
    fn remove(&self, key: &str, number: u64) {
        let mut by_key = self.lock();
        let Some(line) = by_key.get_mut(key) else { return };
        let Some(place) = line.tickets.iter().position(|ticket| ticket.number == number) else { return };
        let removed = line.tickets.remove(place);
        self.tickets.fetch_sub(1, Ordering::Relaxed);
        let next =
            if place == 0 { line.tickets.front_mut().and_then(|next| next.waker.take()) } else { None };
        if line.tickets.is_empty() {
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
        // A panic leaves nothing half done here: nothing between two changes can panic.
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Whether it still has a place in the queue. It loses that if others have waited too long for it.
    pub(crate) fn is_held(&self) -> bool {
        self.lines.lock().get(&self.key).is_some_and(|line| line.has(self.number))
    }

    /// Waits until it is the first, or until the first has kept it waiting for too long.
    async fn wait(&self, timer: &Timer) {
        while let Some((first, patience)) = self.first_before() {
            let moved = pin!(poll_fn(|context| self.poll_moved(first, context)));
            if let Either::Right(_) = select(moved, timer.pause(patience)).await
                && self.first_before().is_some_and(|(now, _)| now == first)
            {
                self.lines.remove(&self.key, first);
                return;
            }
        }
    }

    /// The first of the queue, and the time to wait for it; nothing if this is the first or has no place any more.
    fn first_before(&self) -> Option<(u64, Duration)> {
        let by_key = self.lines.lock();
        let line = by_key.get(&self.key).filter(|line| line.has(self.number))?;
        let first = line.tickets.front()?.number;
        (first != self.number).then_some((first, line.patience))
    }

    /// Ready when this is the first, or has no place any more. Of another one that becomes the first it is not woken.
    fn poll_moved(&self, first: u64, context: &Context<'_>) -> Poll<()> {
        let mut by_key = self.lines.lock();
        let Some(line) = by_key.get_mut(&self.key) else { return Poll::Ready(()) };
        if line.tickets.front().is_none_or(|now| now.number != first) {
            return Poll::Ready(());
        }
        let Some(own) = line.tickets.iter_mut().find(|ticket| ticket.number == self.number) else {
            return Poll::Ready(());
        };
        let replaced = own.waker.replace(context.waker().clone());
        drop(by_key);
        drop(replaced);
        Poll::Pending
    }
}

impl Line {
    fn has(&self, number: u64) -> bool {
        self.tickets.iter().any(|ticket| ticket.number == number)
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
