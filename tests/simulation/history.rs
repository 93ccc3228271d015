//! What the calls returned, and whether a plain model could have returned it.
//!
//! The check is that of Wing and Gong, as Lowe has it: calls are put in an order that keeps to the
//! times at which they began and ended, such that the model returns what they did. A call that was
//! dropped, or whose outcome is unknown, has no end: it may come anywhere behind its beginning, or
//! never.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::sim::Sim;

/// The state of one entity, as a plain value.
pub trait Model: Clone + Debug + Eq + Hash + 'static {
    type Call: Clone + Debug + Send;
    type Returned: Clone + Debug + Send;

    /// The states that the call may lead to. Nothing if it cannot have returned this; `None` where
    /// nobody knows what it returned.
    fn call(&self, call: &Self::Call, returned: Option<&Self::Returned>) -> Vec<Self>;

    /// The states after the time of day has become `now`.
    fn tick(&self, now: u64) -> Vec<Self>;
}

/// What a call has come to.
pub enum Ended<R> {
    Returned(R),
    /// It failed, and has done nothing.
    Undone,
    Unknown,
}

#[derive(Debug)]
struct Event<M: Model> {
    /// A tick of the clock, where it is none.
    call: Result<M::Call, u64>,
    began: u64,
    ended: Option<u64>,
    returned: Option<M::Returned>,
    is_undone: bool,
}

pub struct History<M: Model> {
    sim: Sim,
    events: Arc<Mutex<Vec<Event<M>>>>,
}

impl<M: Model> Clone for History<M> {
    fn clone(&self) -> Self {
        Self { sim: self.sim.clone(), events: Arc::clone(&self.events) }
    }
}

impl<M: Model> History<M> {
    pub fn new(sim: &Sim) -> Self {
        Self { sim: sim.clone(), events: Arc::default() }
    }

    pub const fn sim(&self) -> &Sim {
        &self.sim
    }

    fn events(&self) -> MutexGuard<'_, Vec<Event<M>>> {
        self.events.lock().expect("nobody panics with it")
    }

    /// Makes a call, and notes when it began, when it ended, and what it came to.
    pub async fn note(&self, call: M::Call, work: impl Future<Output = Ended<M::Returned>>) {
        let began = self.sim.step(|| format!("{call:?} begins"));
        let place = self.events().len();
        let shown = format!("{call:?}");
        self.events().push(Event { call: Ok(call), began, ended: None, returned: None, is_undone: false });
        let (returned, is_undone) = match work.await {
            Ended::Returned(returned) => (Some(returned), false),
            Ended::Undone => (None, true),
            Ended::Unknown => (None, false),
        };
        let ended = self.sim.step(|| format!("{shown} ends: {returned:?}, undone: {is_undone}"));
        let mut events = self.events();
        let Some(event) = events.get_mut(place) else { return };
        (event.ended, event.returned, event.is_undone) =
            (returned.is_some().then_some(ended), returned, is_undone);
    }

    /// Counts a read that begins while a write is under way as begun when a write began or ended
    /// last. A cache may answer it from a load that another caller has begun since then.
    pub fn let_reads_join(&self, is_read: impl Fn(&M::Call) -> bool) {
        let mut events = self.events();
        let is_write = |event: &Event<M>| event.call.as_ref().is_ok_and(|call| !is_read(call));
        let writes: Vec<_> =
            events.iter().filter(|it| is_write(it)).map(|write| (write.began, write.ended)).collect();
        for read in events.iter_mut().filter(|event| !is_write(event)) {
            let at = read.began;
            let under_way =
                |(began, ended): &(u64, Option<u64>)| *began < at && ended.is_none_or(|ended| ended > at);
            if writes.iter().any(under_way) {
                let moves = writes.iter().flat_map(|(began, ended)| [Some(*began), *ended]).flatten();
                read.began = moves.filter(|step| *step < at).max().unwrap_or(at);
            }
        }
    }

    /// Panics if no order of the calls explains what they returned.
    pub fn check(&self, initial: M) {
        let mut events: Vec<Event<M>> = std::mem::take(&mut *self.events());
        events.retain(|event| !event.is_undone);
        for (step, now) in &self.sim.state().ticks {
            let call = Err(*now);
            let tick = Event { call, began: *step, ended: Some(*step), returned: None, is_undone: false };
            events.push(tick);
        }
        events.sort_by_key(|event| event.began);
        assert!(events.len() <= 128, "a run is small");
        let mut search = Search { events: &events, seen: HashSet::new() };
        if !search.explain(0, &initial) {
            let told: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
            panic!("no order explains this:\n{}", told.join("\n"));
        }
    }
}

struct Search<'a, M: Model> {
    events: &'a [Event<M>],
    seen: HashSet<(u128, M)>,
}

impl<M: Model> Search<'_, M> {
    /// Whether the events that are not in `done` can come behind those that are.
    fn explain(&mut self, done: u128, state: &M) -> bool {
        let open = |place: &usize| done & (1 << *place) == 0;
        let events = self.events;
        let first_end = (0..events.len()).filter(open).filter_map(|place| events[place].ended).min();
        let Some(first_end) = first_end else { return true };
        let next: Vec<usize> =
            (0..events.len()).filter(open).take_while(|place| events[*place].began <= first_end).collect();
        for place in next {
            let event = &events[place];
            let states = match &event.call {
                Ok(call) => state.call(call, event.returned.as_ref()),
                Err(now) => state.tick(*now),
            };
            for state in states {
                let done = done | (1 << place);
                if self.seen.insert((done, state.clone())) && self.explain(done, &state) {
                    return true;
                }
            }
        }
        false
    }
}
