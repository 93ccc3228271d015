//! Indexes among everything that goes wrong: no lookup is wrong in between, and once all is quiet
//! the indexes are what a scan gives.
//!
//! A lookup of a unique value, and whether one entity is in a page, have to be what a plain map says
//! at one moment of the call. A page of several entities need not be of one moment.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use kv_runtime::{Error, Kv, KvEntity, Tx};

use crate::calls::failed;
use crate::history::{Ended, History, Model};
use crate::run::{Moves, Run};
use crate::sim::{START, Sim};
use crate::store::SimStore;

crate::scenarios!(writers, writers_and_expiry, built_among_writers);

const TTL: u64 = 10_000;
const IDS: u64 = 3;
const EMAILS: u8 = 3;
const CITIES: u8 = 2;

const STILL: Moves = Moves { often: 0, furthest: Duration::ZERO, back: false };
const ONWARD: Moves = Moves { often: 40, furthest: Duration::from_secs(9), back: false };

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "member", group = "main", ttl = "10s", view = "Main")]
#[kv(group(name = "side", ttl = "10s", view = "Side"))]
#[kv(index(name = "by_city", on(city, id)))]
struct Member {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: u8,
    city: u8,
    /// Which call wrote it last.
    tag: u16,
    #[kv(group = "side")]
    logins: u16,
}

/// The same as code without the indexes has it.
#[derive(KvEntity, Clone, Debug)]
#[kv(prefix = "member", group = "main", ttl = "10s", view = "OldMain")]
#[kv(group(name = "side", ttl = "10s", view = "OldSide"))]
struct OldMember {
    #[kv(id)]
    id: u64,
    email: u8,
    city: u8,
    tag: u16,
    #[kv(group = "side")]
    logins: u16,
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Put(u64, u8, u8),
    PutMany([(u64, u8); 2], u8),
    Insert(u64, u8, u8),
    SetEmail(u64, u8),
    /// Through the view of the group with the indexes.
    SetByView(u64, u8),
    SetCity(u64, u8),
    /// Through the view of the other group.
    LogIn(u64),
    /// Exchanges two emails in a transaction.
    Swap(u64, u64),
    Delete(u64),
    DeleteBy(u8),
    Touch(u64),
    Get(u64),
    By(u8),
    ByView(u8),
    /// Whether the entity is in a page of the city.
    InCity(u8, u64),
    Sweep,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Row {
    email: u8,
    city: u8,
    tag: u16,
}

#[derive(Clone, Debug, PartialEq)]
enum Returned {
    Done,
    There(bool),
    Found(Option<(u64, Row)>),
    Exists,
    Missing,
    /// The entity that has the value; of several writes none is named.
    NotUnique(Option<u64>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    now: u64,
    /// The entities, and when they expire.
    rows: BTreeMap<u64, (Row, u64)>,
}

impl State {
    fn new() -> Self {
        Self { now: START.as_millis(), rows: BTreeMap::new() }
    }

    fn live(&self, id: u64) -> Option<Row> {
        self.rows.get(&id).filter(|(_, expires_at)| *expires_at > self.now).map(|(row, _)| row.clone())
    }

    fn owner(&self, email: u8) -> Option<u64> {
        self.rows.keys().copied().find(|id| self.live(*id).is_some_and(|row| row.email == email))
    }

    fn with(&self, id: u64, row: Row) -> Self {
        let mut state = self.clone();
        state.rows.insert(id, (row, self.now + TTL));
        state
    }

    /// The state after a row is written, if the email is free.
    fn written(&self, id: u64, row: Row, returned: impl FnOnce(Row) -> Returned) -> (Self, Returned) {
        match self.owner(row.email).filter(|owner| *owner != id) {
            Some(owner) => (self.clone(), Returned::NotUnique(Some(owner))),
            None => (self.with(id, row.clone()), returned(row)),
        }
    }

    /// The same of an entity that keeps its expiry.
    fn changed(&self, id: u64, change: impl FnOnce(&mut Row)) -> (Self, Returned) {
        let Some(mut row) = self.live(id) else { return (self.clone(), Returned::Missing) };
        let expires_at = self.rows[&id].1;
        change(&mut row);
        let (mut state, returned) = self.written(id, row, |row| Returned::Found(Some((id, row))));
        if let (Returned::Found(_), Some(kept)) = (&returned, state.rows.get_mut(&id)) {
            kept.1 = expires_at;
        }
        (state, returned)
    }

    fn without(&self, id: Option<u64>) -> Self {
        let mut state = self.clone();
        id.and_then(|id| state.rows.remove(&id));
        state
    }

    fn has_two_of_one_email(&self) -> bool {
        self.rows.keys().any(|id| self.live(*id).is_some_and(|row| self.owner(row.email) != Some(*id)))
    }

    fn plain(&self, call: Call, tag: u16) -> (Self, Returned) {
        match call {
            Call::Put(id, email, city) => self.written(id, Row { email, city, tag }, |_| Returned::Done),
            Call::PutMany(puts, city) => {
                let mut state = self.clone();
                for (id, email) in puts {
                    state = state.with(id, Row { email, city, tag });
                }
                match state.has_two_of_one_email() {
                    true => (self.clone(), Returned::NotUnique(None)),
                    false => (state, Returned::Done),
                }
            }
            Call::Insert(id, ..) if self.live(id).is_some() => (self.clone(), Returned::Exists),
            Call::Insert(id, email, city) => self.written(id, Row { email, city, tag }, |_| Returned::Done),
            Call::SetEmail(id, email) | Call::SetByView(id, email) => {
                self.changed(id, |row| (row.email, row.tag) = (email, tag))
            }
            Call::SetCity(id, city) => self.changed(id, |row| (row.city, row.tag) = (city, tag)),
            Call::LogIn(id) => (self.clone(), Returned::There(self.live(id).is_some())),
            Call::Swap(one, other) => {
                let both = self.live(one).zip(self.live(other)).filter(|_| one != other);
                let mut state = self.clone();
                let is_there = both.is_some();
                if let Some((first, second)) = both {
                    for (id, email) in [(one, second.email), (other, first.email)] {
                        if let Some((row, _)) = state.rows.get_mut(&id) {
                            (row.email, row.tag) = (email, tag);
                        }
                    }
                }
                (state, Returned::There(is_there))
            }
            Call::Delete(id) => (self.without(Some(id)), Returned::Done),
            Call::DeleteBy(email) => {
                let owner = self.owner(email);
                (self.without(owner), Returned::There(owner.is_some()))
            }
            Call::Touch(id) => {
                let mut state = self.clone();
                let is_there = self.live(id).is_some();
                if let Some((_, expires_at)) = state.rows.get_mut(&id).filter(|_| is_there) {
                    *expires_at = (*expires_at).max(self.now + TTL);
                }
                (state, Returned::There(is_there))
            }
            Call::Get(id) => (self.clone(), Returned::Found(self.live(id).map(|row| (id, row)))),
            Call::By(email) | Call::ByView(email) => {
                let found = self.owner(email).and_then(|id| Some((id, self.live(id)?)));
                (self.clone(), Returned::Found(found))
            }
            Call::InCity(city, id) => {
                let found = self.live(id).filter(|row| row.city == city);
                (self.clone(), Returned::Found(found.map(|row| (id, row))))
            }
            Call::Sweep => (self.clone(), Returned::Done),
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

/// What the calls of a run are about.
#[derive(Clone, Copy)]
enum Values {
    /// Few emails, which entities take from each other.
    Contended,
    /// Each entity has its own.
    Apart,
}

fn any_call(sim: &Sim, values: Values) -> Call {
    let id = |_: &Sim| 1 + sim.below(IDS as usize) as u64;
    let (one, other) = (id(sim), id(sim));
    let email = |id: u64| match values {
        Values::Contended => sim.below(EMAILS.into()) as u8,
        Values::Apart => 2 * id as u8 + sim.below(2) as u8,
    };
    let city = sim.below(CITIES.into()) as u8;
    match sim.below(22) {
        0..3 => Call::Put(one, email(one), city),
        3 => Call::PutMany([(one, email(one)), (other, email(other))], city),
        4 => Call::Insert(one, email(one), city),
        5..7 => Call::SetEmail(one, email(one)),
        7..9 => Call::SetByView(one, email(one)),
        9 => Call::SetCity(one, city),
        10 => Call::LogIn(one),
        11 | 12 if matches!(values, Values::Contended) => Call::Swap(one, other),
        11..14 => Call::Delete(one),
        14 => Call::DeleteBy(email(one)),
        15 => Call::Touch(one),
        16 => Call::Get(one),
        17 | 18 => Call::By(email(one)),
        19 => Call::ByView(email(one)),
        20 => Call::InCity(city, one),
        _ => Call::Sweep,
    }
}

/// A store in memory, in a file, or on a server.
fn any_store(sim: &Sim) -> SimStore {
    match sim.below(4) {
        0 => SimStore::local(sim),
        1 => SimStore::embedded(sim),
        2 => SimStore::following_claims(sim),
        _ => SimStore::remote(sim),
    }
}

fn writers(sim: &Sim) {
    run(sim, STILL, Values::Contended);
}

fn writers_and_expiry(sim: &Sim) {
    run(sim, ONWARD, Values::Contended);
}

/// An index is added to entities that are there, while others write. Until it is ready, lookups are
/// refused.
fn built_among_writers(sim: &Sim) {
    run(sim, STILL, Values::Apart);
}

fn run(sim: &Sim, moves: Moves, values: Values) {
    let store = any_store(sim);
    let history = History::new(sim);
    let kv = Kv::new(store.clone());
    // The end of a run ends all faults.
    let faults = std::mem::take(&mut sim.state().faults);
    let mut first = Run::new(sim, STILL);
    match values {
        // An empty collection on a server has to be built, too.
        Values::Contended => first.add(build(kv.clone())),
        Values::Apart => {
            for id in 1..=IDS {
                first.add(put_by_old_code(history.clone(), kv.clone(), id));
            }
        }
    }
    first.finish();
    sim.state().faults = faults;
    let mut run = Run::new(sim, moves);
    for tag in 0..4 + sim.below(6) as u16 {
        let (call, is_other) = (any_call(sim, values), sim.chance(300));
        let kv = if is_other { Kv::new(store.clone()) } else { kv.clone() };
        run.add(make(history.clone(), kv, call, tag));
    }
    if matches!(values, Values::Apart) {
        for _ in 0..1 + sim.below(2) {
            run.add(build(Kv::new(store.clone())));
        }
    }
    run.finish();
    let mut last = Run::new(sim, STILL);
    let emails = match values {
        Values::Contended => 0..EMAILS,
        Values::Apart => 2..2 * IDS as u8 + 2,
    };
    last.add(compare(history.clone(), kv, emails));
    last.finish();
    history.check(State::new());
}

/// Builds the indexes. A build that fails or meets another one is begun again later.
async fn build(kv: Kv<SimStore>) {
    let built = kv.collection::<Member>().build_indexes().no_older_writers().batch(1).run().await;
    if let Err(error) = built {
        let _: Ended<()> = failed(&error);
    }
}

async fn put_by_old_code(history: History<State>, kv: Kv<SimStore>, id: u64) {
    let email = 2 * id as u8;
    let old = OldMember { id, email, city: 0, tag: 900, logins: 0 };
    let work = async {
        let put = kv.collection().put(&old).await;
        put.map_or_else(|error| failed(&error), |()| Ended::Returned(Returned::Done))
    };
    history.note((Call::Put(id, email, 0), 900), work).await;
}

async fn make(history: History<State>, kv: Kv<SimStore>, call: Call, tag: u16) {
    let work = async {
        match returned(&kv, call, tag).await {
            Ok(returned) => Ended::Returned(returned),
            Err(error) => of_error(call, error),
        }
    };
    history.note((call, tag), work).await;
}

fn of_error(call: Call, error: Error) -> Ended<Returned> {
    match error {
        Error::NotUnique { .. } if matches!(call, Call::PutMany(..)) => {
            Ended::Returned(Returned::NotUnique(None))
        }
        Error::NotUnique { holder, .. } => {
            let id = holder.rsplit(':').next().and_then(|id| id.parse().ok());
            assert!(id.is_some(), "{holder}");
            Ended::Returned(Returned::NotUnique(id))
        }
        Error::AlreadyExists { .. } => Ended::Returned(Returned::Exists),
        Error::NotFound { .. } => Ended::Returned(Returned::Missing),
        Error::IndexNotReady { .. } => Ended::Undone,
        Error::Partial { source, .. } => of_error(call, *source),
        error => failed(&error),
    }
}

async fn returned(kv: &Kv<SimStore>, call: Call, tag: u16) -> Result<Returned, Error> {
    let (members, views) = (kv.collection::<Member>(), kv.collection::<Main>());
    let new = |id, email, city| Member { id, email, city, tag, logins: tag };
    let found = |it: Option<Member>| Returned::Found(it.map(|it| (it.id, row(it.email, it.city, it.tag))));
    let of_view = |it: Option<Main>| Returned::Found(it.map(|it| (it.id, row(it.email, it.city, it.tag))));
    Ok(match call {
        Call::Put(id, email, city) => members.put(&new(id, email, city)).await.map(|()| Returned::Done)?,
        Call::PutMany(puts, city) => {
            let all = puts.map(|(id, email)| new(id, email, city));
            members.put_many(all).await.map(|()| Returned::Done)?
        }
        Call::Insert(id, email, city) => {
            members.insert(&new(id, email, city)).await.map(|()| Returned::Done)?
        }
        Call::SetEmail(id, email) => {
            found(Some(members.update(id, |it| (it.email, it.tag) = (email, tag)).await?))
        }
        Call::SetByView(id, email) => {
            of_view(Some(views.update(id, |it| (it.email, it.tag) = (email, tag)).await?))
        }
        Call::SetCity(id, city) => {
            found(Some(members.update(id, |it| (it.city, it.tag) = (city, tag)).await?))
        }
        Call::LogIn(id) => {
            let changed = kv.collection::<Side>().update(id, |it| it.logins = tag).await;
            match changed {
                Ok(_) => Returned::There(true),
                Err(Error::NotFound { .. }) => Returned::There(false),
                Err(error) => return Err(error),
            }
        }
        Call::Swap(one, other) => {
            Returned::There(kv.transact(async |tx| swap(tx, one, other, tag).await).await?)
        }
        Call::Delete(id) => members.delete(id).await.map(|()| Returned::Done)?,
        Call::DeleteBy(email) => Returned::There(members.by(Member::EMAIL).delete(email).await?),
        Call::Touch(id) => Returned::There(members.touch(id).await?),
        Call::Get(id) => found(members.get(id).await?),
        Call::By(email) => found(members.by(Member::EMAIL).get(email).await?),
        Call::ByView(email) => of_view(views.by(Main::EMAIL).get(email).await?),
        Call::InCity(city, id) => {
            let page = members.by(Member::BY_CITY).within(city).page().await?;
            assert!(page.failed.is_empty() && page.entities.iter().all(|it| it.city == city), "{page:?}");
            assert!(page.entities.is_sorted_by_key(|it| it.id), "{page:?}");
            found(page.entities.into_iter().find(|it| it.id == id))
        }
        Call::Sweep => members.sweep_indexes().await.map(|_| Returned::Done)?,
    })
}

const fn row(email: u8, city: u8, tag: u16) -> Row {
    Row { email, city, tag }
}

async fn swap(tx: &Tx<SimStore>, one: u64, other: u64, tag: u16) -> Result<bool, Error> {
    let found = (tx.get::<Member>(one).await?, tx.get::<Member>(other).await?);
    let (Some(mut first), Some(mut second)) = found else { return Ok(false) };
    if one == other {
        return Ok(false);
    }
    std::mem::swap(&mut first.email, &mut second.email);
    (first.tag, second.tag) = (tag, tag);
    tx.save(&first)?;
    tx.save(&second)?;
    Ok(true)
}

/// All is quiet: the indexes are those of a scan, also after a repair, which finds nothing to add.
async fn compare(history: History<State>, kv: Kv<SimStore>, emails: Range<u8>) {
    let members = kv.collection::<Member>();
    let built = members.build_indexes().no_older_writers().run().await.expect("nothing fails any more");
    assert!(built.is_ready, "{built:?}");
    for id in 1..=IDS {
        make(history.clone(), kv.clone(), Call::Get(id), u16::MAX).await;
    }
    let all = members.list().page().await.expect("nothing fails any more").entities;
    for email in emails {
        let found = members.by(Member::EMAIL).get(email).await.expect("nothing fails any more");
        let mut scanned = all.iter().filter(|it| it.email == email);
        assert_eq!(found.as_ref(), scanned.next(), "email {email} of {all:?}");
        assert_eq!(scanned.next(), None, "two have the email {email}");
    }
    for city in 0..CITIES {
        let found = members.by(Member::BY_CITY).within(city).page().await;
        let mut scanned: Vec<_> = all.iter().filter(|it| it.city == city).cloned().collect();
        scanned.sort_by_key(|it| it.id);
        assert_eq!(found.expect("nothing fails any more").entities, scanned);
    }
    for is_swept in [false, true] {
        let report = members.check_indexes().await.expect("nothing fails any more");
        assert_eq!((report.added, report.violations, report.unreadable), (0, 0, 0), "{report:?}");
        assert!(!is_swept || report.removed == 0, "{report:?}");
    }
}
