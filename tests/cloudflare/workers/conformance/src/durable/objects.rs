//! An empty store for each test of the suite: a table in one object, or an object.

use std::cell::Cell;
use std::time::Duration;

use kv_runtime::Result;
use kv_runtime::conformance::{Foreign, Harness};
use kv_runtime::key::Key;
use kv_runtime::store::{DurableClient, DurableStore, Shards, StoreExt};
use worker::{Env, Method};

use super::{CLOCK, Held, Records, ask, client, clock, past};

/// The table of a store whose options name none.
pub(super) const TABLE: &str = "kv_records";

/// Stores inside the object, each with its own table.
pub(super) struct Inside<'a>(&'a Records);

impl<'a> Inside<'a> {
    pub(super) const fn new(object: &'a Records) -> Self {
        Self(object)
    }

    fn open(&self, table: &str) -> Result<DurableStore> {
        DurableStore::options(&self.0.state).table(table).clock(clock()).open()
    }
}

impl Harness for Inside<'_> {
    type Store = DurableStore;

    async fn store(&self) -> Result<DurableStore> {
        self.open(&self.0.next_table())
    }

    async fn pass(&self, time: Duration) {
        CLOCK.with(|clock| clock.advance(time));
    }

    async fn store_holding(&self, records: &[(Key, Foreign)]) -> Result<Option<DurableStore>> {
        let table = self.0.next_table();
        let store = self.open(&table)?;
        // The table is made by the first call.
        store.read(&Key::from_text("a")).await?;
        self.0.hold(&table, &records.iter().map(Held::of).collect::<Vec<_>>()).map_err(past)?;
        Ok(Some(store))
    }
}

/// Clients, each with its own object.
pub(super) struct Outside<'a> {
    env: &'a Env,
    objects: Cell<u32>,
}

impl<'a> Outside<'a> {
    pub(super) const fn new(env: &'a Env) -> Self {
        Self { env, objects: Cell::new(0) }
    }

    fn next(&self) -> String {
        self.objects.set(self.objects.get() + 1);
        format!("o{}", self.objects.get())
    }
}

impl Harness for Outside<'_> {
    type Store = DurableClient;

    async fn store(&self) -> Result<DurableClient> {
        client(self.env, Shards::one(self.next()))
    }

    async fn pass(&self, time: Duration) {
        CLOCK.with(|clock| clock.advance(time));
    }

    async fn store_holding(&self, records: &[(Key, Foreign)]) -> Result<Option<DurableClient>> {
        let name = self.next();
        let held = serde_json::to_string(&records.iter().map(Held::of).collect::<Vec<_>>());
        ask(self.env, &name, "/hold", Method::Post, held.ok()).await.map_err(past)?;
        client(self.env, Shards::one(name)).map(Some)
    }
}
