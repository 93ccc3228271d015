//! Who waits for whom, and for how long.

use futures_util::FutureExt;

use super::*;
use crate::system_time::instant;

fn key(text: &str) -> Key {
    Key::from_text(text)
}

fn queued(queue: &FairQueue) -> usize {
    queue.lines.tickets.load(Ordering::Relaxed)
}

#[tokio::test]
async fn turns_come_in_the_order_of_arrival() {
    let (queue, timer) = (FairQueue::new(), Timer::system());
    let (a, b) = (key("a"), key("b"));
    let first = queue.turn(&a, &timer).now_or_never().expect("nobody is before it");
    let mut second = Box::pin(queue.turn(&a, &timer));
    let mut third = Box::pin(queue.turn_if_contended(&a, &timer));
    assert!((&mut second).now_or_never().is_none() && (&mut third).now_or_never().is_none());
    // Nobody queues for another record.
    assert!(queue.turn_if_contended(&b, &timer).now_or_never().expect("no wait").is_none());
    drop(first);
    let second = second.now_or_never().expect("it is its turn");
    assert!((&mut third).now_or_never().is_none() && second.is_held());
    drop(second);
    drop(third.now_or_never().expect("it is its turn"));
    assert_eq!((queued(&queue), queue.lines.lock().len()), (0, 0));
}

#[tokio::test]
async fn whoever_gives_up_lets_the_next_one_pass() {
    let (queue, timer) = (FairQueue::new(), Timer::system());
    let first = queue.turn(&key("a"), &timer).await;
    let a = key("a");
    let mut second = Box::pin(queue.turn(&a, &timer));
    assert!((&mut second).now_or_never().is_none());
    let third = queue.clone();
    let third = tokio::spawn(async move { third.turn(&key("a"), &Timer::system()).await });
    tokio::task::yield_now().await;
    drop(second);
    drop(first);
    drop(third.await.expect("it ends"));
    assert_eq!(queued(&queue), 0);
}

#[tokio::test]
async fn nobody_waits_long_for_a_turn_that_is_not_used() {
    let (queue, timer) = (FairQueue::new(), Timer::system());
    let slow = queue.turn(&key("a"), &timer).await;
    let before = instant();
    let second = queue.turn(&key("a"), &timer).await;
    assert!(before.elapsed() >= LONGEST_WAIT);
    assert!(!slow.is_held() && second.is_held());
    // That it ends later takes the turn from nobody.
    drop(slow);
    assert!(second.is_held());
    drop(second);
    assert_eq!(queued(&queue), 0);
}

#[tokio::test]
async fn whoever_is_woken_and_not_polled_is_passed_sooner() {
    let queue = FairQueue::new();
    let stalled = queue.lines.join("a".into());
    let mut waker = None;
    let store = pin!(poll_fn(|context| {
        waker = Some(context.waker().clone());
        Poll::<()>::Pending
    }));
    assert!(stalled.poll(store, &Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(stalled.presence.absence(), None);
    // Its store has answered.
    waker.expect("it was polled").wake();
    assert_eq!(stalled.presence.absence(), Some(1));
    let second = queue.lines.join("a".into());
    // By one look: with this timer's pauses the second would never end otherwise.
    let looks = std::sync::atomic::AtomicUsize::new(0);
    let looks: &'static std::sync::atomic::AtomicUsize = Box::leak(Box::new(looks));
    let timer = Timer::new(move |_| {
        looks.fetch_add(1, Ordering::Relaxed);
        std::future::ready(())
    });
    second.wait(&timer).await;
    assert_eq!((looks.load(Ordering::Relaxed), stalled.is_held()), (1, false));
    // One that waits for its store is waited for.
    let store = pin!(std::future::pending::<()>());
    assert!(second.poll(store, &Context::from_waker(Waker::noop())).is_pending());
    let third = queue.lines.join("a".into());
    third.wait(&timer).await;
    assert!(looks.load(Ordering::Relaxed) > 3);
}

#[test]
fn without_a_timer_the_wait_ends_too() {
    let (queue, timer) = (FairQueue::new(), Timer::none());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let stalled = queue.turn(&key("a"), &timer).await;
        drop(queue.turn(&key("a"), &timer).await);
        assert!(!stalled.is_held());
    });
}

#[test]
fn a_namespace_queues_by_the_keys_of_the_engine() {
    let (queue, timer) = (FairQueue::new(), Timer::system());
    let tenant = queue.within("tenant:").within("acme:");
    let held = tenant.turn(&key("user:7"), &timer).now_or_never();
    assert!(queue.turn_if_contended(&key("user:7"), &timer).now_or_never().expect("no wait").is_none());
    let engine_key = key("tenant:acme:user:7");
    assert!(queue.turn_if_contended(&engine_key, &timer).now_or_never().is_none());
    drop(held);
    assert!(!queue.is_contended());
}
