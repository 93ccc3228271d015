//! How a load ended, for all who wait for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::drive::{Drive, Signal};

/// The load of one id. Its future is in a [`Drive`], which the loads of several ids may share.
pub(super) struct Flight<T> {
    progress: Mutex<Progress<T>>,
    signal: Arc<Signal>,
    drive: Weak<Drive>,
    /// Shared by the loads that go on beside each other and that no write has parted.
    group: Arc<()>,
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
    pub(super) fn of(drive: &Arc<Drive>) -> Self {
        Self::within(Arc::default(), drive)
    }

    /// A load that goes on beside this one, where no caller waits for another one's.
    pub(super) fn beside(&self, drive: &Arc<Drive>) -> Self {
        Self::within(Arc::clone(&self.group), drive)
    }

    fn within(group: Arc<()>, drive: &Arc<Drive>) -> Self {
        Self {
            progress: Mutex::new(Progress::Flying),
            signal: Arc::clone(drive.signal()),
            drive: Arc::downgrade(drive),
            group,
        }
    }

    pub(super) fn is_beside(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.group, &other.group)
    }

    /// Its drive, if anything still holds that.
    pub(super) fn drive(&self) -> Option<Arc<Drive>> {
        self.drive.upgrade()
    }

    pub(super) fn drive_handle(&self) -> &Weak<Drive> {
        &self.drive
    }

    pub(super) fn signal(&self) -> &Arc<Signal> {
        &self.signal
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

    // Nothing is done under the lock that could panic half way.
    fn lock(&self) -> MutexGuard<'_, Progress<T>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
