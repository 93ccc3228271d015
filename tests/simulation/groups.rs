//! Entities of two groups: what is read of one moment, and what is written at once.

use std::time::Duration;

use kv_runtime::store::AtomicStore;
use kv_runtime::{Error, Kv, KvEntity};

use crate::calls::{failed, some};
use crate::history::{Ended, History, Model};
use crate::run::{Moves, Run};
use crate::sim::{START, Sim};
use crate::store::SimStore;

crate::scenarios!(two_groups);

const TTL: u64 = 10_000;

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "acct", group = "main", ttl = "10s", view = "Main")]
#[kv(group(name = "side", ttl = "10s", view = "Side"))]
struct Acct {
    #[kv(id)]
    id: u64,
    main: Vec<u16>,
    #[kv(group = "side")]
    side: Vec<u16>,
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Put,
    Insert,
    Both,
    Main,
    MainAlone,
    SideAlone,
    Delete,
    Touch,
    Get,
    GetSide,
    List,
}

const ALL: [Call; 11] = [
    Call::Put,
    Call::Insert,
    Call::Both,
    Call::Main,
    Call::MainAlone,
    Call::SideAlone,
    Call::Delete,
    Call::Touch,
    Call::Get,
    Call::GetSide,
    Call::List,
];

#[derive(Clone, Debug, PartialEq)]
enum Returned {
    Done,
    There(bool),
    Both(Option<(Vec<u16>, Vec<u16>)>),
    Side(Option<Vec<u16>>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    now: u64,
    /// The two groups, and when they expire.
    kept: Option<(Vec<u16>, Vec<u16>, u64)>,
}

impl State {
    fn plain(&self, call: Call, tag: u16) -> (Self, Returned) {
        let live = self.kept.clone().filter(|(.., expires_at)| *expires_at > self.now);
        let new = || Some((vec![tag], vec![tag], self.now + TTL));
        let with = |kept| Self { kept, ..self.clone() };
        let both = |state: &Self| {
            let live = state.kept.clone().filter(|(.., expires_at)| *expires_at > state.now);
            Returned::Both(live.map(|(main, side, _)| (main, side)))
        };
        match (call, live) {
            (Call::Put, _) => (with(new()), Returned::Done),
            (Call::Insert, None) => (with(new()), Returned::There(false)),
            (Call::Insert, Some(_)) => (self.clone(), Returned::There(true)),
            (Call::Delete, _) => (with(None), Returned::Done),
            (Call::Touch, live) => {
                let there = Returned::There(live.is_some());
                let touched = live.map(|(main, side, at)| (main, side, at.max(self.now + TTL)));
                (if touched.is_some() { with(touched) } else { self.clone() }, there)
            }
            (Call::Get | Call::List, _) => (self.clone(), both(self)),
            (Call::GetSide, live) => (self.clone(), Returned::Side(live.map(|(_, side, _)| side))),
            (Call::Both | Call::Main, None) => (self.clone(), Returned::Both(None)),
            (Call::MainAlone | Call::SideAlone, None) => (self.clone(), Returned::There(false)),
            (change, Some((mut main, mut side, at))) => {
                if !matches!(change, Call::SideAlone) {
                    main.push(tag);
                }
                if matches!(change, Call::Both | Call::SideAlone) {
                    side.push(tag);
                }
                let changed = with(Some((main, side, at)));
                let returned = match change {
                    Call::Both | Call::Main => both(&changed),
                    _ => Returned::There(true),
                };
                (changed, returned)
            }
        }
    }
}

impl Model for State {
    type Call = (Call, u16);
    type Returned = Returned;

    fn call(&self, (call, tag): &(Call, u16), returned: Option<&Returned>) -> Vec<Self> {
        let (state, made) = self.plain(*call, *tag);
        if returned.is_none_or(|returned| *returned == made) { vec![state] } else { Vec::new() }
    }

    fn tick(&self, now: u64) -> Vec<Self> {
        vec![Self { now, ..self.clone() }]
    }
}

fn two_groups(sim: &Sim) {
    let store = SimStore::any(sim);
    let history = History::new(sim);
    let moves = Moves { often: 30, furthest: Duration::from_secs(9), back: false };
    let mut run = Run::new(sim, moves);
    for (tag, call) in some(sim, &ALL).into_iter().enumerate() {
        run.add(make(history.clone(), Kv::new(store.clone()), call, tag as u16));
    }
    run.finish();
    // What is left, and what is left of it later.
    for call in [Call::Get, Call::GetSide, Call::Get] {
        let mut run = Run::new(sim, Moves { often: 0, ..moves });
        run.add(make(history.clone(), Kv::new(store.clone()), call, u16::MAX));
        run.finish();
        sim.pass(Duration::from_secs(3));
    }
    history.check(State { now: START.as_millis(), kept: None });
}

async fn make<S: AtomicStore>(history: History<State>, kv: Kv<S>, call: Call, tag: u16) {
    let work = async {
        match returned(&kv, call, tag).await {
            Ok(returned) => Ended::Returned(returned),
            Err(error) => failed(&error),
        }
    };
    history.note((call, tag), work).await;
}

async fn returned<S: AtomicStore>(kv: &Kv<S>, call: Call, tag: u16) -> Result<Returned, Error> {
    let accts = kv.collection::<Acct>();
    let new = Acct { id: 1, main: vec![tag], side: vec![tag] };
    let both = |acct: Option<Acct>| Returned::Both(acct.map(|acct| (acct.main, acct.side)));
    let missing = |error| match error {
        Error::NotFound { .. } => Ok(None),
        error => Err(error),
    };
    Ok(match call {
        Call::Put => accts.put(&new).await.map(|()| Returned::Done)?,
        Call::Insert => match accts.insert(&new).await {
            Ok(()) => Returned::There(false),
            Err(Error::AlreadyExists { .. }) => Returned::There(true),
            Err(error) => return Err(error),
        },
        Call::Both | Call::Main => {
            let changed = accts.update(1, |acct| {
                acct.main.push(tag);
                if matches!(call, Call::Both) {
                    acct.side.push(tag);
                }
            });
            both(changed.await.map(Some).or_else(missing)?)
        }
        Call::MainAlone => {
            let changed = kv.collection::<Main>().update(1, |main| main.main.push(tag)).await;
            Returned::There(changed.map(|_| true).or_else(|error| missing(error).map(|_| false))?)
        }
        Call::SideAlone => {
            let changed = kv.collection::<Side>().update(1, |side| side.side.push(tag)).await;
            Returned::There(changed.map(|_| true).or_else(|error| missing(error).map(|_| false))?)
        }
        Call::Delete => accts.delete(1).await.map(|()| Returned::Done)?,
        Call::Touch => Returned::There(accts.touch(1).await?),
        Call::Get => both(accts.get(1).await?),
        Call::GetSide => Returned::Side(kv.collection::<Side>().get(1).await?.map(|side| side.side)),
        Call::List => {
            let page = accts.list().page().await?;
            assert!(page.failed.is_empty(), "{:?}", page.failed);
            both(page.entities.into_iter().next())
        }
    })
}
