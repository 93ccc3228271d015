//! How a load ended, for all who wait for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::drive::{Drive, Signal};

/// The load of one id. Its future is in a [`Drive`], which the loads of several ids may share.
pub(super) struct Flight<T> {
    progress: Mutex<Progress<T>>,
    pub(super) signal: Arc<Signal>,
    pub(super) drive: Weak<Drive>,
    /// Where no caller waits for another one's load: shared by the loads that go on beside each
    /// other and that no write has parted.
    pub(super) group: Option<Arc<()>>,
}

enum Progress<T> {
    Flying,
    Done(T),
    Abandoned,
}

/// How a load ended.
pub(super) enum Landed<T> {
    Done(T),
    /// Its future was dropped, so its outcome is unknown.
    Abandoned,
}

impl<T: Clone> Flight<T> {
    pub(super) fn new(group: Option<Arc<()>>, drive: &Arc<Drive>) -> Self {
        Self {
            progress: Mutex::new(Progress::Flying),
            signal: Arc::clone(&drive.signal),
            drive: Arc::downgrade(drive),
            group,
        }
    }

    pub(super) fn landed(&self) -> Option<Landed<T>> {
        match &*self.lock() {
            Progress::Flying => None,
            Progress::Done(outcome) => Some(Landed::Done(outcome.clone())),
            Progress::Abandoned => Some(Landed::Abandoned),
        }
    }

    pub(super) fn complete(&self, outcome: T) {
        *self.lock() = Progress::Done(outcome);
        self.signal.call_all();
    }

    pub(super) fn abandon(&self) {
        *self.lock() = Progress::Abandoned;
        self.signal.call_all();
    }

    /// Whether no write has parted the two.
    pub(super) fn is_beside(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        let in_one_group = |(group, other)| Arc::ptr_eq(group, other);
        Arc::ptr_eq(self, other) || self.group.as_ref().zip(other.group.as_ref()).is_some_and(in_one_group)
    }

    // Nothing is done under the lock that could panic half way.
    fn lock(&self) -> MutexGuard<'_, Progress<T>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
