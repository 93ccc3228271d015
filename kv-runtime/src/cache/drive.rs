//! The future of a load, which every caller that waits for it can poll.
//!
//! A load belongs to no caller. If its future is woken, the first waiter that is polled polls it.
//! So a caller that is not polled any more, or a task that its executor forgets, holds nobody up.

use std::cell::RefCell;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::task::Context;

use futures_util::task::{ArcWake, waker_ref};
use kv_store::BoxFuture;
use tokio::sync::Notify;

use super::runtime::Runtime;

/// The shared future of one or more loads. The last handle drops it.
pub(super) struct Drive {
    work: Mutex<Work>,
    pub(super) signal: Arc<Signal>,
    /// The drives that the work waits for, to find loads that wait for each other.
    waits_for: Mutex<Vec<Weak<Drive>>>,
    /// The runtime on which the work began. Its timers and sockets may need it.
    runtime: Runtime,
}

/// Who polls the work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Poller {
    /// The caller that begins it, on the runtime that it belongs to.
    Beginner,
    Other,
}

enum Work {
    /// `start` has not been called yet.
    Awaited,
    Running(BoxFuture<'static, ()>),
    Over,
}

/// Wakes the waiters. It does not own the work, because the wakers that the work holds own it.
pub(super) struct Signal {
    /// How many wait. Most loads are over before anybody does, and to wake nobody takes two locks.
    waiting: AtomicUsize,
    changed: Notify,
    /// Wakes the task alone.
    task: Notify,
    /// Whether to wake the task alone, because its executor always runs it.
    task_alone: AtomicBool,
    /// Whether the work was woken and has not been polled since.
    is_due: AtomicBool,
    is_over: AtomicBool,
}

/// The work waits for itself, directly or by way of other drives.
#[derive(Debug)]
pub(super) struct Cycle;

thread_local! {
    /// The drives that this thread is polling, the innermost last.
    static POLLED: RefCell<Vec<Weak<Drive>>> = const { RefCell::new(Vec::new()) };
}

impl Drive {
    /// A drive without work. Callers can wait for it before [`start`](Self::start).
    pub(super) fn new() -> Arc<Self> {
        let signal = Signal {
            waiting: AtomicUsize::new(0),
            changed: Notify::new(),
            task: Notify::new(),
            task_alone: AtomicBool::new(false),
            is_due: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        };
        Arc::new(Self {
            work: Mutex::new(Work::Awaited),
            signal: Arc::new(signal),
            waits_for: Mutex::default(),
            runtime: Runtime::here(),
        })
    }

    pub(super) fn start(&self, work: BoxFuture<'static, ()>) {
        *lock(&self.work) = Work::Running(work);
        self.signal.is_due.store(true, Ordering::SeqCst);
        self.signal.call_all();
    }

    pub(super) fn is_over(&self) -> bool {
        self.signal.is_over.load(Ordering::SeqCst)
    }

    /// Whether the caller is part of this work.
    pub(super) fn is_polled_here(&self) -> bool {
        let is_this = |polled: &Weak<Self>| std::ptr::eq(polled.as_ptr(), self);
        POLLED.try_with(|polled| polled.borrow().iter().any(is_this)).unwrap_or(false)
    }

    /// Drives the work until `look` returns something. It is called after each step of the work.
    pub(super) async fn until<R>(self: &Arc<Self>, look: impl Fn() -> Option<R>) -> Result<R, Cycle> {
        // Before the first `look`, so that a change after it finds that somebody waits.
        let _waiting = Waiting::begin(&self.signal);
        let mut edge = None;
        loop {
            let mut changed = pin!(self.signal.changed.notified());
            // Before `look`, so that no change is missed between the two.
            changed.as_mut().enable();
            if let Some(seen) = look() {
                return Ok(seen);
            }
            Edge::renew(&mut edge, self)?;
            self.poll(Poller::Other);
            if let Some(seen) = look() {
                return Ok(seen);
            }
            changed.await;
        }
    }

    /// Waits until the task has to poll the work. A wake-up that came before is kept.
    pub(super) async fn task_woken(&self) {
        self.signal.task.notified().await;
    }

    /// Notes that a task drives the work. `alone`: its executor always runs it.
    pub(super) fn has_task(&self, alone: bool) {
        self.signal.waiting.fetch_add(1, Ordering::SeqCst);
        self.signal.task_alone.store(alone, Ordering::SeqCst);
    }

    /// The task was dropped before the work was over. The waiters go on with the work.
    pub(super) fn lose_task(&self) {
        self.signal.task_alone.store(false, Ordering::SeqCst);
        self.signal.call_all();
    }

    /// Drops the work, because it cannot go on.
    pub(super) fn abandon(&self) {
        let work = std::mem::replace(&mut *lock(&self.work), Work::Over);
        self.end(work);
    }

    /// Polls the work if it was woken and no other thread is polling it.
    pub(super) fn poll(self: &Arc<Self>, poller: Poller) {
        // Dropped after the lock, so that the waiters find it open.
        let _panics = Panics(&self.signal);
        let mut work = match self.work.try_lock() {
            Ok(work) => work,
            Err(TryLockError::WouldBlock) => return,
            // It panicked while another caller polled it.
            Err(TryLockError::Poisoned(work)) => {
                self.work.clear_poison();
                let panicked = std::mem::replace(&mut *work.into_inner(), Work::Over);
                return self.end(panicked);
            }
        };
        let Work::Running(running) = &mut *work else { return };
        if !self.signal.is_due.swap(false, Ordering::SeqCst) {
            return;
        }
        let waker = waker_ref(&self.signal);
        let polled = {
            let _here = Polled::begin(self);
            let _runtime = (poller == Poller::Other).then(|| self.runtime.enter());
            running.as_mut().poll(&mut Context::from_waker(&waker))
        };
        if polled.is_ready() {
            let done = std::mem::replace(&mut *work, Work::Over);
            drop(work);
            self.end(done);
        } else {
            drop(work);
            // A waiter that came while the work was locked did not poll it, and may have missed the
            // wake-up.
            if self.signal.is_due.load(Ordering::SeqCst) {
                self.signal.call();
            }
        }
    }

    /// Drops the work where no lock is held.
    fn end(&self, work: Work) {
        let _over = Over(&self.signal);
        drop(work);
    }

    /// Whether this work waits for `other`, directly or by way of other drives.
    fn reaches(&self, other: &Self) -> bool {
        let mut seen: Vec<Weak<Self>> = Vec::new();
        let mut next: Vec<Weak<Self>> = lock(&self.waits_for).clone();
        while let Some(waits_for) = next.pop() {
            if std::ptr::eq(waits_for.as_ptr(), other) {
                return true;
            }
            if seen.iter().any(|seen| seen.ptr_eq(&waits_for)) {
                continue;
            }
            if let Some(drive) = waits_for.upgrade() {
                next.extend(lock(&drive.waits_for).iter().cloned());
            }
            seen.push(waits_for);
        }
        false
    }
}

impl Signal {
    /// Wakes all waiters and the task.
    pub(super) fn call_all(&self) {
        // The caller has changed something before. Who begins to wait after this sees the change.
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.changed.notify_waiters();
            self.task.notify_one();
        }
    }

    /// Wakes what is to drive the work.
    fn call(&self) {
        if self.task_alone.load(Ordering::SeqCst) {
            self.task.notify_one();
        } else {
            self.call_all();
        }
    }
}

/// The waker of the work.
impl ArcWake for Signal {
    fn wake_by_ref(signal: &Arc<Self>) {
        signal.is_due.store(true, Ordering::SeqCst);
        signal.call();
    }
}

/// One who waits for a signal.
struct Waiting<'a>(&'a Signal);

impl<'a> Waiting<'a> {
    fn begin(signal: &'a Signal) -> Self {
        signal.waiting.fetch_add(1, Ordering::SeqCst);
        Self(signal)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Notes that the work is over, even if its `Drop` panics.
struct Over<'a>(&'a Signal);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
        self.0.call_all();
    }
}

/// Wakes the waiters if the work panics. The next one that polls it finds the panic.
struct Panics<'a>(&'a Signal);

impl Drop for Panics<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.call_all();
        }
    }
}

/// Notes that this thread is polling a drive.
struct Polled;

impl Polled {
    fn begin(drive: &Arc<Drive>) -> Self {
        POLLED.with(|polled| polled.borrow_mut().push(Arc::downgrade(drive)));
        Self
    }
}

impl Drop for Polled {
    fn drop(&mut self) {
        POLLED.with(|polled| polled.borrow_mut().pop());
    }
}

/// Notes that one drive waits for another one.
struct Edge {
    from: Weak<Drive>,
    to: Weak<Drive>,
}

impl Edge {
    /// Notes that the drive of which the caller is part, if any, waits for `to`.
    fn renew(edge: &mut Option<Self>, to: &Arc<Drive>) -> Result<(), Cycle> {
        let from = POLLED.try_with(|polled| polled.borrow().last().cloned()).ok().flatten();
        let Some(from) = from else {
            *edge = None;
            return Ok(());
        };
        if edge.as_ref().is_some_and(|edge| edge.from.ptr_eq(&from)) {
            return Ok(());
        }
        let Some(waiting) = from.upgrade() else { return Ok(()) };
        // First noted, then looked for: of two drives that begin to wait for each other at once,
        // one at least finds the cycle.
        lock(&waiting.waits_for).push(Arc::downgrade(to));
        *edge = Some(Self { from, to: Arc::downgrade(to) });
        if Arc::ptr_eq(&waiting, to) || to.reaches(&waiting) { Err(Cycle) } else { Ok(()) }
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let Some(from) = self.from.upgrade() else { return };
        let mut waits_for = lock(&from.waits_for);
        if let Some(index) = waits_for.iter().position(|to| to.ptr_eq(&self.to)) {
            waits_for.swap_remove(index);
        }
    }
}

// No panic leaves what is locked by this half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
