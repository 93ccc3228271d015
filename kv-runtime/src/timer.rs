//! Waiting: by the system's timer, by another runtime's, or until a test moves its clock.

#[cfg(not(target_arch = "wasm32"))]
mod thread;

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{self, Either};

use crate::clock::ManualClock;
use crate::maybe_send::{BoxFuture, MaybeSend, MaybeSync};

/// How the library waits: for a rate, a timeout, or the pause before a retry.
///
/// A timer belongs to a [`Clock`](crate::Clock) and so to a store. The system's clock waits by
/// [`Timer::system`]. On wasm32 it cannot wait until it is given a timer
/// ([`Clock::with_timer`](crate::Clock::with_timer)). A manual clock waits until it is moved, so
/// that a test decides when a second is over.
///
/// ```
/// use kv_runtime::{Clock, Timer, store::MemoryStore};
///
/// // Another runtime's timer; in a Cloudflare Worker, `Timer::new(worker::Delay::from)`.
/// let timer = Timer::new(|duration| async move { std::thread::sleep(duration) });
/// let store = MemoryStore::with_clock(Clock::system().with_timer(timer));
/// ```
#[derive(Clone)]
pub struct Timer(Kind);

#[derive(Clone)]
enum Kind {
    #[cfg(not(target_arch = "wasm32"))]
    System,
    None,
    Manual(ManualClock),
    Custom(Arc<dyn Start + Send + Sync>),
}

trait Start: MaybeSend + MaybeSync {
    fn start(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

impl<F, W> Start for F
where
    F: Fn(Duration) -> W + MaybeSend + MaybeSync,
    W: Future<Output = ()> + MaybeSend + 'static,
{
    fn start(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self(duration))
    }
}

impl Timer {
    /// The system's timer, which works on every executor: tokio, smol, or a `block_on` of one's
    /// own.
    ///
    /// It needs no time driver of tokio's. A thread named `kv-timer` starts with the first wait,
    /// and wakes all that wait. In a test that pauses tokio's clock the timer follows that clock.
    /// Fails with [`NoTimer`] only if the thread cannot be started.
    #[cfg(not(target_arch = "wasm32"))]
    #[must_use]
    pub const fn system() -> Self {
        Self(Kind::System)
    }

    /// No timer: whatever has to wait fails with [`NoTimer`].
    #[must_use]
    pub const fn none() -> Self {
        Self(Kind::None)
    }

    /// A timer of the application's: `sleep` gives a future that ends after a duration. It is `Send`
    /// and `Sync` on wasm32, too, so that a store's handle is.
    #[must_use]
    pub fn new<F, W>(sleep: F) -> Self
    where
        F: Fn(Duration) -> W + Send + Sync + 'static,
        W: Future<Output = ()> + MaybeSend + 'static,
    {
        Self(Kind::Custom(Arc::new(sleep)))
    }

    /// The timer of the system's clock.
    pub(crate) const fn default_of_system() -> Self {
        #[cfg(not(target_arch = "wasm32"))]
        return Self::system();
        #[cfg(target_arch = "wasm32")]
        return Self::none();
    }

    /// Begins to wait for `duration`, from now on. Fails at once, not when the future is polled, if
    /// there is no timer.
    pub fn sleep(&self, duration: Duration) -> Result<Sleep, NoTimer> {
        match &self.0 {
            #[cfg(not(target_arch = "wasm32"))]
            Kind::System => thread::sleep(duration).map(Sleep),
            Kind::None => Err(NoTimer),
            Kind::Manual(manual) => Ok(Sleep(manual.sleep(duration))),
            Kind::Custom(timer) => Ok(Sleep(timer.start(duration))),
        }
    }

    /// Waits about `duration` before a step that must come whatever the clock shows: the next
    /// attempt of an update, or the end of the wait for a turn. So it does not wait for the hand of
    /// a manual clock. Where there is no timer it gives way to other tasks.
    pub(crate) fn pause(&self, duration: Duration) -> Sleep {
        #[cfg(not(target_arch = "wasm32"))]
        if let Kind::System | Kind::Manual(_) = &self.0
            && let Ok(sleep) = thread::sleep(duration)
        {
            return Sleep(sleep);
        }
        match &self.0 {
            Kind::Custom(timer) => Sleep(timer.start(duration)),
            _ => Sleep(Box::pin(give_way(YIELDS))),
        }
    }

    /// Drives `work` for at most `limit`; `None` if it has not ended by then, and was dropped. Without a timer the work is not begun.
    pub async fn timeout<F: Future>(&self, limit: Duration, work: F) -> Result<Option<F::Output>, NoTimer> {
        let sleep = self.sleep(limit)?;
        match future::select(pin!(work), sleep).await {
            Either::Left((output, _)) => Ok(Some(output)),
            Either::Right(((), _)) => Ok(None),
        }
    }
}

/// Waits until the clock is moved so far.
impl From<&ManualClock> for Timer {
    fn from(manual: &ManualClock) -> Self {
        Self(Kind::Manual(manual.clone()))
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            #[cfg(not(target_arch = "wasm32"))]
            Kind::System => "Timer::system",
            Kind::None => "Timer::none",
            Kind::Manual(_) => "Timer::manual",
            Kind::Custom(_) => "Timer::new",
        })
    }
}

/// A wait that has begun: [`Timer::sleep`].
#[must_use = "a future waits only while it is awaited"]
pub struct Sleep(BoxFuture<'static, ()>);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").finish_non_exhaustive()
    }
}

/// How often a pause gives way to other tasks where there is no timer.
const YIELDS: u32 = 32;

/// Returns to the executor so many times.
async fn give_way(times: u32) {
    for _ in 0..times {
        let mut given = false;
        future::poll_fn(|context| {
            if std::mem::replace(&mut given, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// Something has to wait, and there is no timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("waiting needs a timer: set one on the store's clock (`Clock::with_timer`)")]
pub struct NoTimer;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::clock::{Clock, Timestamp};

    const SECOND: Duration = Duration::from_secs(1);

    fn manual() -> (Timer, ManualClock) {
        let manual = ManualClock::new(Timestamp::from_millis(1_000));
        (Clock::from(&manual).timer().clone(), manual)
    }

    #[test]
    fn a_manual_clock_wakes_who_waits() {
        let (timer, clock) = manual();
        let mut sleep = timer.sleep(SECOND).expect("a manual clock waits");
        assert_eq!((&mut sleep).now_or_never(), None);
        clock.advance(SECOND / 2);
        assert_eq!((&mut sleep).now_or_never(), None);
        clock.advance(SECOND / 2);
        assert_eq!(sleep.now_or_never(), Some(()));
        assert_eq!(timer.sleep(Duration::ZERO).expect("a manual clock waits").now_or_never(), Some(()));
    }

    #[tokio::test]
    async fn a_sleeping_task_is_woken_by_the_hand() {
        let (timer, clock) = manual();
        let sleeper = tokio::spawn(timer.sleep(SECOND).expect("a manual clock waits"));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(SECOND);
        sleeper.await.expect("the sleeper ends");
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_drops_what_is_late() {
        let timer = Clock::system().timer().clone();
        let before = tokio::time::Instant::now();
        assert_eq!(timer.timeout(SECOND, future::pending::<()>()).await, Ok(None));
        assert_eq!(before.elapsed(), SECOND);
        assert_eq!(timer.timeout(SECOND, async { 5 }).await, Ok(Some(5)));
    }

    #[test]
    fn a_pause_needs_no_timer_and_no_hand() {
        let (manual, _) = manual();
        block_on(manual.pause(Duration::from_millis(1)));
        block_on(Timer::none().pause(SECOND));
    }

    /// Polls on this thread, and parks it in between.
    fn block_on(work: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work);
    }

    #[test]
    fn without_a_timer_no_work_is_begun() {
        let work = async { unreachable!("it must not be polled") };
        assert_eq!(
            Timer::none().timeout::<_>(SECOND, work).now_or_never(),
            Some(Err::<Option<()>, _>(NoTimer))
        );
    }

    #[test]
    fn a_timer_of_the_applications_is_asked() {
        let (_, clock) = manual();
        let hand = clock.clone();
        let timer = Timer::new(move |duration| {
            hand.advance(duration);
            future::ready(())
        });
        let clock_with_timer = Clock::from(&clock).with_timer(timer);
        let sleep = clock_with_timer.timer().sleep(SECOND).expect("a timer of its own");
        assert_eq!(sleep.now_or_never(), Some(()));
        assert_eq!(clock.now(), Timestamp::from_millis(2_000));
    }
}
