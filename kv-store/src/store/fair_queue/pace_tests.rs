//! Who begins when, after a lost race.

use std::time::Duration;

use super::FairQueue;
use super::pace::{FEW, LONGEST_WAIT};
use crate::key::Key;

const MILLI: Duration = Duration::from_millis(1);

fn queue() -> FairQueue {
    let queue = FairQueue::new();
    (0..100).for_each(|_| queue.note_attempt(8 * MILLI));
    queue
}

fn about(wait: Duration, millis: u32) -> bool {
    wait.abs_diff(millis * MILLI) < MILLI
}

#[test]
fn attempts_on_one_record_come_one_after_the_other() {
    let (queue, now) = (queue(), Duration::from_secs(5));
    let [a, b, c] = ["a", "b", "c"].map(Key::from_text);
    let reserve =
        |written: &[&Key], read: &[&Key]| queue.reserve(written.iter().copied(), read.iter().copied(), now);
    assert_eq!(queue.reserved([&a].into_iter(), || now), Duration::ZERO);
    assert!(about(reserve(&[&a], &[]), 0));
    assert!(about(reserve(&[&a, &b], &[]), 8));
    assert!(about(reserve(&[&b], &[]), 16));
    // Readers wait for those who write, and keep nobody waiting.
    assert!(about(reserve(&[&c], &[&a]), 16));
    assert!(about(reserve(&[&a], &[]), 16));
    assert!(about(queue.reserved([&a].into_iter(), || now), 24));
    // What is past is past.
    assert_eq!(queue.reserved([&a].into_iter(), || now + 30 * MILLI), Duration::ZERO);
}

#[test]
fn nobody_waits_for_longer_than_the_bound() {
    let (queue, now) = (queue(), Duration::from_secs(5));
    let a = Key::from_text("a");
    let waits: Vec<_> = (0..1_000).map(|_| queue.reserve([&a].into_iter(), [].into_iter(), now)).collect();
    assert_eq!(waits.into_iter().max(), Some(LONGEST_WAIT));
    assert!(queue.reserved([&a].into_iter(), || now) <= LONGEST_WAIT);
}

#[test]
fn a_namespace_reserves_time_on_the_engines_records() {
    let (queue, now) = (queue(), Duration::from_secs(5));
    queue.within("acme:").reserve([&Key::from_text("a")].into_iter(), [].into_iter(), now);
    let wait = |key| queue.reserved([&Key::from_text(key)].into_iter(), || now);
    assert_eq!((about(wait("acme:a"), 8), wait("a")), (true, Duration::ZERO));
}

#[test]
fn what_has_passed_is_forgotten() {
    let queue = queue();
    for number in 0..10_000_u32 {
        let key = Key::from_text(format!("k:{number}"));
        queue.reserve([&key].into_iter(), [].into_iter(), 10 * MILLI * number);
    }
    assert!(queue.lines.pace.len() <= FEW + 1);
}
