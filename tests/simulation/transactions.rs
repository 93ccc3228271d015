//! Transactions over a few records: strictly serializable, whatever goes wrong.
//!
//! Each call is a small program over five records. What its closure saw, and how it ended, has to be
//! what the same program does to a plain map at one moment between the beginning and the end of the
//! call. `pairs` also looks inside the closure, at attempts that come to nothing.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use kv_runtime::store::AtomicStore;
use kv_runtime::{Error, Kv, KvEntity, Tx};

use crate::calls::failed;
use crate::history::{Ended, History, Model};
use crate::run::{Moves, Run};
use crate::sim::{START, Sim};
use crate::store::SimStore;

crate::scenarios!(programs, among_other_calls, programs_and_expiry, pairs);

const RECORDS: u64 = 5;
const TTL: u64 = 10_000;

/// What is stored: the tags of the calls that wrote it.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "cell", version = 2, oldest = 1, ttl = "10s")]
struct Cell {
    #[kv(id)]
    id: u64,
    #[kv(renamed(since = 2, from = "tags"))]
    log: Vec<u16>,
}

/// As older code wrote it.
#[derive(KvEntity, Clone, Debug)]
#[kv(prefix = "cell", ttl = "10s")]
struct OldCell {
    #[kv(id)]
    id: u64,
    tags: Vec<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Get(u64),
    GetMany(u64, u64),
    Exists(u64),
    Update(u64),
    /// Saves what a `get` before it has found.
    Save(u64),
    Upsert(u64),
    Insert(u64),
    Put(u64),
    Delete(u64),
    /// Lets others go on.
    Wait,
    Refuse,
}

/// What a step showed.
#[derive(Clone, Debug, PartialEq)]
enum Saw {
    Log(Option<Vec<u16>>),
    There(bool),
}

#[derive(Clone, Debug, PartialEq)]
enum Returned {
    Committed(Vec<Saw>),
    Refused(Vec<Saw>),
    /// An insert met one.
    Exists,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    now: u64,
    /// The logs, and when they expire.
    cells: BTreeMap<u64, (Vec<u16>, u64)>,
}

#[derive(Clone, Debug)]
struct Program {
    steps: Vec<Step>,
    tag: u16,
}

impl State {
    fn new() -> Self {
        Self { now: START.as_millis(), cells: BTreeMap::new() }
    }

    fn log(&self, id: u64) -> Option<Vec<u16>> {
        self.cells.get(&id).filter(|(_, expires_at)| *expires_at > self.now).map(|(log, _)| log.clone())
    }

    fn push(&mut self, id: u64, tag: u16) -> Option<Vec<u16>> {
        let mut log = self.log(id)?;
        log.push(tag);
        self.cells.get_mut(&id)?.0.clone_from(&log);
        Some(log)
    }

    fn put(&mut self, id: u64, tag: u16) {
        self.cells.insert(id, (vec![tag], self.now + TTL));
    }

    /// The state after the program, and what it returns.
    fn after(&self, Program { steps, tag }: &Program) -> (Self, Returned) {
        let (mut state, mut saw) = (self.clone(), Vec::new());
        for step in steps {
            match *step {
                Step::Get(id) => saw.push(Saw::Log(state.log(id))),
                Step::GetMany(one, other) => saw.extend([one, other].map(|id| Saw::Log(state.log(id)))),
                Step::Exists(id) => saw.push(Saw::There(state.log(id).is_some())),
                Step::Update(id) | Step::Save(id) => saw.push(Saw::Log(state.push(id, *tag))),
                Step::Upsert(id) => {
                    if state.push(id, *tag).is_none() {
                        state.put(id, *tag);
                    }
                    saw.push(Saw::Log(state.log(id)));
                }
                Step::Insert(id) if state.log(id).is_some() => return (self.clone(), Returned::Exists),
                Step::Insert(id) | Step::Put(id) => state.put(id, *tag),
                Step::Delete(id) => drop(state.cells.remove(&id)),
                Step::Wait => {}
                Step::Refuse => return (self.clone(), Returned::Refused(saw)),
            }
        }
        (state, Returned::Committed(saw))
    }
}

impl Model for State {
    type Call = Program;
    type Returned = Returned;

    fn call(&self, program: &Program, returned: Option<&Returned>) -> Vec<Self> {
        let (state, made) = self.after(program);
        if returned.is_none_or(|returned| *returned == made) { vec![state] } else { Vec::new() }
    }

    fn tick(&self, now: u64) -> Vec<Self> {
        vec![Self { now, ..self.clone() }]
    }
}

fn step(sim: &Sim, records: u64) -> Step {
    let id = sim.below(records as usize) as u64;
    let other = sim.below(records as usize) as u64;
    match sim.below(22) {
        0..4 => Step::Get(id),
        4..6 => Step::GetMany(id, other),
        6..8 => Step::Exists(id),
        8..11 => Step::Update(id),
        11..14 => Step::Save(id),
        14..16 => Step::Upsert(id),
        16 => Step::Insert(id),
        17 => Step::Put(id),
        18 => Step::Delete(id),
        19..21 => Step::Wait,
        _ => Step::Refuse,
    }
}

/// Programs over few records, so that they meet.
fn random_programs(sim: &Sim, most: usize) -> Vec<Program> {
    let records = 1 + sim.below(RECORDS as usize) as u64;
    let len = 3 + sim.below(most - 2);
    let steps = |_| (0..1 + sim.below(5)).map(|_| step(sim, records)).collect();
    (0..len).map(|place| Program { steps: steps(place), tag: place as u16 }).collect()
}

const STILL: Moves = Moves { often: 0, furthest: Duration::ZERO, back: false };
const ONWARD: Moves = Moves { often: 30, furthest: Duration::from_secs(9), back: false };

/// A handle whose background work the seed runs, late or never.
fn handle(sim: &Sim, store: &SimStore) -> Kv<SimStore> {
    let sim = sim.clone();
    Kv::new(store.clone()).with_write_back_spawner(move |task| sim.state().spawned.push(task))
}

fn programs(sim: &Sim) {
    run(sim, STILL, |_| true);
}

fn programs_and_expiry(sim: &Sim) {
    run(sim, ONWARD, |_| true);
}

/// Some of the calls are those of a collection.
fn among_other_calls(sim: &Sim) {
    run(sim, STILL, |sim| sim.chance(600));
}

fn run(sim: &Sim, moves: Moves, is_transaction: impl Fn(&Sim) -> bool) {
    let store = match sim.below(4) {
        0 => SimStore::local(sim),
        1 => SimStore::embedded(sim),
        _ => SimStore::remote(sim),
    };
    let history = History::new(sim);
    let kv = handle(sim, &store);
    // The end of a run ends all faults.
    let faults = std::mem::take(&mut sim.state().faults);
    let mut first = Run::new(sim, STILL);
    for id in 0..RECORDS {
        let program = Program { steps: vec![Step::Put(id)], tag: 900 };
        if sim.chance(500) {
            let is_old = sim.chance(300);
            first.add(begin(history.clone(), kv.clone(), program, is_old));
        }
    }
    first.finish();
    sim.state().faults = faults;
    let mut run = Run::new(sim, moves);
    for mut program in random_programs(sim, 8) {
        if is_transaction(sim) {
            run.add(transact(history.clone(), kv.clone(), program));
        } else {
            program.steps.truncate(1);
            run.add(call(history.clone(), kv.clone(), program));
        }
    }
    run.finish();
    let mut last = Run::new(sim, STILL);
    let all = Program { steps: (0..RECORDS).map(Step::Get).collect(), tag: 901 };
    last.add(transact(history.clone(), kv, all));
    last.finish();
    history.check(State::new());
}

/// Puts a record as older code does, or as today's.
async fn begin(history: History<State>, kv: Kv<SimStore>, program: Program, is_old: bool) {
    let (Some(&Step::Put(id)), tag) = (program.steps.first(), program.tag) else { return };
    let work = async {
        let put = if is_old {
            kv.collection().put(&OldCell { id, tags: vec![tag] }).await
        } else {
            kv.collection().put(&Cell { id, log: vec![tag] }).await
        };
        put.map_or_else(|error| failed(&error), |()| Ended::Returned(Returned::Committed(Vec::new())))
    };
    history.note(program, work).await;
}

enum Refused {
    OnPurpose(Vec<Saw>),
    Failed(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Makes a program as a transaction, and notes what it came to.
async fn transact(history: History<State>, kv: Kv<SimStore>, program: Program) {
    let (steps, tag) = (program.steps.clone(), program.tag);
    let work = async {
        match kv.try_transact(async |tx| make(tx, &steps, tag).await).await {
            Ok(saw) => Ended::Returned(Returned::Committed(saw)),
            Err(Refused::OnPurpose(saw)) => Ended::Returned(Returned::Refused(saw)),
            Err(Refused::Failed(Error::AlreadyExists { .. })) => Ended::Returned(Returned::Exists),
            Err(Refused::Failed(error)) => failed(&error),
        }
    };
    history.note(program, work).await;
}

async fn make<S: AtomicStore>(tx: &Tx<S>, steps: &[Step], tag: u16) -> Result<Vec<Saw>, Refused> {
    let mut saw = Vec::new();
    let log = |cell: Option<Cell>| Saw::Log(cell.map(|cell| cell.log));
    let push = |cell: &mut Cell| cell.log.push(tag);
    for step in steps {
        match *step {
            Step::Get(id) => saw.push(log(tx.get::<Cell>(id).await?)),
            Step::GetMany(one, other) => {
                saw.extend(tx.get_many::<Cell>([one, other]).await?.into_iter().map(log))
            }
            Step::Exists(id) => saw.push(Saw::There(tx.exists::<Cell>(id).await?)),
            Step::Update(id) => match tx.update::<Cell>(id, push).await {
                Ok(cell) => saw.push(log(Some(cell))),
                Err(Error::NotFound { .. }) => saw.push(Saw::Log(None)),
                Err(error) => return Err(error.into()),
            },
            Step::Save(id) => {
                let mut cell = tx.get::<Cell>(id).await?;
                if let Some(cell) = &mut cell {
                    push(cell);
                    tx.save(cell)?;
                }
                saw.push(log(cell));
            }
            Step::Upsert(id) => {
                let new = || Cell { id, log: vec![tag] };
                saw.push(log(Some(tx.upsert::<Cell>(id, new, push).await?)));
            }
            Step::Insert(id) => tx.insert(&Cell { id, log: vec![tag] })?,
            Step::Put(id) => tx.put(&Cell { id, log: vec![tag] })?,
            Step::Delete(id) => tx.delete::<Cell>(id)?,
            Step::Wait => wait().await,
            Step::Refuse => return Err(Refused::OnPurpose(saw)),
        }
    }
    Ok(saw)
}

/// Lets others go on.
async fn wait() {
    let mut has_waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Makes the first step of a program as a call of a collection.
async fn call(history: History<State>, kv: Kv<SimStore>, program: Program) {
    let (step, tag) = (program.steps.first().copied().unwrap_or(Step::Wait), program.tag);
    let work = async {
        match single(&kv, step, tag).await {
            Ok(saw) => Ended::Returned(Returned::Committed(saw)),
            Err(Error::AlreadyExists { .. }) => Ended::Returned(Returned::Exists),
            Err(error) => failed(&error),
        }
    };
    let program = if step == Step::Refuse { Program { steps: vec![Step::Wait], tag } } else { program };
    history.note(program, work).await;
}

async fn single(kv: &Kv<SimStore>, step: Step, tag: u16) -> Result<Vec<Saw>, Error> {
    let cells = kv.collection::<Cell>();
    let log = |cell: Option<Cell>| Saw::Log(cell.map(|cell| cell.log));
    let push = |cell: &mut Cell| cell.log.push(tag);
    let new = |id| Cell { id, log: vec![tag] };
    Ok(match step {
        Step::Get(id) => vec![log(cells.get(id).await?)],
        Step::GetMany(one, other) => cells.get_many([one, other]).await?.into_iter().map(log).collect(),
        Step::Exists(id) => vec![Saw::There(cells.exists(id).await?)],
        Step::Update(id) | Step::Save(id) => match cells.update(id, push).await {
            Ok(cell) => vec![log(Some(cell))],
            Err(Error::NotFound { .. }) => vec![Saw::Log(None)],
            Err(error) => return Err(error),
        },
        Step::Upsert(id) => vec![log(Some(cells.upsert(id, || new(id), push).await?))],
        Step::Insert(id) => cells.insert(&new(id)).await.map(|()| Vec::new())?,
        Step::Put(id) => cells.put(&new(id)).await.map(|()| Vec::new())?,
        Step::Delete(id) => cells.delete(id).await.map(|()| Vec::new())?,
        Step::Wait | Step::Refuse => Vec::new(),
    })
}

/// Two records that are always written together are equal in every attempt that sees both.
fn pairs(sim: &Sim) {
    let store = if sim.chance(250) { SimStore::embedded(sim) } else { SimStore::remote(sim) };
    let mut run = Run::new(sim, STILL);
    for tag in 0..4 + sim.below(5) as u16 {
        let (kv, writes, at_once) = (handle(sim, &store), sim.chance(600), sim.chance(300));
        run.add(async move {
            let made = kv.transact(async |tx| {
                let cells = if at_once {
                    tx.get_many::<Cell>([0, 1]).await?
                } else {
                    let first = tx.get::<Cell>(0).await?;
                    wait().await;
                    vec![first, tx.get::<Cell>(1).await?]
                };
                let logs: Vec<_> = cells.into_iter().map(|cell| cell.map(|cell| cell.log)).collect();
                assert_eq!(logs[0], logs[1], "a read is torn");
                let mut log = logs.into_iter().flatten().next().unwrap_or_default();
                log.push(tag);
                if writes {
                    tx.put(&Cell { id: 0, log: log.clone() })?;
                    tx.put(&Cell { id: 1, log })?;
                }
                Ok(())
            });
            if let Err(error) = made.await {
                let _: Ended<()> = failed(&error);
            }
        });
    }
    run.finish();
}
