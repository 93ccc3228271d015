//! An empty namespace for each test of the suite.

use std::cell::Cell;
use std::time::Duration;

use kv_runtime::conformance::{Foreign, Harness};
use kv_runtime::key::Key;
use kv_runtime::store::WorkersStore;
use kv_runtime::{Clock, Error, ManualClock, Result};
use worker::Env;

/// The bindings `KV_1`, `KV_2` and so on. Time is moved by hand: what the server itself forgets, it forgets after a minute at the least.
pub(crate) struct Namespaces {
    env: Env,
    taken: Cell<u32>,
    clock: ManualClock,
}

impl Namespaces {
    pub(crate) fn new(env: Env) -> Self {
        Self { env, taken: Cell::new(0), clock: ManualClock::new(Clock::system().now()) }
    }

    /// The name of the next binding.
    fn next(&self) -> String {
        self.taken.set(self.taken.get() + 1);
        format!("KV_{}", self.taken.get())
    }

    fn open(&self, binding: &str) -> Result<WorkersStore> {
        WorkersStore::with_clock(&self.env, binding, Clock::from(&self.clock))
    }
}

impl Harness for Namespaces {
    type Store = WorkersStore;

    async fn store(&self) -> Result<WorkersStore> {
        self.open(&self.next())
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    async fn store_holding(&self, records: &[(Key, Foreign)]) -> Result<Option<WorkersStore>> {
        let binding = self.next();
        let past = |error| Error::store(Box::default(), "write past the store", false, error);
        let namespace = self.env.kv(&binding).map_err(past)?;
        for (key, foreign) in records {
            let put = match foreign {
                Foreign::Plain(value) => namespace.put_bytes(key.as_str(), value),
                _ => namespace.put_bytes(key.as_str(), b"1").and_then(|put| put.metadata("no object")),
            };
            let put = put.map_err(worker::Error::from).map_err(past)?;
            put.execute().await.map_err(worker::Error::from).map_err(past)?;
        }
        self.open(&binding).map(Some)
    }
}
