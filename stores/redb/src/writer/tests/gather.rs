//! Work that is skipped, and parts of longer writes.

use std::time::Duration;

use kv_store::store::GetOptions;

use super::super::gather::Gathered;
use super::*;

#[test]
fn work_whose_caller_is_gone_is_skipped() {
    let (mut worker, _) = worker();
    let (queue, jobs) = mpsc::channel();
    worker.intake.jobs = jobs;
    drop(submit(&queue, put("a")));
    let mut kept = submit(&queue, put("b"));
    drop(submit(&queue, put("c")));
    assert!(worker.write(&mut Vec::new()), "there is work");
    assert!(matches!(kept.try_recv(), Ok(Ok(Done::Written))));
    assert_eq!(keys(&worker), ["b"]);
    assert_eq!(worker.intake.counters.skipped.load(Ordering::Relaxed), 2);
    drop(queue);
    assert!(!worker.write(&mut Vec::new()), "there is no more work");
}

fn part(text: &str) -> Work {
    Work::Write(Vec::new(), Batch::from(put(text)).as_part())
}

/// How many commits waited for the disk.
fn durable(worker: &Worker) -> u64 {
    worker.intake.counters.durable.load(Ordering::Relaxed)
}

/// A worker that waits, and does not get tired of waiting for parts.
fn patient(mut worker: Worker) -> (Sender<Job>, JoinHandle<Worker>) {
    worker.intake.parts_wait = Duration::from_secs(3_600);
    waiting(worker)
}

/// Submits work whose caller is gone.
fn submit_gone(queue: &Sender<Job>, work: Work) {
    let (reply, answer) = oneshot::channel();
    drop(answer);
    queue.send(Job { room: room(&work), work, reply }).expect("a queue");
}

fn is_made(answer: oneshot::Receiver<Result<Done>>) -> bool {
    matches!(answer.blocking_recv(), Ok(Ok(Done::Written)))
}

#[test]
fn parts_are_committed_with_the_write_that_ends_them() {
    let (worker, _) = worker();
    let (reader, counters) = (Arc::clone(&worker.reader), Arc::clone(&worker.intake.counters));
    let (queue, thread) = patient(worker);
    for text in ["a", "b"] {
        assert!(is_made(submit_work(&queue, part(text))));
        // What cannot be read yet does not count as over.
        assert!(
            reader
                .get(&key(text), GetOptions::new())
                .now_or_never()
                .expect("is ready")
                .expect("is read")
                .is_none()
        );
        assert_eq!(counters.answered.load(Ordering::SeqCst), 0);
    }
    submit_gone(&queue, part("skipped"));
    assert!(is_made(submit_work(&queue, puts(Vec::new()))));
    let mut worker = thread.join().expect("no panic");
    assert_eq!(keys(&worker), ["a", "b"]);
    assert_eq!((commits(&worker), durable(&worker)), (1, 1));
    assert_eq!(counters.answered.load(Ordering::SeqCst), 4);
    // There is nothing to end.
    assert!(write(&mut worker, vec![puts(Vec::new())])[0].is_ok());
    assert_eq!(commits(&worker), 1);
}

#[test]
fn parts_that_become_too_large_are_committed() {
    let (mut worker, _) = worker();
    worker.intake.parts_bytes = part("a").bytes() + part("b").bytes();
    let (queue, thread) = patient(worker);
    assert!(is_made(submit_work(&queue, part("a"))));
    assert!(is_made(submit_work(&queue, part("b"))));
    let worker = thread.join().expect("no panic");
    assert_eq!((keys(&worker).len(), commits(&worker), durable(&worker)), (2, 1, 1));
}

#[test]
fn a_write_beside_parts_commits_them() {
    let (worker, _) = worker();
    let (queue, thread) = patient(worker);
    assert!(is_made(submit_work(&queue, part("a"))));
    let absent = vec![Condition::new(key("a"), Expect::Absent)];
    let conflict = submit_work(&queue, commit(absent, vec![put("a")])).blocking_recv();
    assert!(matches!(conflict, Ok(Ok(Done::Conflict(0)))), "{conflict:?}");
    // The caller that lost to the part can read it now.
    let worker = thread.join().expect("no panic");
    assert_eq!((keys(&worker), durable(&worker)), (vec!["a".to_owned()], 1));
}

#[test]
fn parts_that_nothing_follows_become_durable_by_themselves() {
    let (worker, _) = worker();
    let (queue, thread) = waiting(worker);
    assert!(is_made(submit_work(&queue, part("a"))));
    let mut worker = thread.join().expect("no panic");
    assert_eq!((keys(&worker), durable(&worker)), (vec!["a".to_owned()], 1));
    drop(queue);
    assert!(!worker.write(&mut Vec::new()), "there is no work");
}

#[test]
fn a_commit_that_fails_half_way_undoes_no_part() {
    let (worker, _) = worker();
    damage_record(&worker);
    let (queue, thread) = patient(worker);
    assert!(is_made(submit_work(&queue, part("a"))));
    let update = Write::Update(key("damaged"), NewRecord::new("{}", Metadata::default()));
    let failed = submit_work(&queue, commit(Vec::new(), vec![put("b"), update])).blocking_recv();
    assert!(matches!(failed, Ok(Err(Error::Malformed { .. }))), "{failed:?}");
    let worker = thread.join().expect("no panic");
    assert_eq!((keys(&worker), durable(&worker)), (vec!["a".to_owned(), "damaged".to_owned()], 1));
}

#[test]
fn a_part_that_is_refused_undoes_no_other() {
    let (worker, _) = worker();
    let (queue, thread) = patient(worker);
    assert!(is_made(submit_work(&queue, part("a"))));
    let mut too_long = NewRecord::new("{}", Metadata::default());
    too_long.metadata.set_foreign("theirs", "x".repeat(70_000).into()).expect("is not ours");
    let records = vec![(key("b"), NewRecord::new("{}", Metadata::default())), (key("c"), too_long)];
    let refused =
        submit_work(&queue, Work::Write(Vec::new(), Batch::puts(records).as_part())).blocking_recv();
    assert!(matches!(refused, Ok(Err(Error::MetadataTooLong { .. }))), "{refused:?}");
    assert!(is_made(submit_work(&queue, Work::Flush)));
    let worker = thread.join().expect("no panic");
    assert_eq!((keys(&worker), commits(&worker)), (vec!["a".to_owned()], 1));
}

#[test]
fn of_two_records_under_one_key_the_later_one_remains() {
    let (mut worker, _) = worker();
    let record = |text: &str, value: &str| (key(text), NewRecord::new(value.to_owned(), Metadata::default()));
    let records =
        vec![record("b", "1"), record("a", "1"), record("b", "2"), record("a", "2"), record("b", "3")];
    assert!(write(&mut worker, vec![puts(records)])[0].is_ok());
    let value = |text| {
        let found = worker
            .reader
            .get(&key(text), GetOptions::new())
            .now_or_never()
            .expect("is ready")
            .expect("is read");
        found.map(|record| record.value.to_vec())
    };
    assert_eq!((value("a"), value("b")), (Some(b"2".to_vec()), Some(b"3".to_vec())));
}

#[test]
fn a_call_counts_as_over_when_those_before_it_do() {
    let (mut worker, _) = worker();
    let (queue, jobs) = mpsc::channel();
    worker.intake.jobs = jobs;
    let answered = |worker: &Worker| worker.intake.counters.answered.load(Ordering::SeqCst);
    drop(submit(&queue, put("skipped first")));
    let _kept = submit(&queue, put("a"));
    drop(submit(&queue, put("skipped among others")));
    let mut batch = Vec::new();
    assert!(worker.intake.gather(&mut batch) == Gathered::Work);
    assert_eq!(answered(&worker), 1, "the one before the batch");
    assert!(worker.write(&mut batch), "there is work");
    assert_eq!(answered(&worker), 3);
}

fn commit_part(condition: Condition, writes: Vec<Write>) -> Work {
    Work::Write(vec![condition], Batch::from(writes).as_part())
}

fn absent(text: &str) -> Condition {
    Condition::new(key(text), Expect::Absent)
}

#[test]
fn commits_as_parts_are_made_in_one_transaction_by_key() {
    let (worker, _) = worker();
    let (queue, thread) = patient(worker);
    let entry = |text| Write::AddEntry(key(text));
    let first = commit_part(absent("b"), vec![put("b"), entry("b!2"), put("a"), entry("b!1")]);
    assert!(is_made(submit_work(&queue, first)));
    // Its condition sees the part before it.
    let present = Condition::new(key("b"), Expect::Present);
    let writes = vec![Write::RemoveEntry(key("b!2")), Write::Delete(key("a")), put("c"), put("c")];
    assert!(is_made(submit_work(&queue, commit_part(present, writes))));
    assert!(is_made(submit_work(&queue, puts(Vec::new()))));
    let worker = thread.join().expect("no panic");
    assert_eq!(keys(&worker), ["b", "b!1", "c"]);
    assert_eq!((commits(&worker), durable(&worker)), (1, 1));
}

#[test]
fn a_commit_that_loses_to_a_part_can_read_it() {
    let (worker, _) = worker();
    let reader = Arc::clone(&worker.reader);
    let (queue, thread) = patient(worker);
    assert!(is_made(submit_work(&queue, commit_part(absent("a"), vec![put("a")]))));
    let lost = submit_work(&queue, commit_part(absent("a"), vec![put("a"), put("b")])).blocking_recv();
    assert!(matches!(lost, Ok(Ok(Done::Conflict(0)))), "{lost:?}");
    let read = reader.get(&key("a"), GetOptions::new()).now_or_never().expect("is ready").expect("is read");
    assert!(read.is_some());
    let worker = thread.join().expect("no panic");
    assert_eq!((keys(&worker), durable(&worker)), (vec!["a".to_owned()], 1));
}

#[test]
fn a_commit_that_is_refused_undoes_no_part() {
    let (worker, _) = worker();
    let (queue, thread) = patient(worker);
    assert!(is_made(submit_work(&queue, commit_part(absent("a"), vec![put("a")]))));
    let mut too_long = NewRecord::new("{}", Metadata::default());
    too_long.metadata.set_foreign("theirs", "x".repeat(70_000).into()).expect("is not ours");
    let writes = vec![put("b"), Write::Put(key("c"), too_long)];
    let refused = submit_work(&queue, commit_part(absent("b"), writes)).blocking_recv();
    assert!(matches!(refused, Ok(Err(Error::MetadataTooLong { .. }))), "{refused:?}");
    assert!(is_made(submit_work(&queue, Work::Flush)));
    let worker = thread.join().expect("no panic");
    assert_eq!((keys(&worker), commits(&worker)), (vec!["a".to_owned()], 1));
}
