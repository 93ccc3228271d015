//! Room in the writer's queue: work waits for it in its caller's future.
//!
//! No room is reserved for a waiting future. A future that is woken takes its room when it is
//! polled. If others were faster, it waits again, at its old position. So a future that is never
//! polled again blocks no other.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// How many bytes of work are queued or being written, and the futures that wait to add more.
pub(super) struct Queue {
    max_bytes: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: usize,
    /// The futures that wait and were not woken, in their order. While there are any, some work is
    /// held, and wakes them when it ends.
    waiting: BTreeMap<u64, Waiting>,
    next_place: u64,
    is_closed: bool,
}

struct Waiting {
    bytes: usize,
    waker: Waker,
}

/// Room that a piece of work has in the queue until it is dropped.
pub(super) struct Room {
    queue: Arc<Queue>,
    bytes: usize,
}

/// Waits for room. Returns `None` if the queue is closed.
pub(super) struct Enter<'q> {
    queue: &'q Arc<Queue>,
    bytes: usize,
    turn: Option<u64>,
}

impl Queue {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { max_bytes: max_bytes.max(1), state: Mutex::default() }
    }

    /// Waits until less than the maximum is held. Work that is larger than the rest is accepted as
    /// well. Otherwise small work could keep large work out for any time.
    pub(super) fn enter(self: &Arc<Self>, bytes: usize) -> Enter<'_> {
        Enter { queue: self, bytes: bytes.max(1), turn: None }
    }

    /// Returns how many bytes are queued or being written.
    pub(super) fn held(&self) -> usize {
        self.state().held
    }

    /// Whether nobody takes out of it any more.
    pub(super) fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    /// Wakes all futures that wait, and closes the queue.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let woken = state.first_waiting(usize::MAX);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    fn leave(&self, bytes: usize) {
        let mut state = self.state();
        state.held = state.held.saturating_sub(bytes);
        let woken = match state.held {
            // Nothing is left that would wake the others.
            0 => state.first_waiting(usize::MAX),
            held => state.first_waiting(bytes.min(self.max_bytes.saturating_sub(held))),
        };
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    // Nothing between two changes of the state can panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Removes the first waiting futures, until they have this many bytes.
    fn first_waiting(&mut self, bytes: usize) -> Vec<Waker> {
        let (mut left, mut woken) = (bytes, Vec::new());
        while left > 0 {
            let Some((_, Waiting { bytes, waker })) = self.waiting.pop_first() else { break };
            left = left.saturating_sub(bytes);
            woken.push(waker);
        }
        woken
    }
}

impl Future for Enter<'_> {
    type Output = Option<Room>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Room>> {
        let (queue, bytes) = (self.queue, self.bytes);
        let mut state = queue.state();
        if state.is_closed {
            return Poll::Ready(None);
        }
        let turn = self.turn.unwrap_or(state.next_place);
        let is_next = state.waiting.first_key_value().is_none_or(|(first, _)| *first >= turn);
        if is_next && state.held < queue.max_bytes {
            state.waiting.remove(&turn);
            state.held = state.held.saturating_add(bytes);
            drop(state);
            self.turn = None;
            return Poll::Ready(Some(Room { queue: Arc::clone(queue), bytes }));
        }
        if self.turn.is_none() {
            state.next_place += 1;
        }
        state.waiting.insert(turn, Waiting { bytes, waker: context.waker().clone() });
        drop(state);
        self.turn = Some(turn);
        Poll::Pending
    }
}

/// A waiter that was woken and goes without its room wakes the next one.
impl Drop for Enter<'_> {
    fn drop(&mut self) {
        let Some(turn) = self.turn else { return };
        let mut state = self.queue.state();
        let woken = match state.waiting.remove(&turn) {
            Some(_) => Vec::new(),
            None => state.first_waiting(self.bytes),
        };
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.queue.leave(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll(enter: Pin<&mut Enter<'_>>, woken: &Arc<Woken>) -> Option<Room> {
        match enter.poll(&mut Context::from_waker(&Waker::from(Arc::clone(woken)))) {
            Poll::Ready(room) => Some(room.expect("is not closed")),
            Poll::Pending => None,
        }
    }

    fn times(woken: &Woken) -> usize {
        woken.0.load(Ordering::Relaxed)
    }

    #[test]
    fn work_waits_for_room_and_enters_in_its_order() {
        let queue = Arc::new(Queue::new(10));
        let woken = Arc::<Woken>::default();
        let first = poll(pin!(queue.enter(10)), &woken).expect("there is room");
        let (mut second, mut third) = (pin!(queue.enter(6)), pin!(queue.enter(6)));
        assert!(poll(second.as_mut(), &woken).is_none() && poll(third.as_mut(), &woken).is_none());
        drop(first);
        assert_eq!(times(&woken), 2);
        let second = poll(second, &woken).expect("there is room");
        // The bound is reached by work that is larger than what is left of it.
        let third = poll(third, &woken).expect("there is room");
        assert_eq!(queue.held(), 12);
        assert!(poll(pin!(queue.enter(1)), &woken).is_none());
        drop((second, third));
        assert_eq!(queue.held(), 0);
    }

    #[test]
    fn a_waiter_that_is_never_polled_again_keeps_nobody_out() {
        let queue = Arc::new(Queue::new(10));
        let woken = Arc::<Woken>::default();
        let first = poll(pin!(queue.enter(10)), &woken).expect("there is room");
        let mut unpolled = pin!(queue.enter(10));
        let mut waiting = pin!(queue.enter(10));
        assert!(poll(unpolled.as_mut(), &woken).is_none() && poll(waiting.as_mut(), &woken).is_none());
        drop(first);
        let second = poll(waiting, &woken).expect("there is room");
        assert!(poll(pin!(queue.enter(1)), &woken).is_none());
        drop(second);
        assert!(poll(pin!(queue.enter(1)), &woken).is_some());
    }

    #[test]
    fn a_waiter_that_others_overtook_keeps_its_place() {
        let queue = Arc::new(Queue::new(10));
        let woken = Arc::<Woken>::default();
        let first = poll(pin!(queue.enter(5)), &woken).expect("there is room");
        let held = poll(pin!(queue.enter(5)), &woken).expect("there is room");
        let mut waiting = pin!(queue.enter(5));
        assert!(poll(waiting.as_mut(), &woken).is_none());
        drop(first);
        assert_eq!(times(&woken), 1);
        let fast = poll(pin!(queue.enter(5)), &woken).expect("nobody stands in line");
        let mut later = pin!(queue.enter(5));
        assert!(poll(later.as_mut(), &woken).is_none() && poll(waiting.as_mut(), &woken).is_none());
        drop(fast);
        assert_eq!(times(&woken), 2, "the first in line alone");
        let _room = poll(waiting, &woken).expect("there is room");
        assert!(poll(later, &woken).is_none());
        drop(held);
    }

    #[test]
    fn a_waiter_that_is_dropped_hands_its_turn_on() {
        let queue = Arc::new(Queue::new(10));
        let woken = Arc::<Woken>::default();
        let held = poll(pin!(queue.enter(5)), &woken).expect("there is room");
        let first = poll(pin!(queue.enter(5)), &woken).expect("there is room");
        let mut dropped = Box::pin(queue.enter(5));
        let mut waiting = pin!(queue.enter(5));
        assert!(poll(dropped.as_mut(), &woken).is_none() && poll(waiting.as_mut(), &woken).is_none());
        drop(first);
        assert_eq!(times(&woken), 1);
        drop(dropped);
        assert_eq!(times(&woken), 2);
        assert!(poll(waiting, &woken).is_some());
        drop(held);
    }

    #[test]
    fn a_closed_queue_lets_everybody_go() {
        let queue = Arc::new(Queue::new(1));
        let woken = Arc::<Woken>::default();
        let _held = poll(pin!(queue.enter(1)), &woken).expect("there is room");
        let mut waiting = pin!(queue.enter(1));
        assert!(poll(waiting.as_mut(), &woken).is_none());
        queue.close();
        assert_eq!(times(&woken), 1);
        let polled = waiting.poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(None)));
    }
}
