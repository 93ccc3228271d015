//! Lets transactions that meet at a record begin one after the other.
//!
//! A transaction that has lost a race takes a place behind all others that have lost one for its
//! records, and begins its next attempt when those before it have ended. It keeps the place until it
//! ends. A new transaction that comes to such a record begins behind them, so it does not overtake
//! those that have lost.
//!
//! A transaction runs its caller's closure, which may not be polled for a long time. So a place is a
//! hint of a bounded length: those that have waited too long for one transaction remove its place,
//! and go on. The commit keeps every transaction right without places.

use std::collections::{BTreeSet, HashMap};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::timer::Timer;

/// How long others wait at least, and at most, for a transaction that may begin. In between it is so
/// many times as long as an attempt usually takes.
pub(super) const SHORTEST_TURN: Duration = Duration::from_millis(5);
pub(super) const LONGEST_TURN: Duration = Duration::from_millis(100);
const USUAL_TURNS: u32 = 8;

/// The places of a store's transactions.
#[derive(Default)]
pub(super) struct Places {
    /// How many places there are, so that a transaction without rivals need not lock.
    taken: AtomicUsize,
    /// How long an attempt usually takes, in nanoseconds.
    usual: AtomicU64,
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    /// The number of the next place, so that earlier places have lower numbers.
    next: u64,
    by_key: HashMap<Arc<str>, Line>,
    places: HashMap<u64, Held>,
}

/// Who is at one record.
#[derive(Default)]
struct Line {
    /// Those who write it. Everybody waits for those before it.
    writers: BTreeSet<u64>,
    /// Those who read it, or are new. Nobody waits for them.
    readers: BTreeSet<u64>,
}

struct Held {
    keys: Vec<Arc<str>>,
    /// Whom to wake when a place before it has ended.
    waker: Option<Waker>,
}

/// A place of a transaction, until this is dropped or others have waited too long for it.
pub struct Place {
    places: Arc<Places>,
    number: u64,
}

impl Places {
    /// Whether any transaction has lost a race and has not ended yet.
    pub(super) fn are_taken(&self) -> bool {
        self.taken.load(Ordering::Relaxed) != 0
    }

    /// Takes a place behind all others of these records.
    pub(super) fn take(
        self: &Arc<Self>,
        written: impl Iterator<Item = Arc<str>>,
        read: impl Iterator<Item = Arc<str>>,
    ) -> Place {
        let mut lines = self.lock();
        let number = lines.next;
        lines.next += 1;
        lines.places.insert(number, Held { keys: Vec::new(), waker: None });
        lines.join(number, written, read);
        drop(lines);
        self.taken.fetch_add(1, Ordering::Relaxed);
        Place { places: Arc::clone(self), number }
    }

    /// Takes a place that nobody waits for, if others have places that write these records.
    pub(super) fn take_if_written(self: &Arc<Self>, keys: impl Iterator<Item = Arc<str>>) -> Option<Place> {
        let keys: Vec<Arc<str>> = keys.collect();
        let is_written = {
            let lines = self.lock();
            keys.iter().any(|key| lines.by_key.get(key).is_some_and(|line| !line.writers.is_empty()))
        };
        is_written.then(|| self.take(std::iter::empty(), keys.into_iter()))
    }

    /// Notes how long an attempt took that was committed.
    pub(super) fn note_attempt(&self, took: Duration) {
        let before = self.usual.load(Ordering::Relaxed);
        let took = u64::try_from(took.min(LONGEST_TURN).as_nanos()).unwrap_or(u64::MAX);
        self.usual.store(before - before / 8 + took / 8, Ordering::Relaxed);
    }

    /// How long others wait for one transaction.
    fn turn(&self) -> Duration {
        let usual = Duration::from_nanos(self.usual.load(Ordering::Relaxed));
        usual.saturating_mul(USUAL_TURNS).clamp(SHORTEST_TURN, LONGEST_TURN)
    }

    /// Ends a place, and wakes those who may begin now.
    fn remove(&self, number: u64) {
        let mut lines = self.lock();
        let Some(removed) = lines.places.remove(&number) else { return };
        let woken = lines.leave(number, &removed.keys);
        // Wakers are the executor's code, which must not run under the lock.
        drop(lines);
        self.taken.fetch_sub(1, Ordering::Relaxed);
        woken.into_iter().for_each(Waker::wake);
    }

    /// How many records have places.
    #[cfg(test)]
    pub(super) fn records(&self) -> usize {
        self.lock().by_key.len()
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        // Nothing panics while it is locked but the allocator, which aborts.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    /// Puts a number into the lines at these records. It comes before later numbers there, too, so
    /// that no two places wait for each other.
    fn join(
        &mut self,
        number: u64,
        written: impl Iterator<Item = Arc<str>>,
        read: impl Iterator<Item = Arc<str>>,
    ) {
        let Some(held) = self.places.get_mut(&number) else { return };
        let keys = written.map(|key| (key, true)).chain(read.map(|key| (key, false)));
        for (key, is_written) in keys {
            let line = self.by_key.entry(Arc::clone(&key)).or_default();
            let is_known = line.writers.contains(&number) || line.readers.contains(&number);
            let _ = if is_written { line.writers.insert(number) } else { line.readers.insert(number) };
            if !is_known {
                held.keys.push(key);
            }
        }
    }

    /// Takes a number out of the lines at these records. Returns whom that may let begin.
    fn leave(&mut self, number: u64, keys: &[Arc<str>]) -> Vec<Waker> {
        let mut woken = Vec::new();
        for key in keys {
            let Some(line) = self.by_key.get_mut(key) else { continue };
            line.readers.remove(&number);
            let was_written = line.writers.remove(&number);
            let next = line.writers.first().copied().unwrap_or(u64::MAX);
            // Everybody waits for the first one alone.
            if was_written && number < next {
                woken.extend(line.readers.range(number..next));
                woken.push(next);
            }
            if line.writers.is_empty() && line.readers.is_empty() {
                self.by_key.remove(key);
            }
        }
        woken.iter().filter_map(|number| self.places.get_mut(number)?.waker.take()).collect()
    }

    /// Returns the first place that another one waits for.
    fn before(&self, number: u64) -> Option<u64> {
        let keys = &self.places.get(&number)?.keys;
        let writers = keys.iter().filter_map(|key| self.by_key.get(key)?.writers.first().copied());
        writers.filter(|first| *first < number).min()
    }
}

impl Place {
    /// Whether it has not been removed by those who waited for it.
    #[cfg(test)]
    pub(super) fn is_held(&self) -> bool {
        self.places.lock().places.contains_key(&self.number)
    }

    /// Adds records to it. Returns whether it is still held.
    pub(super) fn extend(
        &self,
        written: impl Iterator<Item = Arc<str>>,
        read: impl Iterator<Item = Arc<str>>,
    ) -> bool {
        let mut lines = self.places.lock();
        lines.join(self.number, written, read);
        lines.places.contains_key(&self.number)
    }

    /// Waits until those before it have ended or have kept it waiting for too long, and not longer
    /// than `left` says.
    pub async fn wait(&self, timer: &Timer, left: impl Fn() -> Duration) {
        let (mut known, mut waited) = (None, Duration::ZERO);
        while let Some(first) = self.first() {
            if known != Some(first) {
                (known, waited) = (Some(first), Duration::ZERO);
            }
            let (turn, left) = (self.places.turn(), left());
            if waited >= turn {
                self.places.remove(first);
                continue;
            }
            if left.is_zero() {
                return;
            }
            let look = (turn - waited).min(left);
            let moved = pin!(poll_fn(|context| self.poll_moved(first, context)));
            if let Either::Right(_) = select(moved, timer.pause(look)).await {
                waited += look;
            }
        }
    }

    /// The first place in the lines before this one that may begin itself.
    fn first(&self) -> Option<u64> {
        let lines = self.places.lock();
        let mut first = lines.before(self.number)?;
        // Numbers only become less, so this ends.
        while let Some(before) = lines.before(first) {
            first = before;
        }
        Some(first)
    }

    /// Ready when the place of `first` has ended, or this one may begin.
    fn poll_moved(&self, first: u64, context: &Context<'_>) -> Poll<()> {
        let mut lines = self.places.lock();
        if !lines.places.contains_key(&first) || lines.before(self.number).is_none() {
            return Poll::Ready(());
        }
        let Some(own) = lines.places.get_mut(&self.number) else { return Poll::Ready(()) };
        let replaced = own.waker.replace(context.waker().clone());
        drop(lines);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.remove(self.number);
    }
}
