//! What the writer takes from its queue for one transaction.
//!
//! A batch is bounded in calls and bytes. Work whose caller is gone is skipped, and a compaction is
//! a batch by itself.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::{Attempted, Counters, Job, Worker};
use crate::store::redb::work::Work;

/// The most pieces of work that one commit makes.
const BATCH_JOBS: usize = 4_096;

/// A commit takes no further work when what it has writes so many bytes.
const BATCH_BYTES: usize = 16 << 20;

/// How long parts of a longer write wait for the next one before they are made durable by
/// themselves: their caller may have given up.
const PARTS_WAIT: Duration = Duration::from_millis(50);

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

impl Worker {
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

    /// Waits for work; not for long if there are parts that ought to be on the disk.
    fn first(&mut self) -> Result<Job, Gathered> {
        if let Some(job) = self.put_aside.take() {
            return Ok(job);
        }
        if !self.has_parts {
            return self.next(Batch::Empty, |jobs| jobs.recv().ok()).ok_or(Gathered::Ended);
        }
        let is_idle = Cell::new(false);
        let first = self.next(Batch::Empty, |jobs| {
            let received = jobs.recv_timeout(PARTS_WAIT);
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
            Counters::add(&self.counters.skipped, 1);
            match batch {
                Batch::Empty => {
                    self.counters.answered.fetch_add(1, Ordering::SeqCst);
                }
                Batch::Begun => self.skipped += 1,
            }
        }
    }
}
