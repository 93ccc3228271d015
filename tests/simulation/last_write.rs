//! A store without compare-and-swap: what looks at nothing is in order; what reads and writes may
//! lose what came between, and no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kv_runtime::{Collection, Error, Kv};

use crate::calls::{self, Call, Doc, failed};
use crate::history::{Ended, History, Model};
use crate::run::{Moves, Run};
use crate::sim::Sim;
use crate::store::SimStore;

crate::scenarios!(plain_calls, changes_that_may_be_lost);

const STILL: Moves = Moves { often: 0, furthest: Duration::ZERO, back: false };
const PLAIN: [Call; 8] = [
    Call::Put,
    Call::PutForLong,
    Call::Delete,
    Call::DeleteMany,
    Call::Get,
    Call::GetMany,
    Call::Exists,
    Call::List,
];

fn plain_calls(sim: &Sim) {
    let docs = Kv::new(SimStore::careless(sim)).collection::<Doc>();
    let moves = Moves { often: 15, furthest: Duration::from_secs(8), back: false };
    crate::records::run(sim, moves, &PLAIN, || docs.clone());
}

#[derive(Clone, Debug)]
enum Step {
    Put(u16),
    Delete,
    Get,
    /// A change that the last write wins over.
    Change(u16),
}

/// The log that is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State(Option<Vec<u16>>);

impl Model for State {
    type Call = Step;
    type Returned = Option<Vec<u16>>;

    fn call(&self, step: &Step, returned: Option<&Option<Vec<u16>>>) -> Vec<Self> {
        match (step, returned) {
            (Step::Put(tag), _) => vec![Self(Some(vec![*tag]))],
            (Step::Delete, _) => vec![Self(None)],
            (Step::Get, Some(found)) if *found != self.0 => Vec::new(),
            // It has written what it returned, whatever stood there meanwhile; where it met nothing
            // it has written nothing.
            (Step::Change(tag), Some(Some(log))) if log.last() == Some(tag) => vec![Self(Some(log.clone()))],
            (Step::Change(_), Some(Some(_))) => Vec::new(),
            (Step::Get | Step::Change(_), _) => vec![self.clone()],
        }
    }

    fn tick(&self, _: u64) -> Vec<Self> {
        vec![self.clone()]
    }
}

fn changes_that_may_be_lost(sim: &Sim) {
    let docs = Kv::new(SimStore::careless(sim)).collection::<Doc>();
    let history = History::<State>::new(sim);
    // Of a change that nobody waited for it is not known what it has written.
    let blurred = Arc::new(AtomicUsize::new(0));
    let mut run = Run::new(sim, STILL);
    for tag in 0..3 + sim.below(5) as u16 {
        let step = match sim.below(5) {
            0 => Step::Put(tag),
            1 => Step::Delete,
            2 => Step::Get,
            _ => Step::Change(tag),
        };
        let (history, docs, blurred) = (history.clone(), docs.clone(), Arc::clone(&blurred));
        run.add(async move {
            let is_change = usize::from(matches!(step, Step::Change(_)));
            blurred.fetch_add(is_change, Ordering::Relaxed);
            let work = async {
                match made(&docs, &step).await {
                    Ok(found) => Ended::Returned(found),
                    Err(error) => failed(&error),
                }
            };
            let known = async {
                let ended = work.await;
                if !matches!(ended, Ended::Unknown) {
                    blurred.fetch_sub(is_change, Ordering::Relaxed);
                }
                ended
            };
            history.note(step.clone(), known).await;
        });
    }
    run.finish();
    if blurred.load(Ordering::Relaxed) == 0 {
        history.check(State(None));
    }
}

async fn made(docs: &Collection<Doc, SimStore>, step: &Step) -> Result<Option<Vec<u16>>, Error> {
    Ok(match step {
        Step::Put(tag) => docs.put(&<Doc as calls::Log>::new(vec![*tag])).await.map(|()| None)?,
        Step::Delete => docs.delete(1).await.map(|()| None)?,
        Step::Get => docs.get(1).await?.map(|doc| doc.log),
        Step::Change(tag) => match docs.update_last_write_wins(1, |doc| doc.log.push(*tag)).await {
            Ok(doc) => Some(doc.log),
            Err(Error::NotFound { .. }) => None,
            Err(error) => return Err(error),
        },
    })
}
