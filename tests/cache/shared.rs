//! A store that other processes share: it cannot tell whether a key was written and deleted
//! meanwhile.

use kv_runtime::cache::Cache;
use kv_runtime::key::Key;
use kv_runtime::layer::{Fault, FaultStore, Gate, Operation};
use kv_runtime::record::Record;
use kv_runtime::store::{
    AtomicStore, Batch, Capabilities, Commit, Condition, Cursor, EntryRef, GetOptions, ListQuery,
    MemoryStore, Sharing, Store, StoreInfo,
};
use kv_runtime::{Clock, Kv, ManualClock, MaybeSend, Result};

use crate::{Calls, Outcome, SECOND, START, User, block_on, ends, exact, parked};

/// It promises no more than a store must.
#[derive(Clone)]
pub struct SharedStore {
    engine: MemoryStore,
    info: StoreInfo,
}

impl SharedStore {
    pub fn new(clock: &ManualClock) -> Self {
        let capabilities = Capabilities::new(Sharing::Shared).compare_and_swap().atomic_batches();
        let info = StoreInfo::new("shared", capabilities).with_clock(Clock::from(clock));
        Self { engine: MemoryStore::with_clock(Clock::from(clock)), info }
    }
}

impl Store for SharedStore {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.engine.get(key, options).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        self.engine.write(batch).await
    }

    /// Conditions of their own, as another process's would be.
    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        let conditions = conditions.into_iter().map(|it| Condition::new(it.key, it.expect)).collect();
        self.engine.commit(conditions, batch).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.engine.list(query, each).await
    }
}

impl AtomicStore for SharedStore {}

fn shared() -> (Kv<FaultStore<SharedStore>>, ManualClock) {
    let clock = ManualClock::new(START);
    (Kv::new(FaultStore::new(SharedStore::new(&clock))), clock)
}

#[tokio::test]
async fn a_delete_sees_to_the_end_of_the_fill_that_came_first() -> Outcome {
    let (kv, _) = shared();
    let users = kv.collection::<User>().cached(exact());
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Commit]).times(1));
    let (loader, given) = (users.clone(), Calls::default().give(User::new(1, "old")));
    let load = tokio::spawn(async move { loader.get_or_load(1, given).await });
    gate.arrived().await;
    let deleter = users.clone();
    let delete = tokio::spawn(async move { deleter.delete(1).await });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(!delete.is_finished());
    // Other ids do not wait for it.
    ends(users.delete(2)).await?;
    gate.open();
    load.await??;
    ends(delete).await??;
    assert_eq!((users.peek(1), kv.collection::<User>().get(1).await?), (None, None));
    assert_eq!(users.stats().store_fills, 1);
    Ok(())
}

/// Nobody polls the load, and there is no task: the delete drives the fill.
#[test]
fn a_delete_drives_the_fill_of_a_caller_who_is_not_polled() -> Outcome {
    for pure in [false, true] {
        let (kv, _) = shared();
        let gate = Gate::new();
        kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Commit, Operation::Put]).times(1));
        let given = Calls::default().give(User::new(1, "old"));
        let (loading, users);
        if pure {
            users = kv.collection::<User>().cached(exact().pure_cache());
            let loader = users.clone();
            loading = parked(async move { loader.get_or_load(1, given).await });
        } else {
            users = kv.collection::<User>().cached(exact());
            let loader = users.clone();
            loading = parked(async move { loader.get_or_load(1, given).await });
        }
        gate.open();
        block_on(users.delete(1))?;
        assert_eq!(block_on(kv.collection::<User>().get(1))?, None);
        assert_eq!(users.stats().store_fills, 1);
        assert_eq!(block_on(loading)?.name, "old");
    }
    Ok(())
}

#[tokio::test]
async fn a_store_that_does_not_answer_a_fill_holds_up_a_write_for_a_second() -> Outcome {
    let (kv, clock) = shared();
    let users = kv.collection::<User>().cached(Cache::new());
    kv.store().faults().add(Fault::hang().on(&[Operation::Commit]).times(1));
    let (loader, given) = (users.clone(), Calls::default().give(User::new(1, "old")));
    let load = tokio::spawn(async move { loader.get_or_load(1, given).await });
    while kv.store().faults().struck() == 0 {
        tokio::task::yield_now().await;
    }
    let deleter = users.clone();
    let delete = tokio::spawn(async move { deleter.delete(1).await });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(!delete.is_finished());
    clock.advance(SECOND);
    ends(delete).await??;
    load.abort();
    Ok(())
}
