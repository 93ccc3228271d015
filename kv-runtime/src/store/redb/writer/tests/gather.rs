//! Work that is skipped, and parts of longer writes.

use super::super::gather::Gathered;
use super::*;

#[test]
fn work_whose_caller_is_gone_is_skipped() {
    let (mut worker, _) = worker();
    let (queue, jobs) = mpsc::channel();
    worker.jobs = jobs;
    drop(submit(&queue, put("a")));
    let mut kept = submit(&queue, put("b"));
    drop(submit(&queue, put("c")));
    assert!(worker.write(&mut Vec::new()), "there is work");
    assert!(matches!(kept.try_recv(), Ok(Ok(Done::Written))));
    assert_eq!(keys(&worker), ["b"]);
    assert_eq!(worker.counters.skipped.load(Ordering::Relaxed), 2);
    drop(queue);
    assert!(!worker.write(&mut Vec::new()), "there is no more work");
}

fn part(text: &str) -> Work {
    Work::PutPart(vec![(key(text), NewRecord::new("{}", Metadata::default()))])
}

/// How many commits waited for the disk.
fn durable(worker: &Worker) -> u64 {
    worker.counters.durable.load(Ordering::Relaxed)
}

#[test]
fn parts_are_durable_with_the_write_that_ends_them() {
    let (mut worker, _) = worker();
    for text in ["a", "b"] {
        assert!(write(&mut worker, vec![part(text)])[0].is_ok());
    }
    assert_eq!((keys(&worker).len(), durable(&worker)), (2, 0));
    assert!(write(&mut worker, vec![Work::PutMany(Vec::new())])[0].is_ok());
    assert_eq!(durable(&worker), 1);
    // Beside a write that waits for the disk a part is durable, too, and there is nothing to end.
    assert!(write(&mut worker, vec![part("c"), Work::Write(put("d"))]).iter().all(Result::is_ok));
    assert_eq!(durable(&worker), 2);
    assert!(write(&mut worker, vec![Work::PutMany(Vec::new())])[0].is_ok());
    assert_eq!(durable(&worker), 2);
}

#[test]
fn parts_that_nothing_follows_become_durable_by_themselves() {
    let (mut worker, _) = worker();
    let (queue, jobs) = mpsc::channel();
    worker.jobs = jobs;
    assert!(write(&mut worker, vec![part("a")])[0].is_ok());
    assert_eq!(durable(&worker), 0);
    assert!(worker.write(&mut Vec::new()), "it goes on");
    assert_eq!(durable(&worker), 1);
    drop(queue);
    assert!(!worker.write(&mut Vec::new()), "there is no work");
}

#[test]
fn a_call_counts_as_over_when_those_before_it_do() {
    let (mut worker, _) = worker();
    let (queue, jobs) = mpsc::channel();
    worker.jobs = jobs;
    let answered = |worker: &Worker| worker.counters.answered.load(Ordering::SeqCst);
    drop(submit(&queue, put("skipped first")));
    let _kept = submit(&queue, put("a"));
    drop(submit(&queue, put("skipped among others")));
    let mut batch = Vec::new();
    assert!(worker.gather(&mut batch) == Gathered::Work);
    assert_eq!(answered(&worker), 1, "the one before the batch");
    assert!(worker.write(&mut batch), "there is work");
    assert_eq!(answered(&worker), 3);
}
