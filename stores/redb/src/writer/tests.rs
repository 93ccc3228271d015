//! The writer without its thread: which pieces of work meet in one transaction is in the test's
//! hands.

mod gather;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::FutureExt;
use kv_store::Clock;
use kv_store::key::Key;
use kv_store::record::{Expiry, Metadata, NewRecord};
use kv_store::store::{Batch, Condition, Expect, GetOptions, Write};
use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase, StorageBackend};

use super::super::damage::Damage;
use super::super::file::create_tables;
use super::super::layout::RECORDS;
use super::super::read::OpenFile;
use super::*;
use crate::queue::Room;

/// A disk that can be made to fail.
#[derive(Debug)]
struct Disk {
    memory: InMemoryBackend,
    fails: Arc<AtomicBool>,
    reads: Arc<AtomicU64>,
}

impl Disk {
    fn or_failed(&self) -> io::Result<&InMemoryBackend> {
        let fails = self.fails.load(Ordering::Relaxed);
        if fails { Err(io::Error::other("the disk is gone")) } else { Ok(&self.memory) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.memory.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.or_failed()?.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.memory.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.or_failed()?.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.memory.write(offset, data)
    }
}

/// A writer, and what makes its disk fail.
fn worker() -> (Worker, Arc<AtomicBool>) {
    let (worker, fails, _) = worker_with(&mut Database::builder());
    (worker, fails)
}

/// The same, and how often the disk was read.
fn worker_with(options: &mut redb::Builder) -> (Worker, Arc<AtomicBool>, Arc<AtomicU64>) {
    let (fails, reads) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
    let disk = Disk { memory: InMemoryBackend::new(), fails: Arc::clone(&fails), reads: Arc::clone(&reads) };
    let database = options.create_with_backend(disk).expect("a new file");
    create_tables(&database).expect("a first commit");
    let reader = Arc::new(Reader::new(
        OpenFile::Writable(Arc::new(database)),
        Clock::system(),
        Damage::unknown("test.redb".as_ref()),
    ));
    let durability = RedbDurability::Immediate;
    let counters = Arc::default();
    // All work is given by hand: the queue has ended.
    let (_, jobs) = mpsc::channel();
    let worker = Worker::new(reader, durability, Intake::of(jobs, counters));
    (worker, fails, reads)
}

fn key(text: &str) -> Key {
    Key::from_text(text)
}

fn put(text: &str) -> Write {
    Write::Put(key(text), NewRecord::new("{}", Metadata::default()))
}

fn one(write: Write) -> Work {
    Work::Write(Vec::new(), write.into())
}

fn puts(records: Vec<(Key, NewRecord)>) -> Work {
    Work::Write(Vec::new(), Batch::puts(records))
}

fn commit(conditions: Vec<Condition>, writes: Vec<Write>) -> Work {
    Work::Write(conditions, writes.into())
}

/// Room in an empty queue.
fn room(work: &Work) -> Room {
    let queue = Arc::new(Queue::new(usize::MAX));
    queue.enter(work.bytes()).now_or_never().flatten().expect("an empty queue")
}

/// Makes the work as one batch; the answers in its order.
fn write(worker: &mut Worker, works: Vec<Work>) -> Vec<Result<Done>> {
    let (mut batch, mut answers) = (Vec::new(), Vec::new());
    for work in works {
        let (reply, answer) = oneshot::channel();
        batch.push(Attempted::new(Job { room: room(&work), work, reply }));
        answers.push(answer);
    }
    assert!(worker.write(&mut batch), "there is work");
    answers.into_iter().map(|mut answer| answer.try_recv().expect("an answer")).collect()
}

fn keys(worker: &Worker) -> Vec<String> {
    use redb::ReadableTable;
    let records =
        worker.reader.database().expect("is open").begin_read().expect("a transaction").open_table(RECORDS);
    let records = records.expect("the table");
    records.iter().expect("a range").map(|entry| entry.expect("an entry").0.value().to_owned()).collect()
}

fn commits(worker: &Worker) -> u64 {
    worker.intake.counters.commits.load(Ordering::Relaxed)
}

#[test]
fn a_batch_is_one_commit_and_each_piece_sees_the_ones_before_it() {
    let (mut worker, _) = worker();
    let absent = || vec![Condition::new(key("a"), Expect::Absent)];
    let works = vec![
        commit(absent(), vec![put("a"), put("b")]),
        commit(absent(), vec![put("c")]),
        one(Write::Delete(key("b"))),
        commit(vec![Condition::new(key("b"), Expect::Present)], vec![put("d")]),
    ];
    let answers = write(&mut worker, works);
    assert!(
        matches!(
            answers[..],
            [Ok(Done::Written), Ok(Done::Conflict(0)), Ok(Done::Written), Ok(Done::Conflict(0))]
        ),
        "{answers:?}"
    );
    assert_eq!((keys(&worker), commits(&worker)), (vec!["a".to_owned()], 1));
}

#[test]
fn what_changes_nothing_costs_no_commit() {
    let (mut worker, _) = worker();
    let works = vec![
        one(Write::Delete(key("a"))),
        commit(vec![Condition::new(key("a"), Expect::Present)], vec![put("a")]),
        one(Write::Touch(key("a"), Expiry::Never)),
        puts(Vec::new()),
        Work::Sweep(10),
        Work::Flush,
    ];
    assert!(write(&mut worker, works).iter().all(Result::is_ok));
    assert_eq!(commits(&worker), 0);
}

/// Makes `damaged` a record that cannot be read.
fn damage_record(worker: &Worker) {
    let transaction = worker.reader.database().expect("is open").begin_write().expect("a transaction");
    transaction
        .open_table(RECORDS)
        .expect("the table")
        .insert("damaged", &b"\xFFK\x01"[..])
        .expect("an insert");
    transaction.commit().expect("a commit");
}

#[test]
fn a_piece_that_fails_half_way_is_undone_alone() {
    let (mut worker, _) = worker();
    damage_record(&worker);
    let mut too_long = NewRecord::new("{}", Metadata::default());
    too_long.metadata.set_foreign("theirs", "x".repeat(70_000).into()).expect("is not ours");

    let works = vec![
        one(put("a")),
        commit(Vec::new(), vec![put("b"), Write::Update(key("damaged"), too_long.clone())]),
        puts(vec![(key("c"), NewRecord::new("{}", Metadata::default())), (key("d"), too_long)]),
        commit(vec![Condition::new(key("b"), Expect::Absent)], vec![put("e")]),
    ];
    let answers = write(&mut worker, works);
    assert!(matches!(answers[0], Ok(Done::Written)), "{answers:?}");
    assert!(matches!(answers[1], Err(Error::Malformed { .. })), "{answers:?}");
    assert!(
        matches!(answers[2], Err(Error::MetadataTooLong { len: 70_013, max: 65_535, .. })),
        "{answers:?}"
    );
    assert!(matches!(answers[3], Ok(Done::Written)), "{answers:?}");
    assert_eq!((keys(&worker), commits(&worker)), (vec!["a".into(), "damaged".into(), "e".into()], 1));
}

#[test]
fn a_commit_that_fails_on_its_way_to_the_disk_has_an_unknown_outcome() {
    let (mut worker, fails) = worker();
    let mut too_long = NewRecord::new("{}", Metadata::default());
    too_long.metadata.set_foreign("theirs", "x".repeat(70_000).into()).expect("is not ours");
    assert!(write(&mut worker, vec![one(put("a"))])[0].is_ok());
    fails.store(true, Ordering::Relaxed);
    let works = vec![one(put("b")), one(Write::Put(key("c"), too_long)), one(put("d"))];
    let answers = write(&mut worker, works);
    for answer in [&answers[0], &answers[2]] {
        let Err(error @ Error::OutcomeUnknown { .. }) = answer else { panic!("{answers:?}") };
        let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        assert!(cause.contains("the disk is gone"), "{cause}");
    }
    assert!(matches!(answers[1], Err(Error::MetadataTooLong { .. })), "{answers:?}");

    // redb writes no more before the file is opened again, and each write says so.
    fails.store(false, Ordering::Relaxed);
    let answers = write(&mut worker, vec![one(put("e"))]);
    assert!(matches!(answers[0], Err(Error::Store { retryable: false, .. })), "{answers:?}");
}

#[test]
fn an_update_keeps_the_expiry_that_the_same_commit_gave() {
    let (mut worker, _) = worker();
    let expiring = |text: &str, millis| {
        let record = NewRecord::new("{}", Metadata::default());
        Write::Put(key(text), record.with_expiry(Expiry::At(kv_store::Timestamp::from_millis(millis))))
    };
    let update = |text: &str| Write::Update(key(text), NewRecord::new("[]", Metadata::default()));
    let present = |text: &str| Condition::new(key(text), Expect::Present);
    let (first, then) = (5_000_000_000_000, 6_000_000_000_000);
    let works = vec![
        one(expiring("a", first)),
        one(expiring("b", first)),
        // What the condition beside the second update has found is no longer there.
        commit(
            vec![present("b"), present("a"), present("a")],
            vec![update("b"), expiring("a", then), update("a")],
        ),
    ];
    assert!(write(&mut worker, works).iter().all(|answer| matches!(answer, Ok(Done::Written))));
    let expiry = |text| {
        worker
            .reader
            .get(&key(text), GetOptions::head())
            .now_or_never()
            .expect("is ready")
            .expect("is read")
            .and_then(|head| head.expires_at)
    };
    let millis = |text| expiry(text).map(kv_store::Timestamp::as_millis);
    assert_eq!((millis("a"), millis("b")), (Some(then), Some(first)));
}

/// A worker that waits on a thread with a transaction begun, and its queue.
fn waiting(mut worker: Worker) -> (Sender<Job>, JoinHandle<Worker>) {
    let (queue, jobs) = mpsc::channel();
    worker.intake.jobs = jobs;
    let reader = Arc::clone(&worker.reader);
    let thread = thread::spawn(move || {
        assert!(worker.write(&mut Vec::new()), "there is work");
        worker
    });
    // redb has one write transaction at a time.
    while reader.database().expect("is open").try_begin_write().is_ok() {
        thread::yield_now();
    }
    (queue, thread)
}

fn submit(queue: &Sender<Job>, write: Write) -> oneshot::Receiver<Result<Done>> {
    submit_work(queue, one(write))
}

fn submit_work(queue: &Sender<Job>, work: Work) -> oneshot::Receiver<Result<Done>> {
    let (reply, answer) = oneshot::channel();
    queue.send(Job { room: room(&work), work, reply }).expect("a queue");
    answer
}

#[test]
fn a_transaction_that_was_begun_takes_the_work_that_comes() {
    let (worker, _) = worker();
    let (queue, thread) = waiting(worker);
    let mut answer = submit(&queue, put("a"));
    let mut worker = thread.join().expect("no panic");
    assert!(matches!(answer.try_recv(), Ok(Ok(Done::Written))));
    assert_eq!((keys(&worker), commits(&worker)), (vec!["a".to_owned()], 1));
    drop(queue);
    assert!(!worker.write(&mut Vec::new()), "there is no more work");
}

#[test]
fn a_transaction_that_cannot_begin_fails_the_next_work() {
    let (mut worker, fails) = worker();
    fails.store(true, Ordering::Relaxed);
    assert!(matches!(write(&mut worker, vec![one(put("a"))])[0], Err(Error::OutcomeUnknown { .. })));
    // From now on redb refuses to begin one.
    let (queue, jobs) = mpsc::channel();
    worker.intake.jobs = jobs;
    let mut answer = submit(&queue, put("b"));
    assert!(worker.write(&mut Vec::new()), "there is work");
    let answer = answer.try_recv().expect("an answer");
    let Err(error @ Error::Store { retryable: false, .. }) = &answer else { panic!("{answer:?}") };
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    assert!(cause.contains("I/O error"), "{cause}");
    drop(queue);
    assert!(!worker.write(&mut Vec::new()), "there is no more work");
}

#[test]
fn a_transaction_that_was_begun_writes_nothing_once_damage_is_found() {
    let (worker, _) = worker();
    let damage = worker.reader.damage.clone();
    let (queue, thread) = waiting(worker);
    damage.meet();
    let mut answer = submit(&queue, put("a"));
    let worker = thread.join().expect("no panic");
    let answer = answer.try_recv().expect("an answer");
    let Err(error @ Error::Store { retryable: false, .. }) = &answer else { panic!("{answer:?}") };
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    assert!(cause.contains("damaged"), "{cause}");
    assert_eq!((keys(&worker), commits(&worker)), (Vec::new(), 0));
}

#[test]
fn a_disk_that_fails_a_read_while_the_writer_waits_leaves_the_next_write_undone() {
    // Without a cache, so that a read asks the disk; without a record, so that a write would not
    // ask it before its commit.
    let (worker, fails, reads) = worker_with(Database::builder().set_cache_size(0));
    let reader = Arc::clone(&worker.reader);
    // The read must not fail before the writer has opened its tables, which takes so many reads.
    let count = || reads.load(Ordering::Relaxed);
    let before = count();
    let transaction = reader.database().expect("is open").begin_write().expect("a transaction");
    drop(Tables::of(&transaction, &mut Vec::new()).expect("the tables"));
    let opening = count() - before;
    assert!(opening > 0, "the tables are opened from the disk");
    drop(transaction);
    let opened = count() + opening;
    let (queue, thread) = waiting(worker);
    while count() < opened {
        thread::yield_now();
    }
    fails.store(true, Ordering::Relaxed);
    assert!(matches!(
        reader.get(&key("a"), GetOptions::new()).now_or_never(),
        Some(Err(Error::Store { .. }))
    ));
    fails.store(false, Ordering::Relaxed);
    // redb writes no more before the file is opened again, which is known before anything is on its
    // way to the disk.
    let mut answer = submit(&queue, put("b"));
    drop(thread.join().expect("no panic"));
    let answer = answer.try_recv().expect("an answer");
    assert!(matches!(answer, Err(Error::Store { retryable: false, .. })), "{answer:?}");
}
