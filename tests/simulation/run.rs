//! The executor: the seed chooses what happens next, until every call has ended.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use kv_runtime::Timestamp;

use crate::sim::{Failure, Faults, Sim, Task};

/// More steps than any run takes that comes to an end.
const MOST_STEPS: u64 = 20_000;

/// The numbers from here on are of tasks that the library spawned.
const FIRST_TASK: usize = 1_000;

/// Shows whether its task is to be polled.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Running {
    number: usize,
    future: Task,
    flag: Arc<Flag>,
    waker: Waker,
    /// Not polled before this step.
    parked_until: u64,
}

/// How the time of day moves in a run.
#[derive(Clone, Copy)]
pub struct Moves {
    /// How many of a thousand steps move it.
    pub often: u32,
    pub furthest: Duration,
    /// Whether it may go back.
    pub back: bool,
}

/// Something that a scenario lets happen between two steps.
type Event = fn(&Sim);

pub struct Run {
    sim: Sim,
    waiting: Vec<(usize, Task)>,
    running: Vec<Running>,
    moves: Moves,
    /// What else happens, and in how many of a thousand steps.
    also: Option<(u32, Event)>,
}

impl Run {
    pub fn new(sim: &Sim, moves: Moves) -> Self {
        Self { sim: sim.clone(), waiting: Vec::new(), running: Vec::new(), moves, also: None }
    }

    /// A run in which the clocks move in a way of the scenario's own.
    pub fn with(sim: &Sim, often: u32, happens: Event) -> Self {
        let still = Moves { often: 0, furthest: Duration::ZERO, back: false };
        Self { also: Some((often, happens)), ..Self::new(sim, still) }
    }

    pub fn add(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        let number = self.waiting.len();
        self.waiting.push((number, Box::pin(task)));
    }

    /// Runs all tasks as the seed will have it; then lets all that are not held back come to their
    /// end, and then these.
    pub fn finish(mut self) {
        while !self.waiting.is_empty() || (!self.running.is_empty() && self.sim.chance(990)) {
            self.act();
        }
        self.sim.step(|| "nothing goes wrong any more".to_owned());
        self.sim.state().faults = Faults::default();
        self.sim.state().calls.iter_mut().for_each(|call| call.is_hung = false);
        self.settle("a call waits for another one's future, which is not polled");
        self.running.iter_mut().for_each(|task| task.parked_until = 0);
        self.settle("a call does not end");
        // What was sent by those who are gone may come at any time.
        self.carry_out_the_rest();
        let spawned = std::mem::take(&mut self.sim.state().spawned);
        drop(spawned);
    }

    /// Lets everything go on until all tasks have ended but those that are parked.
    fn settle(&mut self, complaint: &str) {
        while self.running.iter().any(|task| !self.is_parked(task)) {
            self.take_spawned();
            let has_gone_on = self.poll_any() || self.answer_any() || self.sim.wait();
            // A call that waits without end may look again and again.
            assert!(has_gone_on && self.sim.state().step < 2 * MOST_STEPS, "{complaint}");
        }
    }

    fn is_parked(&self, task: &Running) -> bool {
        task.parked_until > self.sim.state().step
    }

    fn act(&mut self) {
        let step = self.sim.state().step;
        assert!(step < MOST_STEPS, "it does not come to an end");
        if self.moves.often > 0 && self.sim.chance(self.moves.often) {
            self.move_clock();
        }
        if let Some((often, happens)) = self.also
            && self.sim.chance(often)
        {
            happens(&self.sim);
        }
        self.take_spawned();
        let done = match self.sim.below(10) {
            0..4 => self.poll_any(),
            4..8 => self.answer_any(),
            8 => self.start(),
            _ => self.disturb(),
        };
        if !done && !self.poll_any() && !self.start() && !self.answer_any() && !self.sim.wait() {
            // All are parked, or what they wait for hangs.
            self.sim.step(|| "nothing happens".to_owned());
            if self.sim.chance(100) {
                self.sim.state().calls.iter_mut().for_each(|call| call.is_hung = false);
                self.start_one();
            }
        }
    }

    fn start(&mut self) -> bool {
        let calls = self.running.iter().filter(|task| task.number < FIRST_TASK).count();
        calls < 5 && self.start_one()
    }

    fn start_one(&mut self) -> bool {
        if self.waiting.is_empty() {
            return false;
        }
        let place = self.sim.below(self.waiting.len());
        let (number, future) = self.waiting.swap_remove(place);
        self.run(number, future, 0);
        true
    }

    fn run(&mut self, number: usize, future: Task, parked_until: u64) {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&flag));
        self.running.push(Running { number, future, flag, waker, parked_until });
    }

    /// What an executor makes of the tasks of the library: it runs them, some late, or drops them.
    fn take_spawned(&mut self) {
        let spawned = std::mem::take(&mut self.sim.state().spawned);
        for (place, task) in spawned.into_iter().enumerate() {
            let step = self.sim.step(|| "a task is spawned".to_owned());
            let number = FIRST_TASK * step as usize + place;
            match self.sim.below(6) {
                0 => {
                    self.sim.step(|| format!("task {number} is dropped"));
                    drop(task);
                }
                // Not before all calls have ended.
                1 => self.run(number, task, u64::MAX),
                2 => self.run(number, task, step + 20),
                _ => self.run(number, task, 0),
            }
        }
    }

    /// Polls a task that was woken, and sometimes one that was not.
    fn poll_any(&mut self) -> bool {
        let step = self.sim.state().step;
        let is_ready = |task: &Running| task.parked_until <= step && task.flag.0.load(Ordering::Relaxed);
        let ready: Vec<usize> =
            (0..self.running.len()).filter(|place| is_ready(&self.running[*place])).collect();
        if ready.is_empty() {
            return false;
        }
        let place = ready[self.sim.below(ready.len())];
        let task = &mut self.running[place];
        task.flag.0.store(false, Ordering::Relaxed);
        let number = task.number;
        self.sim.step(|| format!("call {number} is polled"));
        let polled = task.future.as_mut().poll(&mut Context::from_waker(&task.waker));
        if polled.is_ready() {
            self.running.swap_remove(place);
            return true;
        }
        let faults = self.sim.state().faults;
        if self.sim.chance(faults.park) {
            let step = self.sim.step(|| format!("call {number} is parked"));
            // One in three until all others have ended.
            let is_endless = self.sim.chance(333);
            let long = 1 << self.sim.below(8);
            self.running[place].parked_until = if is_endless { u64::MAX } else { step + long };
        }
        true
    }

    /// Drops a task, or wakes one for no reason.
    fn disturb(&mut self) -> bool {
        if self.running.is_empty() {
            return self.sim.wait();
        }
        let place = self.sim.below(self.running.len());
        let number = self.running[place].number;
        let faults = self.sim.state().faults;
        if self.sim.chance(faults.drop * 3) {
            self.sim.step(|| format!("call {number} is dropped"));
            drop(self.running.swap_remove(place));
            return true;
        }
        match self.sim.below(4) {
            0 => {
                self.running[place].flag.0.store(true, Ordering::Relaxed);
                true
            }
            1 => self.sim.wait(),
            _ => false,
        }
    }

    fn move_clock(&self) {
        let now = self.sim.state().wall.now().as_millis();
        let by = self.sim.below(self.moves.furthest.as_millis() as usize + 1) as u64;
        let to = if self.moves.back && self.sim.chance(300) { now - by } else { now + by };
        self.sim.set_wall(Timestamp::from_millis(to));
    }

    /// Carries a call out, answers one, or lets one go wrong.
    fn answer_any(&self) -> bool {
        let mut state = self.sim.state();
        let (faults, calls) = (state.faults, state.calls.len());
        if calls == 0 {
            return false;
        }
        let place = state.rng.usize(..calls);
        let chance = state.rng.u32(..1_000);
        let is_in_two_steps = state.rng.u32(..4) == 0;
        let mut places = (place..calls).chain(0..place);
        let Some(place) = places.find(|place| !state.calls[*place].is_hung) else { return false };
        let call = &mut state.calls[place];
        let (number, name) = (call.number, call.name);
        if call.is_answered || call.is_dropped {
            // Its caller hears nothing any more: it is carried out late, or lost.
            let call = state.calls.swap_remove(place);
            let is_lost = chance < 300;
            if call.work.is_some() && !is_lost {
                state.note_commit(name, call.sent_at, true);
            }
            drop(state);
            if let (Some(work), false) = (call.work, is_lost) {
                self.sim.step(|| format!("{name} {number} is carried out, and nobody hears of it"));
                work();
            }
            return true;
        }
        if chance < faults.hang {
            call.is_hung = true;
            drop(state);
            self.sim.step(|| format!("{name} {number} hangs"));
            return true;
        }
        let failed = if chance < faults.hang + faults.fail {
            Some(Failure::Refused)
        } else if chance < faults.hang + faults.fail + faults.lose {
            Some(if call.is_write { Failure::Unknown } else { Failure::Refused })
        } else {
            None
        };
        let (work, waker) = (call.work.take(), call.waker.take());
        let sent_at = call.sent_at;
        if failed.is_none() && work.is_some() {
            state.note_commit(name, sent_at, false);
        }
        let call = &mut state.calls[place];
        match failed {
            Some(mut failure) => {
                // What was carried out already was not refused.
                if call.is_write && work.is_none() {
                    failure = Failure::Unknown;
                }
                let fail = call.fail.take();
                (call.work, call.is_answered) = (work, true);
                if matches!(failure, Failure::Refused) || call.work.is_none() {
                    state.calls.swap_remove(place);
                }
                drop(state);
                self.sim.step(|| format!("{name} {number} fails: {failure:?}"));
                fail.into_iter().for_each(|fail| fail(failure));
            }
            None if work.is_some() && is_in_two_steps => {
                call.waker = waker;
                drop(state);
                self.sim.step(|| format!("{name} {number} is carried out"));
                work.into_iter().for_each(|work| work());
                return true;
            }
            None => {
                state.calls.swap_remove(place);
                drop(state);
                self.sim.step(|| format!("{name} {number} is answered"));
                work.into_iter().for_each(|work| work());
            }
        }
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    fn carry_out_the_rest(&self) {
        while self.answer_any() {}
    }
}
