//! A store on the other side of a network that the seed decides on, with or without
//! compare-and-swap.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use kv_runtime::key::Key;
use kv_runtime::record::Record;
use kv_runtime::store::{
    AtomicStore, Batch, Capabilities, ClaimQuery, Claimed, Commit, Condition, Cursor, EntryPage, EntryQuery,
    EntryRef, GetOptions, IndexStore, Lease, ListQuery, Sharing, Store, StoreExt, StoreInfo, WriteHub,
};
use kv_runtime::{Error, Location, MaybeSend, Result};

use crate::server::{Leases, Server};
use crate::sim::{Call, Failure, Sim};

const NAME: &str = "simulated";

#[derive(Clone)]
pub struct SimStore {
    sim: Sim,
    server: Server,
    info: StoreInfo,
    /// Whether it answers at once, as a store in this process does.
    is_local: bool,
}

/// What a store of this name is. It settles by its clock, and shares the engine's queue.
fn info(server: &Server, capabilities: Capabilities) -> StoreInfo {
    StoreInfo::new(NAME, capabilities)
        .with_clock(server.clock().clone())
        .with_fair_queue(server.info().fair_queue().clone())
}

#[derive(Debug)]
struct Faulty;

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the seed says so")
    }
}

impl std::error::Error for Faulty {}

impl SimStore {
    /// A store that only this process has.
    pub fn local(sim: &Sim) -> Self {
        let server = Server::new(sim.clock(), Leases::Local);
        let info = info(&server, *server.capabilities());
        Self { sim: sim.clone(), server, info, is_local: true }
    }

    /// A server with compare-and-swap.
    pub fn remote(sim: &Sim) -> Self {
        let capabilities = Capabilities::new(Sharing::Shared).compare_and_swap().ordered();
        let capabilities = capabilities.snapshot_reads().atomic_batches().cheap_metadata().indexes();
        let server = Server::new(sim.clock(), Leases::Numbers(Arc::default()));
        let info = info(&server, capabilities);
        Self { sim: sim.clone(), server, info, is_local: false }
    }

    /// A server that returns the records of an entity with the claim of its value, as Redis does.
    pub fn following_claims(sim: &Sim) -> Self {
        let remote = Self::remote(sim);
        Self { server: remote.server.following_claims(), ..remote }
    }

    /// A server with compare-and-swap and without leases.
    pub fn without_leases(sim: &Sim) -> Self {
        let remote = Self::remote(sim);
        Self { server: remote.server.with_leases(Leases::None), ..remote }
    }

    /// A file that one process has for itself, written by a thread.
    pub fn embedded(sim: &Sim) -> Self {
        Self { is_local: false, ..Self::local(sim) }
    }

    /// A server without it.
    pub fn careless(sim: &Sim) -> Self {
        let remote = Self::remote(sim);
        let info = info(&remote.server, Capabilities::new(Sharing::Shared).ordered());
        Self { info, ..remote }
    }

    /// The same engine, as another process has it.
    pub fn elsewhere(&self) -> Self {
        Self { info: self.info.clone().with_write_hub(WriteHub::new()), ..self.clone() }
    }

    fn can_commit(&self) -> bool {
        self.info.capabilities().compare_and_swap
    }

    /// One of the two with compare-and-swap.
    pub fn any(sim: &Sim) -> Self {
        if sim.chance(250) { Self::local(sim) } else { Self::remote(sim) }
    }

    /// Sends a call, which the seed carries out and answers.
    async fn call<T: Send + 'static>(
        &self,
        name: &'static str,
        is_write: bool,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        if self.is_local {
            self.sim.step(|| format!("the store does {name}"));
            return work.now_or_never().expect("memory does not wait");
        }
        ask(&self.sim, name, is_write, work).await
    }
}

/// Sends a call to the other side of the network, which the seed carries out and answers.
pub async fn ask<T: Send + 'static>(
    sim: &Sim,
    name: &'static str,
    is_write: bool,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let now = move || work.now_or_never().expect("memory does not wait");
    let reply = Arc::new(Mutex::new(None));
    let (done, failed) = (Arc::clone(&reply), Arc::clone(&reply));
    let number = sim.step(|| format!("{name} is sent"));
    let call = Call {
        number,
        name,
        is_write,
        sent_at: sim.elapsed(),
        work: Some(Box::new(move || {
            let result = now();
            done.lock().expect("no panic").get_or_insert(result);
        })),
        fail: Some(Box::new(move |failure| {
            *failed.lock().expect("no panic") = Some(Err(error(failure)));
        })),
        waker: None,
        is_answered: false,
        is_hung: false,
        is_dropped: false,
    };
    sim.state().calls.push(call);
    Answer { number, sim: sim.clone(), reply }.await
}

fn error(failure: Failure) -> Error {
    let at = Location::store(NAME);
    match failure {
        Failure::Refused => Error::store(at, "answer", true, Faulty),
        Failure::Unknown => Error::OutcomeUnknown { at, source: kv_runtime::SharedError::new(Faulty) },
    }
}

struct Answer<T> {
    sim: Sim,
    number: u64,
    reply: Arc<Mutex<Option<Result<T>>>>,
}

impl<T> Future for Answer<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let mut state = self.sim.state();
        if let Some(call) = state.calls.iter_mut().find(|call| call.number == self.number)
            && !call.is_answered
        {
            call.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        let reply = self.reply.lock().expect("no panic").take();
        Poll::Ready(reply.expect("what is answered has an answer"))
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        let mut state = self.sim.state();
        let own = state.calls.iter_mut().find(|call| call.number == self.number);
        if let Some(call) = own {
            (call.is_dropped, call.waker) = (true, None);
        }
    }
}

/// A call of the server, with what it takes owned by its future.
macro_rules! call {
    ($self:ident, $name:ident($($argument:expr),*), $is_write:literal) => {{
        let server = $self.server.clone();
        $self.call(stringify!($name), $is_write, async move { server.$name($($argument),*).await }).await
    }};
}

impl Store for SimStore {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        let key = key.clone();
        call!(self, get(&key, options), false)
    }

    async fn get_many(&self, keys: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
        let keys = keys.to_vec();
        call!(self, get_many(&keys, options), false)
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        call!(self, write(batch), true)
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        assert!(self.can_commit(), "a store without compare-and-swap is asked to commit");
        call!(self, commit(conditions, batch), true)
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        let query = query.clone();
        let page = call!(self, page(&query), false)?;
        Ok(page.lend(each).await)
    }

    async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        let keys = keys.to_vec();
        call!(self, lease(&keys, life), false)
    }
}

impl AtomicStore for SimStore {}

impl IndexStore for SimStore {
    async fn entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        let query = query.clone();
        call!(self, entries(&query), false)
    }

    async fn claim(&self, query: &ClaimQuery) -> Result<Claimed> {
        let query = query.clone();
        call!(self, claim(&query), false)
    }
}
