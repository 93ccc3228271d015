//! The system's timer: one thread, which wakes all that wait.
//!
//! tokio's own timer panics in a runtime that was built without it, and there is no way to ask. So
//! it is not used, except in a test that has paused tokio's clock: there only tokio knows when a
//! second is over.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::no_timer::NoTimer;
use crate::maybe_send::BoxFuture;
use crate::system_time::instant;

/// Waits for `duration` from now on, on whatever executor polls the future.
pub(super) fn sleep(duration: Duration) -> Result<BoxFuture<'static, ()>, NoTimer> {
    if is_tokio_paused() {
        return Ok(Box::pin(tokio::time::sleep(duration)));
    }
    start()?;
    Ok(Box::pin(Wait { due: instant().checked_add(duration), alarm: None }))
}

/// Whether a test has paused or moved the clock of the tokio runtime that this thread is in. Such a
/// clock lags behind the system's.
fn is_tokio_paused() -> bool {
    let before = instant();
    let tokio = tokio::time::Instant::now().into_std();
    tokio < before || tokio > instant()
}

static ALARMS: Mutex<Alarms> =
    Mutex::new(Alarms { wakers: BTreeMap::new(), next: 0, wakes_at: None, is_started: false });
/// Tells the thread that it has to wake earlier than it meant to.
static EARLIER: Condvar = Condvar::new();

struct Alarms {
    /// Whom to wake and when; the number tells those of one moment apart.
    wakers: BTreeMap<(Instant, u64), Waker>,
    next: u64,
    /// When the thread looks at them next; `None` if it waits for the first one.
    wakes_at: Option<Instant>,
    is_started: bool,
}

fn alarms() -> MutexGuard<'static, Alarms> {
    // Nothing panics while it is locked but the allocator, which aborts.
    ALARMS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread, unless it runs.
fn start() -> Result<(), NoTimer> {
    let mut alarms = alarms();
    if !alarms.is_started {
        std::thread::Builder::new().name("kv-timer".to_owned()).spawn(run).map_err(|_| NoTimer)?;
        alarms.is_started = true;
    }
    Ok(())
}

fn run() {
    let mut alarms = alarms();
    loop {
        let now = instant();
        let later = alarms.wakers.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut alarms.wakers, later);
        if !due.is_empty() {
            drop(alarms);
            for waker in due.into_values() {
                // A waker is the executor's code. If it panics, the others have to be woken all the
                // same.
                let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
            }
            alarms = self::alarms();
            continue;
        }
        alarms.wakes_at = alarms.wakers.first_key_value().map(|((at, _), _)| *at);
        alarms = match alarms.wakes_at {
            Some(at) => {
                let woken = EARLIER.wait_timeout(alarms, at.saturating_duration_since(now));
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
            None => EARLIER.wait(alarms).unwrap_or_else(PoisonError::into_inner),
        };
    }
}

/// Ends at a moment; never, if that is too far away for an `Instant`.
struct Wait {
    due: Option<Instant>,
    /// Its place among the alarms.
    alarm: Option<(Instant, u64)>,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(due) = self.due else { return Poll::Pending };
        if due <= instant() {
            return Poll::Ready(());
        }
        let mut alarms = alarms();
        let number = *self.alarm.get_or_insert_with(|| {
            alarms.next += 1;
            (due, alarms.next)
        });
        // What it replaces is dropped without the lock: a waker is the executor's code.
        let replaced = alarms.wakers.insert(number, context.waker().clone());
        let is_earlier = alarms.wakes_at.is_none_or(|at| due < at);
        if is_earlier {
            // So that the next one does not wake the thread for the same.
            alarms.wakes_at = Some(due);
        }
        drop(alarms);
        if is_earlier {
            EARLIER.notify_one();
        }
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(number) = self.alarm.take() {
            let removed = alarms().wakers.remove(&number);
            drop(removed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::task::Wake;

    use super::*;

    const SHORT: Duration = Duration::from_millis(5);

    /// Tells its channel when it is woken.
    struct Notifier(mpsc::Sender<()>);

    impl Wake for Notifier {
        fn wake(self: std::sync::Arc<Self>) {
            // Nobody waits for it if the receiver is gone.
            let _ = self.0.send(());
        }
    }

    fn block_on(mut work: BoxFuture<'static, ()>) {
        let (notified, woken) = mpsc::channel();
        let waker = Waker::from(std::sync::Arc::new(Notifier(notified)));
        while work.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            woken.recv_timeout(Duration::from_secs(10)).expect("the thread wakes it");
        }
    }

    #[test]
    fn it_waits_without_a_runtime() {
        let before = instant();
        block_on(sleep(SHORT).expect("a thread"));
        assert!(before.elapsed() >= SHORT);
    }

    #[test]
    fn a_short_wait_that_begins_behind_a_long_one_ends_first() {
        let mut long = sleep(Duration::from_secs(3_600)).expect("a thread");
        let mut context = Context::from_waker(Waker::noop());
        assert!(long.as_mut().poll(&mut context).is_pending());
        block_on(sleep(SHORT).expect("a thread"));
        assert!(long.as_mut().poll(&mut context).is_pending());
        assert!(sleep(Duration::MAX).expect("a thread").as_mut().poll(&mut context).is_pending());
    }

    #[test]
    fn a_waker_that_panics_keeps_nobody_waiting() {
        struct Panics;
        impl Wake for Panics {
            fn wake(self: std::sync::Arc<Self>) {
                panic!("on purpose");
            }
        }
        let mut panics = sleep(SHORT).expect("a thread");
        let waker = Waker::from(std::sync::Arc::new(Panics));
        assert!(panics.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        block_on(sleep(2 * SHORT).expect("a thread"));
        block_on(sleep(SHORT).expect("a thread"));
    }

    #[test]
    fn a_runtime_without_time_is_enough() {
        let timeless = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        timeless.block_on(async { sleep(SHORT).expect("a thread").await });
    }

    #[tokio::test(start_paused = true)]
    async fn a_paused_clock_decides() {
        let (before, system) = (tokio::time::Instant::now(), instant());
        sleep(Duration::from_secs(3_600)).expect("tokio's").await;
        assert_eq!(before.elapsed(), Duration::from_secs(3_600));
        assert!(system.elapsed() < Duration::from_secs(60));
    }
}
