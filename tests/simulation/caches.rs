//! A cache through which all calls go: what was written through it is what it serves, whatever was
//! dropped or lost meanwhile.

use std::sync::Arc;
use std::time::Duration;

use kv_runtime::cache::{Cache, Cached};
use kv_runtime::{Error, Kv};

use crate::calls::{self, Call, Doc, Log, Returned, State, failed};
use crate::history::{Ended, History};
use crate::run::{Moves, Run};
use crate::sim::Sim;
use crate::store::SimStore;

crate::scenarios!(one_cache);

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
