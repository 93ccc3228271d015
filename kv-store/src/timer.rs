//! Timers: the system's, another runtime's, or a test's clock that is moved by hand.

mod no_timer;
#[cfg(not(target_arch = "wasm32"))]
mod thread;

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{self, Either};

use crate::manual_clock::ManualClock;
use crate::maybe_send::{BoxFuture, MaybeSend, MaybeSync};

pub use no_timer::NoTimer;

/// Waits for the library: for a rate, a timeout, or the pause before a retry.
///
/// A timer belongs to a [`Clock`](crate::Clock), and the clock to a store. The system's clock uses
/// [`Timer::system`]. On wasm32 it needs a timer of the application
/// ([`Clock::with_timer`](crate::Clock::with_timer)). A manual clock waits until a test moves it.
///
/// ```
/// # extern crate kv_runtime_store as kv_runtime;
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
    /// Returns the system's timer. It works on every executor: tokio, smol, or a plain `block_on`.
    ///
    /// It does not need tokio's time driver. The first wait starts a thread named `kv-timer`, which
    /// wakes all waiting calls. In a test that pauses tokio's clock, the timer follows that clock.
    /// A wait fails with [`NoTimer`] only if the thread cannot be started.
    #[cfg(not(target_arch = "wasm32"))]
    #[must_use]
    pub const fn system() -> Self {
        Self(Kind::System)
    }

    /// Returns a timer that cannot wait. Calls that have to wait fail with [`NoTimer`].
    #[must_use]
    pub const fn none() -> Self {
        Self(Kind::None)
    }

    /// Returns a timer that uses the application's `sleep`. It returns a future that completes
    /// after the given time. `sleep` must be `Send` and `Sync` on wasm32 as well, so that a store's
    /// handle is.
    #[must_use]
    pub fn new<F, W>(sleep: F) -> Self
    where
        F: Fn(Duration) -> W + Send + Sync + 'static,
        W: Future<Output = ()> + MaybeSend + 'static,
    {
        Self(Kind::Custom(Arc::new(sleep)))
    }

    /// Returns the timer of the system's clock.
    pub(crate) const fn default_of_system() -> Self {
        #[cfg(not(target_arch = "wasm32"))]
        return Self::system();
        #[cfg(target_arch = "wasm32")]
        return Self::none();
    }

    /// Starts to wait for `duration`. The time counts from this call.
    ///
    /// # Errors
    ///
    /// Returns [`NoTimer`] at once if there is no timer.
    pub fn sleep(&self, duration: Duration) -> Result<Sleep, NoTimer> {
        match &self.0 {
            #[cfg(not(target_arch = "wasm32"))]
            Kind::System => thread::sleep(duration).map(Sleep),
            Kind::None => Err(NoTimer),
            Kind::Manual(manual) => Ok(Sleep(manual.sleep(duration))),
            Kind::Custom(timer) => Ok(Sleep(timer.start(duration))),
        }
    }

    /// Waits about `duration` of real time, even if the clock is a manual one: before the next
    /// attempt of an update, or for a turn. Without a timer it yields to other tasks.
    #[doc(hidden)]
    pub fn pause(&self, duration: Duration) -> Sleep {
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

    /// Polls `work` for at most `limit`. Returns `None` if it has not completed by then, and drops
    /// it. Without a timer, fails before it polls `work`.
    pub async fn timeout<F: Future>(&self, limit: Duration, work: F) -> Result<Option<F::Output>, NoTimer> {
        let sleep = self.sleep(limit)?;
        match future::select(pin!(work), sleep).await {
            Either::Left((output, _)) => Ok(Some(output)),
            Either::Right(((), _)) => Ok(None),
        }
    }
}

/// Waits until the clock is moved to this time.
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

/// A running wait, returned by [`Timer::sleep`].
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

/// How often a pause yields to other tasks if there is no timer.
const YIELDS: u32 = 32;

/// Yields to the executor this many times.
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::clock::Clock;
    use crate::timestamp::Timestamp;

    const SECOND: Duration = Duration::from_secs(1);

    fn manual() -> (Timer, ManualClock) {
        let manual = ManualClock::new(Timestamp::from_millis(1_000));
        (Clock::from(&manual).timer().clone(), manual)
    }

    #[test]
    fn a_manual_clock_wakes_waiting_calls() {
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
