//! What is queued, and what came of it.

use kv_store::{Error, Result};
use tokio::sync::oneshot;

use crate::queue::Room;
use crate::work::{Done, Work};

/// A call's work, and whom to answer.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) reply: oneshot::Sender<Result<Done>>,
    pub(super) room: Room,
}

/// A piece of work, and how it ends if the transaction is committed.
pub(super) struct Attempted {
    pub(super) job: Job,
    pub(super) done: Done,
    /// Its own error, which stays whatever the transaction comes to.
    pub(super) failed: Option<Error>,
}

impl Attempted {
    pub(super) fn new(job: Job) -> Self {
        Self { job, done: Done::Written, failed: None }
    }

    pub(super) const fn is_conflict(&self) -> bool {
        matches!(self.done, Done::Conflict(_))
    }

    pub(super) fn is_part(&self) -> bool {
        matches!(self.job.work, Work::PutPart(_) | Work::CommitPart(..))
    }
}
