//! The calls of a collection, and what they do to a plain value.

use std::time::Duration;

use kv_runtime::store::AtomicStore;
use kv_runtime::{Collection, Error, KvEntity, Touch};

use crate::history::{Ended, History, Model};
use crate::sim::{START, Sim};

/// The TTL of the entity, and the TTL that `with_ttl` sets.
const TTL: u64 = 10_000;
const LONG_TTL: u64 = 30_000;

/// What is stored: the tags of the calls that wrote it, so that each write is different.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "doc", ttl = "10s")]
pub struct Doc {
    #[kv(id)]
    pub id: u64,
    pub log: Vec<u16>,
}

/// An entity that keeps a log, and lives for [`TTL`].
pub trait Log: KvEntity<Id = u64> + Touch + Send {
    fn new(log: Vec<u16>) -> Self;
    fn log(&mut self) -> &mut Vec<u16>;
}

impl Log for Doc {
    fn new(log: Vec<u16>) -> Self {
        Self { id: 1, log }
    }

    fn log(&mut self) -> &mut Vec<u16> {
        &mut self.log
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Put,
    PutMany,
    PutForLong,
    Insert,
    Update,
    Refuse,
    Upsert,
    Delete,
    DeleteMany,
    Touch,
    Get,
    GetMany,
    Exists,
    List,
}

pub const ALL: [Call; 14] = [
    Call::Put,
    Call::PutMany,
    Call::PutForLong,
    Call::Insert,
    Call::Update,
    Call::Refuse,
    Call::Upsert,
    Call::Delete,
    Call::DeleteMany,
    Call::Touch,
    Call::Get,
    Call::GetMany,
    Call::Exists,
    Call::List,
];

/// Which calls a run makes: of a few kinds alone, so that these meet often.
pub fn some<C: Copy>(sim: &Sim, most: &[C]) -> Vec<C> {
    let kinds: Vec<C> = (0..2 + sim.below(4)).map(|_| most[sim.below(most.len())]).collect();
    let first = most[0];
    let calls = (0..3 + sim.below(6)).map(|_| kinds[sim.below(kinds.len())]);
    calls.chain(sim.chance(600).then_some(first)).collect()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    Done,
    There(bool),
    Found(Option<Vec<u16>>),
    /// `insert` met one.
    Exists,
    /// `update` met none.
    Missing,
}

/// Why a change was given up.
enum Refused {
    OnPurpose,
    Failed(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Makes one call of the entity 1, and notes what it came to.
pub async fn make<S: AtomicStore, E: Log>(
    history: History<State>,
    docs: Collection<E, S>,
    call: Call,
    tag: u16,
) {
    let work = async {
        match returned(&docs, call, tag).await {
            Ok(returned) => Ended::Returned(returned),
            Err(error) => failed(&error),
        }
    };
    history.note((call, tag), work).await;
}

/// What has become of a call that failed.
pub fn failed<R>(error: &Error) -> Ended<R> {
    match error {
        Error::OutcomeUnknown { .. } => Ended::Unknown,
        Error::Store { retryable: true, .. } | Error::Conflict { .. } | Error::TimedOut { .. } => {
            Ended::Undone
        }
        Error::Partial { source, .. } => failed(source),
        error => panic!("no call fails so: {error}"),
    }
}

async fn returned<S: AtomicStore, E: Log>(
    docs: &Collection<E, S>,
    call: Call,
    tag: u16,
) -> Result<Returned, Error> {
    let log = |mut doc: E| std::mem::take(doc.log());
    let found = |doc: Option<E>| Returned::Found(doc.map(log));
    let push = |doc: &mut E| doc.log().push(tag);
    Ok(match call {
        Call::Put => docs.put(&E::new(vec![tag])).await.map(|()| Returned::Done)?,
        Call::PutMany => docs.put_many([E::new(vec![tag])]).await.map(|()| Returned::Done)?,
        Call::PutForLong => {
            let docs = docs.with_ttl(Duration::from_millis(LONG_TTL));
            docs.put(&E::new(vec![tag])).await.map(|()| Returned::Done)?
        }
        Call::Insert => match docs.insert(&E::new(vec![tag])).await {
            Ok(()) => Returned::Done,
            Err(Error::AlreadyExists { .. }) => Returned::Exists,
            Err(error) => return Err(error),
        },
        Call::Update => match docs.update(1, push).await {
            Ok(doc) => found(Some(doc)),
            Err(Error::NotFound { .. }) => Returned::Missing,
            Err(error) => return Err(error),
        },
        Call::Refuse => match docs.try_update(1, |_| Err(Refused::OnPurpose)).await {
            Ok(_) => panic!("it was refused"),
            Err(Refused::OnPurpose) => Returned::There(true),
            Err(Refused::Failed(Error::NotFound { .. })) => Returned::There(false),
            Err(Refused::Failed(error)) => return Err(error),
        },
        Call::Upsert => found(Some(docs.upsert(1, || E::new(vec![tag]), push).await?)),
        Call::Delete => docs.delete(1).await.map(|()| Returned::Done)?,
        Call::DeleteMany => docs.delete_many([1]).await.map(|()| Returned::Done)?,
        Call::Touch => Returned::There(docs.touch(1).await?),
        Call::Get => found(docs.get(1).await?),
        Call::GetMany => found(docs.get_many([1, 2]).await?.into_iter().next().flatten()),
        Call::Exists => Returned::There(docs.exists(1).await?),
        Call::List => {
            let page = docs.list().page().await?;
            assert!(page.failed.is_empty(), "{:?}", page.failed);
            found(page.entities.into_iter().next())
        }
    })
}

/// The record, as a plain value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    now: u64,
    kept: Option<Kept>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kept {
    log: Vec<u16>,
    expires_at: u64,
}

impl Default for State {
    fn default() -> Self {
        Self { now: START.as_millis(), kept: None }
    }
}

impl State {
    fn live(&self) -> Option<&Kept> {
        self.kept.as_ref().filter(|kept| kept.expires_at > self.now)
    }

    fn with(&self, log: Vec<u16>, ttl: u64) -> Self {
        Self { kept: Some(Kept { log, expires_at: self.now + ttl }), ..*self }
    }

    fn without(&self) -> Self {
        Self { kept: None, ..*self }
    }

    /// The log with one more tag, with the expiry that it has.
    fn pushed(&self, kept: &Kept, tag: u16) -> Self {
        let mut kept = kept.clone();
        kept.log.push(tag);
        Self { kept: Some(kept), ..*self }
    }

    /// What the call does now, and what it returns.
    fn plain(&self, call: Call, tag: u16) -> (Self, Returned) {
        let found = |state: &Self| Returned::Found(state.live().map(|kept| kept.log.clone()));
        match (call, self.live()) {
            (Call::Put | Call::PutMany, _) => (self.with(vec![tag], TTL), Returned::Done),
            (Call::PutForLong, _) => (self.with(vec![tag], LONG_TTL), Returned::Done),
            (Call::Insert, None) => (self.with(vec![tag], TTL), Returned::Done),
            (Call::Insert, Some(_)) => (self.clone(), Returned::Exists),
            (Call::Update, None) => (self.clone(), Returned::Missing),
            (Call::Update | Call::Upsert, Some(kept)) => {
                let pushed = self.pushed(kept, tag);
                let returned = found(&pushed);
                (pushed, returned)
            }
            (Call::Upsert, None) => {
                let created = self.with(vec![tag], TTL);
                let returned = found(&created);
                (created, returned)
            }
            (Call::Delete | Call::DeleteMany, _) => (self.without(), Returned::Done),
            (Call::Touch, Some(kept)) => {
                let expires_at = kept.expires_at.max(self.now + TTL);
                let kept = Some(Kept { expires_at, ..kept.clone() });
                (Self { kept, ..*self }, Returned::There(true))
            }
            (Call::Touch | Call::Exists | Call::Refuse, live) => {
                (self.clone(), Returned::There(live.is_some()))
            }
            (Call::Get | Call::GetMany | Call::List, _) => (self.clone(), found(self)),
        }
    }
}

impl Model for State {
    type Call = (Call, u16);
    type Returned = Returned;

    fn call(&self, (call, tag): &(Call, u16), returned: Option<&Returned>) -> Vec<Self> {
        // A store may have given back the memory of what has expired, so that a clock which goes
        // back does not show it again.
        let mut before = vec![self.clone()];
        if self.kept.is_some() && self.live().is_none() {
            before.push(self.without());
        }
        let after = before.into_iter().map(|state| state.plain(*call, *tag));
        after
            .filter(|(_, made)| returned.is_none_or(|returned| returned == made))
            .map(|(state, _)| state)
            .collect()
    }

    fn tick(&self, now: u64) -> Vec<Self> {
        let mut after = vec![Self { now, ..self.clone() }];
        if self.kept.is_some() && self.live().is_none() {
            after.push(Self { now, kept: None });
        }
        after
    }
}
