//! The world of one seed: its random numbers, its clocks, what the store is asked, and what has
//! happened.

use std::fmt::Write;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kv_runtime::{Clock, ManualClock, Timer, Timestamp};

/// The moment at which each run begins.
pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// How long a write of a cache waits for a fill of its id.
const FILL_LIMIT: Duration = Duration::from_secs(1);

/// What the executor runs: a call, or what the library spawned.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A handle on the world; clones are the same.
#[derive(Clone)]
pub struct Sim(Arc<Mutex<State>>);

pub struct State {
    pub rng: fastrand::Rng,
    /// How many things have happened: the order of all events.
    pub step: u64,
    /// What the store has been asked and has not answered, or not carried out.
    pub calls: Vec<Call>,
    alarms: Vec<Alarm>,
    next: u64,
    /// The clock that only moves on.
    elapsed: Duration,
    pub wall: ManualClock,
    /// The moments that the wall clock was moved to, and when.
    pub ticks: Vec<(u64, u64)>,
    pub faults: Faults,
    /// Tasks that the library has spawned and the executor has not taken yet.
    pub spawned: Vec<Task>,
    /// The first step at which the store carried a commit out too late for a cache to wait for it.
    pub late_commit: Option<u64>,
    /// The longest between the sending of a commit and its carrying out.
    pub slowest_commit: Duration,
    log: Option<String>,
}

/// How many of a thousand calls go wrong in this run.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    pub fail: u32,
    pub lose: u32,
    pub hang: u32,
    pub drop: u32,
    pub park: u32,
}

/// A call of the store that is under way.
pub struct Call {
    pub number: u64,
    pub name: &'static str,
    pub is_write: bool,
    /// When it was sent, by the clock that only moves on.
    pub sent_at: Duration,
    /// What the store does, until it has done it.
    pub work: Option<Box<dyn FnOnce() + Send>>,
    /// Ends the call with an error, in the place of the answer.
    pub fail: Option<Box<dyn FnOnce(Failure) + Send>>,
    pub waker: Option<Waker>,
    pub is_answered: bool,
    pub is_hung: bool,
    /// Its caller is gone.
    pub is_dropped: bool,
}

/// How a call fails.
#[derive(Clone, Copy, Debug)]
pub enum Failure {
    /// It was not carried out.
    Refused,
    /// Nobody knows.
    Unknown,
}

struct Alarm {
    number: u64,
    due: Duration,
    waker: Option<Waker>,
}

impl State {
    /// Notes that the store carries out what was asked then. `is_unheard`: its caller has gone on.
    pub fn note_commit(&mut self, name: &str, sent_at: Duration, is_unheard: bool) {
        if name != "commit" {
            return;
        }
        let took = self.elapsed.saturating_sub(sent_at);
        self.slowest_commit = self.slowest_commit.max(took);
        if is_unheard || took >= FILL_LIMIT {
            self.late_commit.get_or_insert(self.step);
        }
    }
}

impl Sim {
    pub fn new(seed: u64, is_shown: bool) -> Self {
        // What the library draws for its pauses.
        fastrand::seed(seed);
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut faults = Faults::default();
        // One run in three has none of a kind, so that what depends on the absence of one is tried,
        // too.
        let mut rate = |most| if rng.u32(..3) == 0 { 0 } else { rng.u32(..most) };
        (faults.fail, faults.lose, faults.hang) = (rate(120), rate(120), rate(60));
        (faults.drop, faults.park) = (rate(60), rate(120));
        Self(Arc::new(Mutex::new(State {
            rng,
            step: 0,
            calls: Vec::new(),
            alarms: Vec::new(),
            next: 0,
            elapsed: Duration::ZERO,
            wall: ManualClock::new(START),
            ticks: Vec::new(),
            faults,
            spawned: Vec::new(),
            late_commit: None,
            slowest_commit: Duration::ZERO,
            log: is_shown.then(String::new),
        })))
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub fn below(&self, end: usize) -> usize {
        self.state().rng.usize(..end)
    }

    /// Whether something that happens so often in a thousand happens now.
    pub fn chance(&self, in_a_thousand: u32) -> bool {
        self.state().rng.u32(..1_000) < in_a_thousand
    }

    /// The clock of the stores: a test's for the time of day, and this world's for waiting.
    pub fn clock(&self) -> Clock {
        let sim = self.clone();
        let wall = self.state().wall.clone();
        Clock::from(&wall).with_timer(Timer::new(move |duration| sim.sleep(duration)))
    }

    /// The next step, at which something happens.
    pub fn step(&self, what: impl FnOnce() -> String) -> u64 {
        let mut state = self.state();
        state.step += 1;
        let step = state.step;
        if let Some(log) = &mut state.log {
            // Writing to a `String` cannot fail.
            let _ = writeln!(log, "{step:5} {}", what());
        }
        step
    }

    pub fn shown(&self) -> String {
        self.state().log.clone().unwrap_or_default()
    }

    /// Sets the time of day.
    pub fn set_wall(&self, to: Timestamp) {
        let step = self.step(|| format!("it is {} ms", to.as_millis() as i64 - START.as_millis() as i64));
        let mut state = self.state();
        state.wall.set(to);
        state.ticks.push((step, to.as_millis()));
    }

    /// Moves the time of day on.
    pub fn pass(&self, duration: Duration) {
        let now = self.state().wall.now();
        self.set_wall(now.saturating_add(duration));
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let mut state = self.state();
        state.next += 1;
        let (number, due) = (state.next, state.elapsed + duration);
        state.alarms.push(Alarm { number, due, waker: None });
        Sleep { sim: self.clone(), number, due }
    }

    /// Moves the clock that only moves on to the next alarm; false if there is none.
    pub fn wait(&self) -> bool {
        let state = self.state();
        let awaited = state.alarms.iter().filter(|alarm| alarm.waker.is_some());
        let Some(next) = awaited.map(|alarm| alarm.due).min() else { return false };
        let rest = next.saturating_sub(state.elapsed);
        drop(state);
        self.elapse(rest);
        true
    }

    /// Moves the clock that only moves on, and not the time of day.
    pub fn elapse(&self, duration: Duration) {
        let mut state = self.state();
        state.elapsed += duration;
        let now = state.elapsed;
        let time_of_day = state.wall.now();
        state.wall.advance(duration);
        state.wall.set_time_of_day(time_of_day);
        let due = state.alarms.iter_mut().filter(|alarm| alarm.due <= now);
        let wakers: Vec<Waker> = due.filter_map(|alarm| alarm.waker.take()).collect();
        drop(state);
        self.step(|| format!("{now:?} have passed"));
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Sets the time of day, and lets no time pass. A history does not see it.
    pub fn set_time_of_day(&self, to: Timestamp) {
        self.step(|| format!("somebody sets the time of day to {to:?}"));
        self.state().wall.set_time_of_day(to);
    }

    /// How much time has passed.
    pub fn elapsed(&self) -> Duration {
        self.state().elapsed
    }
}

/// Ends when the clock that only moves on has come so far.
struct Sleep {
    sim: Sim,
    number: u64,
    due: Duration,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.sim.state();
        if self.due <= state.elapsed {
            return Poll::Ready(());
        }
        let own = state.alarms.iter_mut().find(|alarm| alarm.number == self.number);
        own.expect("it is there until this is dropped").waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.sim.state().alarms.retain(|alarm| alarm.number != self.number);
    }
}
