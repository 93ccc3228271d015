//! A cache through which all calls go: what was written through it is what it serves, whatever was
//! dropped or lost meanwhile. The same of several caches and other writers of one process.

use std::sync::Arc;
use std::time::Duration;

use kv_runtime::cache::{Cache, Cached};
use kv_runtime::{Collection, Error, Kv, Tx};

use crate::calls::{self, Call, Doc, Log, Returned, State, failed};
use crate::history::{Ended, History};
use crate::run::{Moves, Run};
use crate::sim::Sim;
use crate::store::SimStore;

crate::scenarios!(one_cache, many_writers);

const STILL: Moves = Moves { often: 0, furthest: Duration::ZERO, back: false };

const ALL: [Call; 8] = [
    Call::Put,
    Call::Insert,
    Call::Update,
    Call::Upsert,
    Call::Delete,
    Call::Touch,
    Call::Get,
    Call::GetMany,
];

fn one_cache(sim: &Sim) {
    let cache = Cache::new().memory_ttl(Duration::from_secs(60)).jitter(0.0);
    let docs = Arc::new(Kv::new(SimStore::any(sim)).collection::<Doc>().cached(cache));
    let history = History::<State>::new(sim);
    let mut run = Run::new(sim, STILL);
    for (tag, call) in calls::some(sim, &ALL).into_iter().enumerate() {
        run.add(make(history.clone(), Arc::clone(&docs), call, tag as u16));
    }
    run.finish();
    let mut run = Run::new(sim, STILL);
    run.add(make(history.clone(), docs, Call::Get, u16::MAX));
    run.finish();
    history.let_reads_join(|(call, _)| matches!(call, Call::Get | Call::GetMany));
    history.check(State::default());
}

/// All ways into one store, of handles of their own.
struct Ways {
    caches: [Arc<Cached<Doc, SimStore>>; 2],
    kv: Kv<SimStore>,
    docs: Collection<Doc, SimStore>,
}

/// Two caches, transactions and a collection: what is written in one way is what all others show.
fn many_writers(sim: &Sim) {
    let store = SimStore::any(sim);
    let cache = || Cache::new().memory_ttl(Duration::from_secs(60)).negative_ttl(Duration::from_secs(60));
    let cached = || Arc::new(Kv::new(store.clone()).collection::<Doc>().cached(cache().jitter(0.0)));
    let ways = Ways {
        caches: [cached(), cached()],
        kv: Kv::new(store.clone()),
        docs: Kv::new(store.clone()).collection(),
    };
    let history = History::<State>::new(sim);
    let mut run = Run::new(sim, STILL);
    for (tag, call) in calls::some(sim, &ALL).into_iter().enumerate() {
        ways.add(&mut run, &history, call, tag as u16);
    }
    run.finish();
    history.let_reads_join(|(call, _)| matches!(call, Call::Get | Call::GetMany));
    // One after the other: what one has seen, the next one must see, too.
    for _ in 0..2 {
        let mut run = Run::new(sim, STILL);
        run.add(calls::make(history.clone(), ways.docs.clone(), Call::Get, u16::MAX));
        run.finish();
        for cache in &ways.caches {
            let mut run = Run::new(sim, STILL);
            run.add(make(history.clone(), Arc::clone(cache), Call::Get, u16::MAX));
            run.finish();
        }
    }
    history.check(State::default());
}

impl Ways {
    fn add(&self, run: &mut Run, history: &History<State>, call: Call, tag: u16) {
        let (sim, history) = (history.sim(), history.clone());
        match sim.below(5) {
            way @ (0 | 1) => run.add(make(history, Arc::clone(&self.caches[way]), call, tag)),
            2 => run.add(calls::make(history, self.docs.clone(), call, tag)),
            _ => run.add(transact(history, self.kv.clone(), call, tag)),
        }
    }
}

/// Makes a call in a transaction, and notes how it ended.
async fn transact(history: History<State>, kv: Kv<SimStore>, call: Call, tag: u16) {
    let work = async {
        match kv.transact(async |tx| in_transaction(&kv, tx, call, tag).await).await {
            Ok(returned) => Ended::Returned(returned),
            Err(Error::AlreadyExists { .. }) => Ended::Returned(Returned::Exists),
            Err(error) => failed(&error),
        }
    };
    history.note((call, tag), work).await;
}

async fn in_transaction(
    kv: &Kv<SimStore>,
    tx: &Tx<SimStore>,
    call: Call,
    tag: u16,
) -> Result<Returned, Error> {
    let new = || Doc::new(vec![tag]);
    let found = |doc: Option<Doc>| Returned::Found(doc.map(|doc| doc.log));
    let push = |doc: &mut Doc| doc.log.push(tag);
    Ok(match call {
        Call::Put => tx.put(&new()).map(|()| Returned::Done)?,
        Call::Insert => tx.insert(&new()).map(|()| Returned::Done)?,
        Call::Update => match tx.update(1, push).await {
            Ok(doc) => found(Some(doc)),
            Err(Error::NotFound { .. }) => Returned::Missing,
            Err(error) => return Err(error),
        },
        Call::Upsert => found(Some(tx.upsert(1, new, push).await?)),
        Call::Delete => tx.delete::<Doc>(1).map(|()| Returned::Done)?,
        // Transactions do not touch.
        Call::Touch => Returned::There(kv.collection::<Doc>().touch(1).await?),
        Call::GetMany => found(tx.get_many([1]).await?.into_iter().next().flatten()),
        _ => found(tx.get(1).await?),
    })
}

/// Makes a call through a cache, and notes how it ended.
pub async fn make(history: History<State>, docs: Arc<Cached<Doc, SimStore>>, call: Call, tag: u16) {
    let work = async {
        match returned(&docs, call, tag).await {
            Ok(returned) => Ended::Returned(returned),
            Err(error) => failed(&error),
        }
    };
    history.note((call, tag), work).await;
}

async fn returned(docs: &Cached<Doc, SimStore>, call: Call, tag: u16) -> Result<Returned, Error> {
    let new = || Doc::new(vec![tag]);
    let found = |doc: Option<Arc<Doc>>| Returned::Found(doc.map(|doc| doc.log.clone()));
    let push = |doc: &mut Doc| doc.log.push(tag);
    Ok(match call {
        Call::Put => docs.put(new()).await.map(|()| Returned::Done)?,
        Call::Insert => match docs.insert(new()).await {
            Ok(()) => Returned::Done,
            Err(Error::AlreadyExists { .. }) => Returned::Exists,
            Err(error) => return Err(error),
        },
        Call::Update => match docs.update(1, push).await {
            Ok(doc) => found(Some(doc)),
            Err(Error::NotFound { .. }) => Returned::Missing,
            Err(error) => return Err(error),
        },
        Call::Upsert => found(Some(docs.upsert(1, new, push).await?)),
        Call::Delete => docs.delete(1).await.map(|()| Returned::Done)?,
        Call::Touch => Returned::There(docs.touch(1).await?),
        Call::GetMany => found(docs.get_many([1]).await?.into_iter().next().flatten()),
        _ => found(docs.get(1).await?),
    })
}
