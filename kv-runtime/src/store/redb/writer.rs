//! The writer: a thread with a queue, which makes all work that waits in one transaction.
//!
//! While a commit waits for the disk, further work gathers in the queue, and the next commit makes all of it. So the number of
//! commits does not grow with the number of writers. The next transaction is begun before there is work for it, so that work which
//! finds the writer at rest does not wait for that.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use redb::{CommitError, Durability};
use tokio::sync::oneshot;

use super::NAME;
use super::damage::{Damage, Panicked};
use super::options::RedbDurability;
use super::read::Reader;
use super::tables::{Failure, OpenTables};
use super::work::{Done, Work};
use crate::error::{Error, Location, Result, SharedError};

/// The most pieces of work that one commit makes.
const BATCH_JOBS: usize = 4_096;

/// A commit takes no further work when what it has writes so many bytes.
const BATCH_BYTES: usize = 16 << 20;

/// What a [`RedbStore`](super::RedbStore)'s writer has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedbStats {
    /// Transactions that were committed; each is one fsync, but with [`RedbDurability::OnFlush`].
    pub commits: u64,
    /// Calls that were queued and answered, conflicts and failures too.
    pub calls: u64,
    /// Records that they wrote or removed.
    pub records: u64,
}

/// The handle on the thread. Dropping it waits until what is queued is written.
pub(super) struct Writer {
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
}

struct Job {
    work: Work,
    reply: oneshot::Sender<Result<Done>>,
}

#[derive(Default)]
struct Counters {
    /// Counted before a call is queued, so that there are never more calls in the queue than are counted.
    queued: AtomicU64,
    commits: AtomicU64,
    calls: AtomicU64,
    records: AtomicU64,
}

impl Writer {
    pub(super) fn start(reader: Arc<Reader>, durability: RedbDurability) -> Result<Self> {
        let (queue, jobs) = mpsc::channel();
        let counters = Arc::<Counters>::default();
        let mut worker = Worker {
            jobs,
            reader,
            durability,
            counters: Arc::clone(&counters),
            stored: Vec::new(),
            is_committing: false,
        };
        let thread = thread::Builder::new()
            .name("kv-redb-writer".to_owned())
            .spawn(move || worker.run())
            .map_err(|error| Error::store(Location::store(NAME), "start its thread", true, error))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), counters })
    }

    /// Queues work and waits for its end.
    pub(super) async fn submit(&self, work: Work) -> Result<Done> {
        let (reply, answer) = oneshot::channel();
        self.counters.queued.fetch_add(1, Ordering::SeqCst);
        let refused = match &self.queue {
            Some(queue) => queue.send(Job { work, reply }).err().map(|refused| refused.0.work),
            None => Some(work),
        };
        if let Some(work) = refused {
            return Err(Error::store(work.location(), "write", false, WriterEnded));
        }
        match answer.await {
            Ok(answer) => answer,
            Err(_) => {
                Err(Error::OutcomeUnknown { at: Location::store(NAME), source: Box::new(WriterEnded).into() })
            }
        }
    }

    /// How many calls were queued, at least.
    pub(super) fn queued(&self) -> u64 {
        self.counters.queued.load(Ordering::SeqCst)
    }

    /// Whether the first `calls` that were queued have been answered. The queue keeps their order. After a panic nothing more is written.
    pub(super) fn has_answered(&self, calls: u64) -> bool {
        self.counters.calls.load(Ordering::SeqCst) >= calls
            || self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    pub(super) fn stats(&self) -> RedbStats {
        RedbStats {
            commits: self.counters.commits.load(Ordering::Relaxed),
            calls: self.counters.calls.load(Ordering::Relaxed),
            records: self.counters.records.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The thread ends when nobody can queue any more and the queue is empty.
        self.queue = None;
        if let Some(thread) = self.thread.take()
            // A waker that the thread calls may own the last handle, and no thread can wait for itself.
            && thread.thread().id() != thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the redb store's writer panicked");
        }
    }
}

/// The thread is gone, after a panic of what waited for it.
#[derive(Debug, thiserror::Error)]
#[error("the store's writer ended in a panic; open the file anew")]
struct WriterEnded;

/// How a transaction ended that was not done.
enum Aborted {
    /// Nothing is written.
    Unwritten(SharedError),
    /// The commit failed on its way to the disk.
    Unknown(SharedError),
}

/// What came of a transaction.
enum Ended {
    /// It is committed, or had nothing to write.
    Done,
    /// What was written is gone with the transaction, as a piece of work failed half-way or the file did: the others are to be made again.
    Again,
    /// There was no work for it, and there will be none.
    NoWork,
}

/// A piece of work, and how it ends if the transaction is committed.
struct Attempted {
    job: Job,
    done: Done,
    /// Its own error, which stays whatever the transaction comes to.
    failed: Option<Error>,
}

/// What the thread owns.
struct Worker {
    jobs: Receiver<Job>,
    reader: Arc<Reader>,
    durability: RedbDurability,
    counters: Arc<Counters>,
    stored: Vec<u8>,
    /// Whether the transaction is on its way to the disk.
    is_committing: bool,
}

impl Worker {
    fn run(&mut self) {
        let mut batch = Vec::new();
        while self.write(&mut batch) {}
    }

    /// Makes a batch and answers each of its callers. An empty one is filled from the queue first; false if that has ended.
    fn write(&mut self, batch: &mut Vec<Attempted>) -> bool {
        let ended = loop {
            match self.attempt_caught(batch) {
                Ok(Ended::Done) => break Ok(()),
                Ok(Ended::Again) => {}
                Ok(Ended::NoWork) => return false,
                Err(aborted) => {
                    // It may have failed before there was anybody to tell: the next work is told.
                    if batch.is_empty() && !self.gather(batch) {
                        return false;
                    }
                    break Err(aborted);
                }
            }
        };
        self.counters.calls.fetch_add(batch.len() as u64, Ordering::SeqCst);
        for Attempted { job, done, failed } in batch.drain(..) {
            let answer = match (failed, &ended) {
                (Some(own), _) => Err(own),
                (None, Ok(())) => Ok(done),
                (None, Err(aborted)) => Err(aborted.told(&job.work)),
            };
            // A caller that is gone needs no answer.
            drop(job.reply.send(answer));
        }
        true
    }

    /// Waits for work and takes what has gathered; false at the end of the queue.
    fn gather(&self, batch: &mut Vec<Attempted>) -> bool {
        let Ok(first) = self.jobs.recv() else { return false };
        let mut bytes = first.work.bytes();
        batch.push(Attempted::new(first));
        while batch.len() < BATCH_JOBS && bytes < BATCH_BYTES {
            let Ok(job) = self.jobs.try_recv() else { break };
            bytes += job.work.bytes();
            batch.push(Attempted::new(job));
        }
        true
    }

    /// One transaction, unless the file is damaged.
    fn attempt_caught(&mut self, batch: &mut Vec<Attempted>) -> Result<Ended, Aborted> {
        let damage = self.reader.damage().clone();
        let damaged = || SharedError::new(damage.error(None));
        if damage.is_met() {
            return Err(Aborted::Unwritten(damaged()));
        }
        self.is_committing = false;
        damage.caught(|| self.attempt(batch)).unwrap_or_else(|Panicked| {
            Err(if self.is_committing {
                self.reader.forget_latest();
                Aborted::Unknown(damaged())
            } else {
                Aborted::Unwritten(damaged())
            })
        })
    }

    /// One transaction. It is begun before there is work for it.
    fn attempt(&mut self, batch: &mut Vec<Attempted>) -> Result<Ended, Aborted> {
        let reader = Arc::clone(&self.reader);
        let unwritten = |error: redb::Error| Aborted::Unwritten(shared(reader.damage(), error));
        let mut transaction = reader.database().and_then(|it| Ok(it.begin_write()?)).map_err(unwritten)?;
        let tables = OpenTables::of(&transaction).map_err(unwritten)?;
        if batch.is_empty() {
            if !self.gather(batch) {
                return Ok(Ended::NoWork);
            }
            // A read may have met a failing disk since, or damage. Whether there can still be a transaction is asked anew.
            if reader.damage().has_failed() {
                return Ok(Ended::Again);
            }
        }
        let mut tables = tables.at(reader.clock().now(), &mut self.stored);
        let mut is_flush = false;
        for Attempted { job, done, failed } in batch.iter_mut().filter(|piece| piece.failed.is_none()) {
            let before = tables.changed();
            match tables.make(&job.work) {
                Ok(made) => {
                    if !matches!(made, Done::Conflict(_)) {
                        job.work.void(reader.fences());
                    }
                    *done = made;
                }
                Err(Failure::Own(error)) => {
                    *failed = Some(error);
                    if tables.changed() != before {
                        drop(tables);
                        transaction.abort().map_err(|error| unwritten(error.into()))?;
                        return Ok(Ended::Again);
                    }
                }
                Err(Failure::Engine(error)) => return Err(unwritten(error)),
            }
            is_flush |= matches!(job.work, Work::Flush);
        }
        let changed = tables.changed();
        drop(tables);
        let on_flush = self.durability == RedbDurability::OnFlush;
        if changed == 0 && !(is_flush && on_flush) {
            transaction.abort().map_err(|error| unwritten(error.into()))?;
            return Ok(Ended::Done);
        }
        if on_flush && !is_flush {
            transaction.set_durability(Durability::None).map_err(|error| unwritten(error.into()))?;
        }
        self.is_committing = true;
        let committed = transaction.commit();
        // Before anybody hears of the commit, and after a failed one, too, which may have taken place.
        reader.forget_latest();
        committed.map_err(|error| match error {
            CommitError::TransactionPoisoned => unwritten(error.into()),
            error => Aborted::Unknown(shared(reader.damage(), error.into())),
        })?;
        self.counters.commits.fetch_add(1, Ordering::Relaxed);
        self.counters.records.fetch_add(changed, Ordering::Relaxed);
        Ok(Ended::Done)
    }
}

impl Attempted {
    fn new(job: Job) -> Self {
        Self { job, done: Done::Written, failed: None }
    }
}

impl Aborted {
    fn told(&self, work: &Work) -> Error {
        match self {
            Self::Unwritten(source) => Error::Store {
                at: work.location(),
                action: "write",
                why: None,
                retryable: false,
                source: source.clone(),
            },
            Self::Unknown(source) => Error::OutcomeUnknown { at: work.location(), source: source.clone() },
        }
    }
}

/// An error of redb's, or the damage that it tells of.
fn shared(damage: &Damage, error: redb::Error) -> SharedError {
    match damage.told(error) {
        Ok(damaged) => SharedError::new(damaged),
        Err(error) => SharedError::new(error),
    }
}
