//! What the writer takes from its queue for one transaction.
//!
//! A batch is bounded in calls and bytes. Work whose caller is gone is skipped, and a compaction is
//! a batch by itself.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use kv_store::{Error, Result};
use tokio::sync::oneshot;

use crate::counters::Counters;
use crate::queue::Room;
use crate::work::{Done, Work};

/// The most pieces of work that one commit makes.
const BATCH_JOBS: usize = 4_096;

/// A commit takes no further work when what it has writes so many bytes.
const BATCH_BYTES: usize = 16 << 20;

/// How long parts of a longer write wait for the next one before they are made durable by
/// themselves: their caller may have given up.
const PARTS_WAIT: Duration = Duration::from_millis(200);

/// So many bytes of parts are in one transaction at most. It bounds how long another write waits
/// that has to be on the disk with them, and what a crash loses.
const PARTS_BYTES: usize = 256 << 20;

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
}

/// Whether there is work before the one that is received.
#[derive(Clone, Copy)]
enum Batch {
    Empty,
    Begun,
}

/// What waiting for work came to.
#[derive(PartialEq, Eq)]
pub(super) enum Gathered {
    Work,
    /// None came in time.
    Nothing,
    /// None will come.
    Ended,
}

/// Where work comes from, and how much of it was answered.
pub(super) struct Intake {
    pub(super) jobs: Receiver<Job>,
    /// What comes next, if it was received and belongs to no batch.
    put_aside: Option<Job>,
    /// How many calls were skipped since the last transaction ended.
    skipped: u64,
    /// How many parts were answered in the transaction that goes on, and their bytes.
    held_back: u64,
    held_back_bytes: usize,
    /// [`PARTS_BYTES`], or a test's.
    pub(super) parts_bytes: usize,
    /// [`PARTS_WAIT`], or a test's.
    pub(super) parts_wait: Duration,
    /// Whether there are parts of longer writes that are not on the disk yet.
    pub(super) has_parts: bool,
    pub(super) counters: Arc<Counters>,
}

impl Intake {
    pub(super) fn of(jobs: Receiver<Job>, counters: Arc<Counters>) -> Self {
        Self {
            jobs,
            put_aside: None,
            skipped: 0,
            held_back: 0,
            held_back_bytes: 0,
            parts_bytes: PARTS_BYTES,
            parts_wait: PARTS_WAIT,
            has_parts: false,
            counters,
        }
    }

    /// Waits for work and takes what has gathered.
    pub(super) fn gather(&mut self, batch: &mut Vec<Attempted>) -> Gathered {
        let first = match self.first() {
            Ok(first) => first,
            Err(gathered) => return gathered,
        };
        let mut bytes = first.work.bytes();
        let is_alone = matches!(first.work, Work::Compact);
        batch.push(Attempted::new(first));
        while !is_alone && batch.len() < BATCH_JOBS && bytes < BATCH_BYTES {
            let Some(job) = self.next(Batch::Begun, |jobs| jobs.try_recv().ok()) else { break };
            if matches!(job.work, Work::Compact) {
                self.put_aside = Some(job);
                break;
            }
            bytes += job.work.bytes();
            batch.push(Attempted::new(job));
        }
        Gathered::Work
    }

    /// Whether a batch is answered before it is committed: one of parts alone, unless one
    /// meets a conflict or the transaction becomes too large. It counts as answered after that, when it can be read.
    pub(super) fn holds_back(&mut self, batch: &[Attempted]) -> bool {
        if batch.is_empty() || !batch.iter().all(|piece| piece.job.work.is_part()) {
            return false;
        }
        // The caller reads again what it lost to, which may be an earlier part.
        if batch.iter().any(|piece| matches!(piece.done, Done::Conflict(_))) {
            return false;
        }
        self.held_back_bytes += batch.iter().map(|part| part.job.work.bytes()).sum::<usize>();
        if self.held_back_bytes >= self.parts_bytes {
            return false;
        }
        self.has_parts = true;
        self.held_back += batch.len() as u64;
        self.counters.calls.fetch_add(batch.len() as u64, Ordering::Relaxed);
        true
    }

    /// A transaction has ended, and so many calls are about to be answered. Those that were skipped
    /// or held back before them count now: a mark counts calls in order.
    pub(super) fn settle(&mut self, calls: usize) {
        let before = std::mem::take(&mut self.skipped) + std::mem::take(&mut self.held_back);
        self.held_back_bytes = 0;
        self.counters.answered.fetch_add(calls as u64 + before, Ordering::SeqCst);
        self.counters.calls.fetch_add(calls as u64, Ordering::Relaxed);
    }

    /// Waits for work; not for long if there are parts that ought to be on the disk.
    fn first(&mut self) -> Result<Job, Gathered> {
        if let Some(job) = self.put_aside.take() {
            return Ok(job);
        }
        if !self.has_parts {
            // Without a spin first: on a busy machine it made single writes up to 1.7 times as
            // slow, because the scheduler prefers a thread that wakes up to one that has been
            // running.
            return self.next(Batch::Empty, |jobs| jobs.recv().ok()).ok_or(Gathered::Ended);
        }
        let (is_idle, wait) = (Cell::new(false), self.parts_wait);
        let first = self.next(Batch::Empty, |jobs| {
            let received = jobs.recv_timeout(wait);
            is_idle.set(matches!(received, Err(RecvTimeoutError::Timeout)));
            received.ok()
        });
        first.ok_or(if is_idle.get() { Gathered::Nothing } else { Gathered::Ended })
    }

    /// The next work that somebody still waits for.
    fn next(&mut self, batch: Batch, receive: impl Fn(&Receiver<Job>) -> Option<Job>) -> Option<Job> {
        loop {
            let job = receive(&self.jobs)?;
            if !job.reply.is_closed() {
                return Some(job);
            }
            self.counters.skipped.fetch_add(1, Ordering::Relaxed);
            match batch {
                Batch::Empty if self.held_back == 0 => {
                    self.counters.answered.fetch_add(1, Ordering::SeqCst);
                }
                Batch::Empty | Batch::Begun => self.skipped += 1,
            }
        }
    }
}
