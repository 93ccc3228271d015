//! The cache of a Worker: requests whose client has gone are neither polled nor dropped any more, and
//! no request waits for another one's load. What was written through the cache is served all the
//! same, and no id stays out of the memory.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use kv_runtime::Kv;
use kv_runtime::cache::Cache;
use kv_runtime::store::SETTLES_AFTER;

use crate::caches::make;
use crate::calls::{self, Call, Doc, State};
use crate::history::History;
use crate::run::{Moves, Run};
use crate::sim::{Sim, Task};
use crate::store::SimStore;

crate::scenarios!(requests_that_stand_still);

const STILL: Moves = Moves { often: 0, furthest: Duration::ZERO, back: false };

const ALL: [Call; 6] = [Call::Put, Call::Update, Call::Upsert, Call::Delete, Call::Get, Call::GetMany];

/// Longer than a run.
const MEMORY_TTL: Duration = Duration::from_secs(3_600);

/// The futures that stand still. They are kept for as long as the isolate lives.
type Left = Arc<Mutex<Vec<Task>>>;

fn requests_that_stand_still(sim: &Sim) {
    let cache = Cache::new().memory_ttl(MEMORY_TTL).jitter(0.0).without_shared_loads();
    let docs = Arc::new(Kv::new(SimStore::any(sim)).collection::<Doc>().cached(cache));
    let (history, left) = (History::<State>::new(sim), Left::default());
    let mut run = Run::with(sim, 20, |sim| sim.elapse(Duration::from_secs(sim.below(40) as u64)));
    for (tag, call) in calls::some(sim, &ALL).into_iter().enumerate() {
        let call: Task = Box::pin(make(history.clone(), Arc::clone(&docs), call, tag as u16));
        run.add(Request { sim: sim.clone(), call: Some(call), left: Arc::clone(&left) });
    }
    run.finish();
    for is_settled in [false, true] {
        // What stands still is too old then; and after as long again, what it has sent has settled.
        sim.elapse(SETTLES_AFTER);
        let mut run = Run::new(sim, STILL);
        let (reader, history) = (Arc::clone(&docs), history.clone());
        run.add(async move {
            make(history, Arc::clone(&reader), Call::Get, u16::MAX).await;
            let found = reader.get(1).await.expect("nothing fails any more");
            assert!(!is_settled || reader.peek(1) == found, "the memory does not hold {found:?}");
        });
        run.finish();
    }
    history.let_reads_join(|(call, _)| matches!(call, Call::Get | Call::GetMany));
    history.check(State::default());
    drop(left);
}

/// A request, whose client may go at any time.
struct Request {
    sim: Sim,
    call: Option<Task>,
    left: Left,
}

impl Future for Request {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(mut call) = self.call.take() else { return Poll::Ready(()) };
        if call.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        if self.sim.chance(60) {
            self.sim.step(|| "a client goes, and its request stands still".to_owned());
            self.left.lock().expect("nobody panics with it").push(call);
            return Poll::Ready(());
        }
        self.call = Some(call);
        Poll::Pending
    }
}
