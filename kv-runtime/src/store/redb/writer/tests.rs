//! The writer without its thread: which pieces of work meet in one transaction is in the test's hands.

use redb::ReadableDatabase;
use tempfile::TempDir;

use super::super::file::{self, RECORDS};
use super::*;
use crate::clock::Clock;
use crate::key::Key;
use crate::record::{Expiry, Metadata, NewRecord};
use crate::store::{Condition, Expect, Write};

fn worker() -> (Worker, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let database = file::open(&directory.path().join("test.redb"), None).expect("a new file");
    let reader = Arc::new(Reader::new(database, Clock::system()));
    let durability = RedbDurability::Immediate;
    (Worker { reader, durability, counters: Arc::default(), stored: Vec::new() }, directory)
}

fn key(text: &str) -> Key {
    Key::from_text(text)
}

fn put(text: &str) -> Write {
    Write::Put(key(text), NewRecord::new("{}", Metadata::default()))
}

/// Makes the work as one batch; the answers in its order.
fn write(worker: &mut Worker, works: Vec<Work>) -> Vec<Result<Done>> {
    let (mut batch, mut answers) = (Vec::new(), Vec::new());
    for work in works {
        let (reply, answer) = oneshot::channel();
        batch.push(Attempted::new(Job { work, reply }));
        answers.push(answer);
    }
    worker.write(&mut batch);
    answers.into_iter().map(|mut answer| answer.try_recv().expect("an answer")).collect()
}

fn keys(worker: &Worker) -> Vec<String> {
    use redb::ReadableTable;
    let records = worker.reader.database().begin_read().expect("a transaction").open_table(RECORDS);
    let records = records.expect("the table");
    records.iter().expect("a range").map(|entry| entry.expect("an entry").0.value().to_owned()).collect()
}

fn commits(worker: &Worker) -> u64 {
    worker.counters.commits.load(Ordering::Relaxed)
}

#[test]
fn a_batch_is_one_commit_and_each_piece_sees_the_ones_before_it() {
    let (mut worker, _directory) = worker();
    let absent = || vec![Condition::new(key("a"), Expect::Absent)];
    let works = vec![
        Work::Commit(absent(), vec![put("a"), put("b")]),
        Work::Commit(absent(), vec![put("c")]),
        Work::Write(Write::Delete(key("b"))),
        Work::Commit(vec![Condition::new(key("b"), Expect::Present)], vec![put("d")]),
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
    let (mut worker, _directory) = worker();
    let works = vec![
        Work::Write(Write::Delete(key("a"))),
        Work::Commit(vec![Condition::new(key("a"), Expect::Present)], vec![put("a")]),
        Work::Write(Write::Touch(key("a"), Expiry::Never)),
        Work::PutMany(Vec::new()),
        Work::Sweep(10),
        Work::Flush,
    ];
    assert!(write(&mut worker, works).iter().all(Result::is_ok));
    assert_eq!(commits(&worker), 0);
}

#[test]
fn a_piece_that_fails_half_way_is_undone_alone() {
    let (mut worker, _directory) = worker();
    let transaction = worker.reader.database().begin_write().expect("a transaction");
    transaction
        .open_table(RECORDS)
        .expect("the table")
        .insert("damaged", &b"\xFFK\x01"[..])
        .expect("an insert");
    transaction.commit().expect("a commit");
    let mut too_long = NewRecord::new("{}", Metadata::default());
    too_long.metadata.set_foreign("theirs", "x".repeat(70_000).into()).expect("is not ours");

    let works = vec![
        Work::Write(put("a")),
        Work::Commit(Vec::new(), vec![put("b"), Write::Update(key("damaged"), too_long.clone())]),
        Work::PutMany(vec![(key("c"), NewRecord::new("{}", Metadata::default())), (key("d"), too_long)]),
        Work::Commit(vec![Condition::new(key("b"), Expect::Absent)], vec![put("e")]),
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
