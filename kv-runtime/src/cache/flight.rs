//! One load that several callers wait for.
//!
//! There is no task behind it: one of the callers leads, which is to say that it drives the load in its own future. A leader that is
//! dropped leaves the lead to one of those who wait.

use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

pub(super) struct Flight<T> {
    progress: Mutex<Progress<T>>,
    changed: Notify,
}

enum Progress<T> {
    /// Nobody drives it.
    Free,
    Led,
    Done(T),
}

/// How waiting ended.
pub(super) enum Waited<T> {
    Done(T),
    /// The one who led has gone, and the lead is now with the one who waited.
    Lead,
}

impl<T: Clone> Flight<T> {
    /// A load that the one who makes it leads.
    pub(super) fn led() -> Self {
        Self { progress: Mutex::new(Progress::Led), changed: Notify::new() }
    }

    pub(super) async fn wait(&self) -> Waited<T> {
        loop {
            let mut changed = pin!(self.changed.notified());
            // Before the look at the progress, so that no change is missed between the two.
            changed.as_mut().enable();
            if let Some(waited) = self.look() {
                return waited;
            }
            changed.await;
        }
    }

    fn look(&self) -> Option<Waited<T>> {
        let mut progress = self.lock();
        match &*progress {
            Progress::Done(outcome) => Some(Waited::Done(outcome.clone())),
            Progress::Led => None,
            Progress::Free => {
                *progress = Progress::Led;
                Some(Waited::Lead)
            }
        }
    }

    /// The leader's outcome, for all who wait.
    pub(super) fn complete(&self, outcome: T) {
        *self.lock() = Progress::Done(outcome);
        self.changed.notify_waiters();
    }

    /// The leader goes; one of those who wait takes over. One that is dropped before it could passes the notice on.
    pub(super) fn give_up(&self) {
        *self.lock() = Progress::Free;
        self.changed.notify_one();
    }

    // Nothing is done under the lock that could panic half way.
    fn lock(&self) -> MutexGuard<'_, Progress<T>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
