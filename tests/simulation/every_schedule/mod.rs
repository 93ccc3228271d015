//! Every schedule of a few short calls, one after the other, where the scenarios beside this draw
//! some of the schedules of many calls.
//!
//! Each call is an actor with its own handle, as another process has it: no fair turn and no
//! event of a write passes between them. It can be interrupted before each call of the store. A
//! scenario that allows it is also run with each actor dropped at each of these places. Longer calls
//! have too many schedules. They are run in each that interrupts a bounded number of times.

mod gate;
mod indexes;
mod records;
mod transactions;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::FutureExt;
use kv_runtime::Kv;
use kv_runtime::store::MemoryStore;

use gate::{Gate, Reads, memory};

/// A scenario whose runs are more than this is too long to try all of them.
const MOST_RUNS: usize = 100_000;

type Actor<T> = Pin<Box<dyn Future<Output = T>>>;

/// What is in the store before a run, and who acts then.
struct Scene<T> {
    store: MemoryStore,
    actors: Vec<Actor<T>>,
    /// Where the gates of all actors are closed.
    gates: Arc<AtomicBool>,
    reads: Reads,
}

impl<T> Scene<T> {
    fn new() -> Self {
        Self::reading(Reads::Together)
    }

    /// A scene whose handles read like this.
    fn reading(reads: Reads) -> Self {
        Self { store: memory(), actors: Vec::new(), gates: Arc::default(), reads }
    }

    /// A handle as another process has it. It waits for nobody before the run.
    fn process(&self) -> Kv<Gate> {
        Kv::new(Gate::new(&self.store, &self.gates, self.reads))
    }

    fn add(&mut self, actor: impl Future<Output = T> + 'static) {
        self.actors.push(Box::pin(actor));
    }
}

/// How a run ended: the store, and what each actor returned. One that was dropped returned nothing.
struct Ended<T> {
    kv: Kv<MemoryStore>,
    returned: Vec<Option<T>>,
}

/// Runs something that waits for nobody, and may let others go on.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut polled = (0..1_000).map(|_| future.as_mut().now_or_never());
    polled.find_map(|ended| ended).expect("it waits for nobody")
}

/// Which of the possible things happens at each place of a run, by its number. After each run the
/// last that has another number left takes it.
#[derive(Default)]
struct Choices {
    taken: Vec<(usize, usize)>,
    at: usize,
}

impl Choices {
    fn next(&mut self, possible: usize) -> usize {
        if self.at == self.taken.len() {
            self.taken.push((0, possible));
        }
        let (number, of) = &mut self.taken[self.at];
        // A call that has run for long lets others go on, so on a slow machine a run may differ.
        (*number, *of) = ((*number).min(possible - 1), possible);
        self.at += 1;
        *number
    }

    /// Goes on to the next run; false if this was the last.
    fn advance(&mut self) -> bool {
        self.at = 0;
        while let Some((number, of)) = self.taken.pop() {
            if number + 1 < of {
                self.taken.push((number + 1, of));
                return true;
            }
        }
        false
    }
}

/// What may happen to the actors of a run.
#[derive(Clone, Copy)]
struct Bounds {
    /// How many of them are dropped, at most.
    drops: usize,
    /// How often one that could go on has to wait for another, at most.
    interruptions: usize,
}

impl Bounds {
    /// All schedules.
    const NONE: Self = Self { drops: 0, interruptions: usize::MAX };
    /// All schedules, and in each one actor is dropped at each place.
    const DROPPED: Self = Self { drops: 1, ..Self::NONE };
    /// The schedules of longer calls with few interruptions.
    const FEW: Self = Self { interruptions: 3, ..Self::NONE };
}

/// Runs the scene in every schedule, and checks each end of it. Returns how many runs there were.
fn every_schedule<T>(bounds: Bounds, scene: impl Fn() -> Scene<T>, check: impl Fn(&Ended<T>)) -> usize {
    let mut choices = Choices::default();
    for runs in 1..=MOST_RUNS {
        let mut schedule = String::new();
        let ended = run(scene(), bounds, &mut choices, &mut schedule);
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&ended)));
        if let Err(panic) = checked {
            println!("run {runs} failed. The actors went on in this order, {schedule}");
            std::panic::resume_unwind(panic);
        }
        if !choices.advance() {
            return runs;
        }
    }
    panic!("it has more than {MOST_RUNS} schedules");
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn run<T>(scene: Scene<T>, mut left: Bounds, choices: &mut Choices, schedule: &mut String) -> Ended<T> {
    scene.gates.store(true, Ordering::Relaxed);
    let mut returned: Vec<Option<T>> = scene.actors.iter().map(|_| None).collect();
    let mut actors: Vec<(usize, Actor<T>, Arc<Woken>)> =
        scene.actors.into_iter().enumerate().map(|(number, it)| (number, it, Arc::default())).collect();
    // Up to its first call of the store none does anything that others could see.
    actors.retain_mut(|actor| poll(actor, &mut returned));
    let mut last = None;
    while !actors.is_empty() {
        let mut able: Vec<usize> =
            (0..actors.len()).filter(|place| actors[*place].2.0.load(Ordering::Relaxed)).collect();
        assert!(!able.is_empty(), "nobody can go on: {schedule}");
        let going_on = able.iter().copied().find(|place| Some(actors[*place].0) == last);
        if left.interruptions == 0
            && let Some(place) = going_on
        {
            able = vec![place];
        }
        let possible = if left.drops > 0 { able.len() + actors.len() } else { able.len() };
        let chosen = choices.next(possible);
        let name = |place: usize| char::from(b'A' + u8::try_from(actors[place].0).expect("few actors"));
        if let Some(place) = able.get(chosen).copied() {
            schedule.push(name(place));
            if going_on.is_some_and(|going_on| going_on != place) {
                left.interruptions -= 1;
            }
            last = Some(actors[place].0);
            if !poll(&mut actors[place], &mut returned) {
                drop(actors.remove(place));
            }
        } else {
            schedule.extend(['-', name(chosen - able.len())]);
            drop(actors.remove(chosen - able.len()));
            left.drops -= 1;
        }
    }
    scene.gates.store(false, Ordering::Relaxed);
    Ended { kv: Kv::new(scene.store), returned }
}

/// Polls an actor once; false if it has ended.
fn poll<T>((number, actor, woken): &mut (usize, Actor<T>, Arc<Woken>), returned: &mut [Option<T>]) -> bool {
    woken.0.store(false, Ordering::Relaxed);
    match actor.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(woken)))) {
        Poll::Ready(value) => {
            returned[*number] = Some(value);
            false
        }
        Poll::Pending => true,
    }
}

/// Counts two calls of two steps each: six schedules.
#[test]
fn all_schedules_are_tried() {
    let seen = Mutex::new(std::collections::BTreeSet::new());
    let runs = every_schedule(
        Bounds::NONE,
        || {
            let mut scene = Scene::new();
            let order = Arc::new(Mutex::new(String::new()));
            for name in ["a", "b"] {
                let (kv, order) = (scene.process(), Arc::clone(&order));
                scene.add(async move {
                    for _ in 0..2 {
                        gate::pass(kv.store()).await;
                        order.lock().expect("no panic").push_str(name);
                    }
                    String::clone(&order.lock().expect("no panic"))
                });
            }
            scene
        },
        |ended| {
            let order = ended.returned.iter().flatten().max_by_key(|order| order.len());
            seen.lock().expect("no panic").insert(order.cloned());
        },
    );
    assert_eq!((runs, seen.into_inner().expect("no panic").len()), (6, 6));
}
