//! Which transaction begins when, after a lost race.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;

use super::places::{LONGEST_TURN, SHORTEST_TURN};
use super::{FairQueue, Place};
use crate::key::Key;
use crate::system_time::instant;
use crate::timer::Timer;

const LONG: Duration = Duration::from_secs(60);

fn keys(text: &str) -> Vec<Key> {
    text.split_whitespace().map(Key::from_text).collect()
}

fn place(queue: &FairQueue, written: &str, read: &str) -> Place {
    queue.place(keys(written).iter(), keys(read).iter())
}

fn may_begin(place: &Place) -> bool {
    place.wait(&Timer::system(), || LONG).now_or_never().is_some()
}

#[tokio::test]
async fn transactions_on_one_record_begin_one_after_the_other() {
    let queue = FairQueue::new();
    assert!(queue.place_if_written(keys("a").iter()).is_none());
    let (first, second) = (place(&queue, "a", ""), place(&queue, "a b", ""));
    let (third, reader) = (place(&queue, "b", ""), place(&queue, "c", "a"));
    let others = place(&queue, "d", "");
    let after_reader = place(&queue, "e", "c a");
    assert!(may_begin(&first) && may_begin(&others));
    assert!(!may_begin(&second) && !may_begin(&third) && !may_begin(&reader));
    drop(first);
    assert!(may_begin(&second) && !may_begin(&third) && !may_begin(&reader));
    drop(second);
    // Readers keep nobody waiting.
    assert!(may_begin(&third) && may_begin(&reader) && !may_begin(&after_reader));
    let new = queue.place_if_written(keys("b").iter()).expect("it is written");
    assert!(!may_begin(&new));
    drop(third);
    assert!(may_begin(&new) && may_begin(&place(&queue, "b", "")));
    drop((new, others, reader, after_reader));
    assert_eq!(queue.lines.places.records(), 0);
    assert!(queue.place_if_written(keys("b").iter()).is_none());
}

#[tokio::test]
async fn a_place_that_ends_wakes_the_next_one() {
    let queue = FairQueue::new();
    let (first, second, reader) = (place(&queue, "a", ""), place(&queue, "a", ""), place(&queue, "", "a"));
    let begin = instant();
    // Longer than the test may take, so that nobody is removed.
    (0..200).for_each(|_| queue.note_attempt(LONG));
    let wait = |place: Place| {
        tokio::spawn(async move {
            place.wait(&Timer::system(), || LONG).await;
            place
        })
    };
    let (second, reader) = (wait(second), wait(reader));
    tokio::task::yield_now().await;
    drop(first);
    drop(second.await.expect("it ends"));
    drop(reader.await.expect("it ends"));
    assert!(begin.elapsed() < LONGEST_TURN);
}

#[tokio::test]
async fn one_in_the_middle_may_give_up() {
    let queue = FairQueue::new();
    let [first, second, reader, third] = [("a", ""), ("a b", ""), ("", "a b"), ("b a", "")]
        .map(|(written, read)| place(&queue, written, read));
    drop(second);
    assert!(may_begin(&first) && !may_begin(&third) && !may_begin(&reader));
    drop(first);
    assert!(may_begin(&third) && may_begin(&reader));
}

#[tokio::test]
async fn nobody_waits_long_for_a_place_that_is_not_used() {
    let queue = FairQueue::new();
    let slow: Vec<_> = (0..3).map(|_| place(&queue, "a", "")).collect();
    let begin = instant();
    let last = place(&queue, "a", "");
    last.wait(&Timer::system(), || LONG).await;
    assert!(begin.elapsed() >= 3 * SHORTEST_TURN);
    assert!(!slow.iter().any(Place::is_held) && last.is_held());
    // One that has lost its place takes another one.
    assert!(!queue.extend_place(&slow[0], keys("b").iter(), [].iter()));
    drop(slow);
    assert_eq!((queue.lines.places.records(), queue.lines.places.are_taken()), (1, true));
}

#[tokio::test]
async fn nobody_waits_past_its_own_deadline() {
    let queue = FairQueue::new();
    let first = place(&queue, "a", "");
    let begin = instant();
    place(&queue, "a", "").wait(&Timer::system(), || Duration::ZERO).await;
    assert!(begin.elapsed() < LONG && first.is_held());
}

#[tokio::test]
async fn records_are_added_to_a_place_where_it_stands() {
    let queue = FairQueue::new();
    let (first, second) = (place(&queue, "a", ""), place(&queue, "b", "c"));
    assert!(may_begin(&first) && may_begin(&second));
    assert!(queue.extend_place(&first, keys("b").iter(), keys("a").iter()));
    assert!(may_begin(&first) && !may_begin(&second));
    // What was read may be written, too.
    assert!(queue.extend_place(&second, keys("c b").iter(), [].iter()));
    let third = place(&queue, "", "c");
    drop(first);
    assert!(may_begin(&second) && !may_begin(&third));
    drop((second, third));
    assert_eq!(queue.lines.places.records(), 0);
}

#[tokio::test]
async fn a_namespace_takes_places_at_the_engines_records() {
    let queue = FairQueue::new();
    let inner = place(&queue.within("acme:"), "a", "");
    assert!(queue.place_if_written(keys("acme:a").iter()).is_some());
    assert!(queue.place_if_written(keys("a").iter()).is_none());
    drop(inner);
    assert_eq!(queue.lines.tickets.load(Ordering::Relaxed), 0);
}
