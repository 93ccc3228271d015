//! The writer: a thread with a queue, which makes all work that waits in one transaction.
//!
//! While a commit waits for the disk, further work gathers in the queue, and the next commit makes
//! all of it. So the number of commits does not grow with the number of writers. The next
//! transaction is begun before there is work for it, so that work which finds the writer at rest
//! does not wait for that.
//!
//! The parts of a longer write ([`Work::is_part`]) stay in one transaction until other work, or the
//! end of the write, asks for a commit: each commit would copy again every page that a part
//! changes, and random keys change most pages.

mod gather;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use gather::{Attempted, Gathered, Intake, Job};
use kv_store::__private::Fences;
use kv_store::store::{Mark, Settle};
use kv_store::{Error, Location, Result, SharedError};
use redb::{CommitError, Durability, WriteTransaction};
use tokio::sync::oneshot;

use super::counters::{Counters, RedbStats};
use super::damage::Panicked;
use super::durability::RedbDurability;
use super::queue::Queue;
use super::read::Reader;
use super::tables::{Failure, Tables};
use super::work::{Done, Work};
use super::{NAME, compact};

/// After a commit of more changes redb frees pages at once, so that the file does not grow.
const FEW_CHANGES: u64 = 64;

/// The handle on the thread. Dropping it waits until what is queued is written.
pub(super) struct Writer {
    queue: Option<Sender<Job>>,
    room: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
}

impl Writer {
    pub(super) fn start(reader: Arc<Reader>, durability: RedbDurability, queue_bytes: usize) -> Result<Self> {
        let (queue, jobs) = mpsc::channel();
        let room = Arc::new(Queue::new(queue_bytes));
        let closing = Closing(Arc::clone(&room));
        let counters = Arc::<Counters>::default();
        let mut worker = Worker::new(reader, durability, Intake::of(jobs, Arc::clone(&counters)));
        let thread = thread::Builder::new()
            .name("kv-redb-writer".to_owned())
            .spawn(move || {
                let _closing = closing;
                worker.run();
            })
            .map_err(|error| Error::store(Location::store(NAME), "start its thread", true, error))?;
        Ok(Self { queue: Some(queue), room, thread: Some(thread), counters })
    }

    /// Waits for room, queues work and waits for its end.
    pub(super) async fn submit(&self, work: Work) -> Result<Done> {
        let ended = |work: &Work| Error::store(work.location(), "write", false, WriterEnded);
        let (Some(queue), Some(room)) = (&self.queue, self.room.enter(work.bytes()).await) else {
            return Err(ended(&work));
        };
        let (reply, answer) = oneshot::channel();
        self.counters.queued.fetch_add(1, Ordering::SeqCst);
        if let Err(refused) = queue.send(Job { work, reply, room }) {
            return Err(ended(&refused.0.work));
        }
        match answer.await {
            Ok(answer) => answer,
            Err(_) => {
                Err(Error::OutcomeUnknown { at: Location::store(NAME), source: Box::new(WriterEnded).into() })
            }
        }
    }

    /// Tells when the calls that were queued are over.
    pub(super) fn answers(&self) -> Answers {
        Answers { counters: Arc::clone(&self.counters), queue: Arc::clone(&self.room) }
    }

    pub(super) fn stats(&self) -> RedbStats {
        RedbStats { queued_bytes: self.room.held() as u64, ..self.counters.stats() }
    }
}

/// Counts the calls that are queued. One that still waits for room is not among them, and writes
/// nothing if it is dropped.
pub(super) struct Answers {
    counters: Arc<Counters>,
    queue: Arc<Queue>,
}

impl Settle for Answers {
    fn mark(&self) -> Mark {
        Mark::new(self.counters.queued.load(Ordering::SeqCst))
    }

    /// Whether the calls that were queued before have been answered, or skipped. The queue keeps
    /// their order. After a panic nothing more is written.
    fn has_settled(&self, mark: Mark) -> bool {
        self.counters.answered.load(Ordering::SeqCst) >= mark.number() || self.queue.is_closed()
    }
}

/// Lets go those who wait for room when the thread ends.
struct Closing(Arc<Queue>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The thread ends when nobody can queue any more and the queue is empty.
        self.queue = None;
        if let Some(thread) = self.thread.take()
            // A waker that the thread calls may own the last handle, and no thread can wait for
            // itself.
            && thread.thread().id() != thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the redb store's writer panicked");
        }
    }
}

/// The thread is gone, after a panic of what waited for it.
#[derive(Debug, thiserror::Error)]
#[error("the store's writer panicked; open the file again")]
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
    /// What was written is gone with the transaction, as a piece of work failed half-way or the
    /// file did: the others are to be made again.
    Again,
    /// There was no work for it, and there will be none.
    NoWork,
}

/// Why a transaction is committed.
#[derive(Clone, Copy)]
enum Reason {
    /// Callers wait for it.
    Calls,
    /// A caller waits until it is on the disk, whatever the store's durability.
    Flush,
    /// The parts in it are to stay when the work that follows them fails.
    Parts,
}

/// Whether a batch was made.
enum Made {
    Whole,
    /// A piece of it failed half-way: the others are to be made again without it.
    Undone,
}

/// What the thread owns.
struct Worker {
    intake: Intake,
    reader: Arc<Reader>,
    durability: RedbDurability,
    stored: Vec<u8>,
    /// Whether the transaction is on its way to the disk.
    is_committing: bool,
}

impl Worker {
    fn new(reader: Arc<Reader>, durability: RedbDurability, intake: Intake) -> Self {
        Self { intake, reader, durability, stored: Vec::new(), is_committing: false }
    }

    fn run(&mut self) {
        let mut batch = Vec::new();
        while self.write(&mut batch) {}
    }

    /// Makes a batch and answers each of its callers. An empty one is filled from the queue first;
    /// false if that has ended.
    fn write(&mut self, batch: &mut Vec<Attempted>) -> bool {
        let ended = loop {
            match self.attempt_caught(batch) {
                Ok(Ended::Done) => break Ok(()),
                Ok(Ended::Again) => {}
                Ok(Ended::NoWork) => return false,
                Err(aborted) => {
                    // What was to follow them has failed, and redb writes no more.
                    self.intake.has_parts = false;
                    // If it failed while no caller waited, the next work gets the error.
                    if batch.is_empty() && matches!(self.intake.gather(batch), Gathered::Ended) {
                        return false;
                    }
                    break Err(aborted);
                }
            }
        };
        self.intake.settle(batch.len());
        answer(batch, &ended);
        true
    }

    /// One transaction, unless the file is damaged.
    fn attempt_caught(&mut self, batch: &mut Vec<Attempted>) -> Result<Ended, Aborted> {
        let damage = self.reader.damage.clone();
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
        let unwritten = |error: redb::Error| Aborted::Unwritten(reader.damage.cause_of(error));
        let transaction = reader.database().and_then(|it| Ok(it.begin_write()?)).map_err(unwritten)?;
        let mut tables = Tables::of(&transaction, &mut self.stored).map_err(unwritten)?;
        if batch.is_empty() {
            if matches!(self.intake.gather(batch), Gathered::Ended) {
                return Ok(Ended::NoWork);
            }
            // A read may have met a failing disk since, or damage: begin again, which fails if
            // redb takes no more transactions.
            if reader.damage.has_failed() {
                return Ok(Ended::Again);
            }
        }
        if is_compaction(batch) {
            drop(tables);
            transaction.abort().map_err(|error| unwritten(error.into()))?;
            if let [Attempted { failed, .. }] = batch.as_mut_slice() {
                *failed = compact::compact(&reader).err();
            }
            return Ok(Ended::Done);
        }
        loop {
            tables.now = reader.clock.now();
            match make(&mut tables, batch, &reader.fences) {
                Ok(Made::Whole) => {}
                Ok(Made::Undone) => {
                    drop(tables);
                    transaction.abort().map_err(|error| unwritten(error.into()))?;
                    return Ok(Ended::Again);
                }
                Err(error) => return Err(unwritten(error)),
            }
            if !self.intake.holds_back(batch) {
                break;
            }
            answer(batch, &Ok(()));
            self.intake.gather(batch);
            if is_compaction(batch) || batch.iter().any(|piece| piece.job.work.may_fail_half_way()) {
                // It needs a transaction that can be given up.
                let changed = tables.changed;
                drop(tables);
                return self.commit(transaction, changed, Reason::Parts).map(|_| Ended::Again);
            }
        }
        let changed = tables.changed;
        drop(tables);
        let is_flush = batch.iter().any(|piece| matches!(piece.job.work, Work::Flush));
        self.commit(transaction, changed, if is_flush { Reason::Flush } else { Reason::Calls })
    }

    /// Commits what changed, and waits for the disk unless nobody asked for that.
    fn commit(
        &mut self,
        mut transaction: WriteTransaction,
        changed: u64,
        reason: Reason,
    ) -> Result<Ended, Aborted> {
        let reader = Arc::clone(&self.reader);
        let unwritten = |error: redb::Error| Aborted::Unwritten(reader.damage.cause_of(error));
        let on_flush = matches!(self.durability, RedbDurability::OnFlush);
        let is_durable = match reason {
            Reason::Calls => !on_flush,
            Reason::Flush => true,
            Reason::Parts => false,
        };
        if changed == 0 && !(is_durable && (self.intake.has_parts || on_flush)) {
            transaction.abort().map_err(|error| unwritten(error.into()))?;
            return Ok(Ended::Done);
        }
        if !is_durable {
            transaction.set_durability(Durability::None).map_err(|error| unwritten(error.into()))?;
        }
        // redb frees the pages that a durable commit replaced at its end, before it returns. A read
        // that begins before the commit leaves them to the next one. So callers wait less long.
        let put_off = if is_durable && changed <= FEW_CHANGES { reader.begin_read().ok() } else { None };
        self.is_committing = true;
        let committed = transaction.commit();
        drop(put_off);
        // Before anybody hears of the commit, and after a failed one, too, which may have taken
        // place.
        reader.forget_latest();
        committed.map_err(|error| match error {
            CommitError::TransactionPoisoned => unwritten(error.into()),
            error => Aborted::Unknown(reader.damage.cause_of(error.into())),
        })?;
        self.intake.has_parts = !is_durable && !on_flush;
        let counters = &self.intake.counters;
        counters.commits.fetch_add(1, Ordering::Relaxed);
        counters.durable.fetch_add(u64::from(is_durable), Ordering::Relaxed);
        counters.records.fetch_add(changed, Ordering::Relaxed);
        Ok(Ended::Done)
    }
}

/// Makes the pieces that have not failed yet.
fn make(tables: &mut Tables<'_>, batch: &mut [Attempted], fences: &Fences) -> Result<Made, redb::Error> {
    for Attempted { job, done, failed } in batch.iter_mut().filter(|piece| piece.failed.is_none()) {
        let before = tables.changed;
        match tables.make(&job.work) {
            Ok(made) => {
                if let (Work::Write(_, batch), Done::Written) = (&job.work, made) {
                    batch.iter().for_each(|write| fences.void(write.key().as_str()));
                }
                *done = made;
            }
            Err(Failure::Own(error)) => {
                *failed = Some(error);
                if tables.changed != before {
                    return Ok(Made::Undone);
                }
            }
            Err(Failure::Engine(error)) => return Err(error),
        }
    }
    Ok(Made::Whole)
}

/// Answers each of the callers.
fn answer(batch: &mut Vec<Attempted>, ended: &Result<(), Aborted>) {
    for Attempted { job: Job { work, reply, room }, done, failed } in batch.drain(..) {
        let answer = match (failed, ended) {
            (Some(own), _) => Err(own),
            (None, Ok(())) => Ok(done),
            (None, Err(aborted)) => Err(aborted.to_error(&work)),
        };
        // A caller that is gone needs no answer.
        drop(reply.send(answer));
        // The room is given back when the memory is.
        drop(work);
        drop(room);
    }
}

fn is_compaction(batch: &[Attempted]) -> bool {
    matches!(batch, [Attempted { job: Job { work: Work::Compact, .. }, .. }])
}

impl Aborted {
    fn to_error(&self, work: &Work) -> Error {
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
