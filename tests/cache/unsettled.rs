//! Writes with an unknown outcome: memory holds nothing that is read before the store has settled.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use kv_runtime::cache::Cached;
use kv_runtime::key::Key;
use kv_runtime::layer::{
    Fault, FaultStore, NamespaceStore, ObservedStore, Operation, RetryStore, TimeoutStore,
};
use kv_runtime::record::Record;
use kv_runtime::store::{
    AtomicStore, Batch, Capabilities, Commit, Condition, Cursor, EntryRef, GetOptions, ListQuery, Mark,
    MemoryStore, RedbStore, SETTLES_AFTER, Settle, Sharing, Store, StoreInfo,
};
use kv_runtime::{Clock, Error, Kv, KvEntity, ManualClock, MaybeSend, Result, Touch, Tx};
use tokio::sync::oneshot;

use crate::shared::SharedStore;
use crate::{Calls, Outcome, SECOND, START, block_on, elsewhere, exact, parked};

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "note", ttl = "1h")]
struct Note {
    #[kv(id)]
    id: u64,
    text: String,
}

fn note(text: &str) -> Note {
    Note { id: 1, text: text.to_owned() }
}

/// A store that queues writes, even if their futures are dropped, and makes them in `catch_up`.
#[derive(Clone)]
struct LateStore(Arc<Queue>);

/// How many writes were queued, and how many of them were made.
#[derive(Default)]
struct Counts {
    queued: AtomicU64,
    made: AtomicU64,
}

struct Counted(Arc<Counts>);

/// A write, and whom to tell of it.
type Queued = (Vec<Condition>, Batch, oneshot::Sender<Commit>);

struct Queue {
    engine: MemoryStore,
    waiting: Mutex<Vec<Queued>>,
    info: StoreInfo,
    counts: Arc<Counts>,
    /// Whether writes wait for `catch_up`.
    is_late: std::sync::atomic::AtomicBool,
}

impl LateStore {
    fn new(clock: &ManualClock) -> Self {
        let (engine, counts) = (MemoryStore::with_clock(Clock::from(clock)), Arc::<Counts>::default());
        let capabilities = Capabilities::new(Sharing::Exclusive).compare_and_swap().atomic_batches();
        let info = StoreInfo::new("late", capabilities).with_clock(Clock::from(clock));
        Self(Arc::new(Queue {
            engine,
            waiting: Mutex::default(),
            info: info.settling_by(Counted(Arc::clone(&counts))),
            counts,
            is_late: std::sync::atomic::AtomicBool::new(false),
        }))
    }

    fn be_late(&self, is_late: bool) {
        self.0.is_late.store(is_late, Ordering::SeqCst);
    }

    /// Makes all writes that are queued.
    fn catch_up(&self) {
        let waiting = std::mem::take(&mut *self.0.waiting.lock().expect("nothing panics"));
        for (conditions, writes, reply) in waiting {
            let made = block_on(self.0.engine.commit(conditions, writes)).expect("memory does not fail");
            self.0.counts.made.fetch_add(1, Ordering::SeqCst);
            reply.send(made).ok();
        }
    }

    async fn queue(&self, conditions: Vec<Condition>, writes: Batch) -> Result<Commit> {
        let (reply, answer) = oneshot::channel();
        self.0.counts.queued.fetch_add(1, Ordering::SeqCst);
        self.0.waiting.lock().expect("nothing panics").push((conditions, writes, reply));
        if !self.0.is_late.load(Ordering::SeqCst) {
            self.catch_up();
        }
        Ok(answer.await.expect("every write is made"))
    }
}

impl Settle for Counted {
    fn mark(&self) -> Mark {
        Mark::new(self.0.queued.load(Ordering::SeqCst))
    }

    fn has_settled(&self, mark: Mark) -> bool {
        self.0.made.load(Ordering::SeqCst) >= mark.number()
    }
}

impl Store for LateStore {
    fn info(&self) -> &StoreInfo {
        &self.0.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.0.engine.get(key, options).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        self.queue(Vec::new(), batch).await.map(drop)
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        self.queue(conditions, batch).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.0.engine.list(query, each).await
    }
}

impl AtomicStore for LateStore {}

const WRITES: usize = 7;

/// One of the ways to write, begun and given up.
fn give_up<S: AtomicStore + Clone>(notes: &Cached<Note, S>, way: usize) {
    fn touch<E: Touch>() {}
    touch::<Note>();
    let notes = notes.clone();
    let mut write = Box::pin(async move {
        match way {
            0 => notes.put(note("new")).await,
            1 => notes.update(1, |note| note.text = "new".to_owned()).await.map(drop),
            2 => notes.upsert(1, || note("created"), |note| note.text = "new".to_owned()).await.map(drop),
            3 => notes.update_last_write_wins(1, |note| note.text = "new".to_owned()).await.map(drop),
            4 => notes.delete(1).await,
            5 => notes.touch(1).await.map(drop),
            _ => notes.touch_last_write_wins(1).await.map(drop),
        }
    });
    // A file's thread may be done at once.
    let _ = write.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
}

async fn nothing_old_stays<S: AtomicStore + Clone>(
    clock: &ManualClock,
    store: &LateStore,
    kv: Kv<S>,
) -> Outcome {
    for way in 0..WRITES {
        let notes = kv.collection::<Note>().cached(exact());
        notes.put(note("old")).await?;
        // A touch writes nothing unless it extends the record's life.
        clock.advance(SECOND);
        store.be_late(true);
        give_up(&notes, way);
        // A read gets what the store has now, and memory does not hold it.
        for _ in 0..3 {
            assert_eq!(notes.get(1).await?.expect("it is there").text, "old", "way {way}");
            assert!(notes.get_many([1]).await?[0].is_some());
            assert!(notes.peek(1).is_none(), "way {way}");
        }
        let read_before = notes.clone();
        store.catch_up();
        store.be_late(false);
        let stands = kv.collection::<Note>().get(1).await?;
        assert_eq!(read_before.get(1).await?.map(|note| (*note).clone()), stands, "way {way}");
        assert_eq!(notes.peek(1).map(|note| (*note).clone()), stands, "way {way}: it has settled");
    }
    Ok(())
}

/// No task, so that a call that is dropped goes no further.
#[test]
fn after_a_write_that_was_dropped_nothing_is_held_that_was_read_before_it_settled() -> Outcome {
    let clock = ManualClock::new(START);
    let store = LateStore::new(&clock);
    block_on(nothing_old_stays(&clock, &store, Kv::new(store.clone())))
}

#[test]
fn a_transaction_that_was_dropped_counts_as_a_dropped_write() -> Outcome {
    let clock = ManualClock::new(START);
    let store = LateStore::new(&clock);
    let kv = Kv::new(store.clone());
    let notes = kv.collection::<Note>().cached(exact());
    block_on(notes.put(note("old")))?;
    store.be_late(true);
    let writer = kv.clone();
    drop(parked(async move {
        let change = async |tx: &Tx<LateStore>| tx.update::<Note>(1, |it| it.text = "new".to_owned()).await;
        writer.transact(change).await
    }));
    for _ in 0..3 {
        assert_eq!(block_on(notes.get(1))?.expect("it is there").text, "old");
        assert!(notes.peek(1).is_none());
    }
    store.catch_up();
    store.be_late(false);
    assert_eq!(block_on(notes.get(1))?.expect("it is there").text, "new");
    assert_eq!(notes.peek(1).map(|note| note.text.clone()).as_deref(), Some("new"));
    Ok(())
}

#[test]
fn every_layer_passes_it_on() -> Outcome {
    let clock = ManualClock::new(START);
    let store = LateStore::new(&clock);
    let layers = NamespaceStore::new(
        ObservedStore::new(RetryStore::new(TimeoutStore::new(FaultStore::new(store.clone()), SECOND))),
        "acme",
    );
    block_on(nothing_old_stays(&clock, &store, Kv::new(layers)))
}

#[test]
fn a_read_that_began_before_is_not_held_though_the_store_settles_meanwhile() -> Outcome {
    let clock = ManualClock::new(START);
    let (store, gate) = (LateStore::new(&clock), kv_runtime::layer::Gate::new());
    let kv = Kv::new(FaultStore::new(store.clone()));
    let notes = kv.collection::<Note>().cached(exact());
    block_on(notes.put(note("old")))?;
    store.be_late(true);
    give_up(&notes, 0);
    kv.store().faults().add(Fault::hold(&gate).after().on(&[Operation::Get]).times(1));
    let reader = notes.clone();
    let read = parked(async move { reader.get(1).await });
    store.catch_up();
    gate.open();
    assert_eq!(block_on(read)?.expect("it is there").text, "old");
    assert!(notes.peek(1).is_none());
    assert_eq!(block_on(notes.get(1))?.expect("it is there").text, "new");
    assert!(notes.peek(1).is_some());
    Ok(())
}

#[test]
fn a_write_that_is_done_meanwhile_is_not_held_either() -> Outcome {
    let clock = ManualClock::new(START);
    let store = LateStore::new(&clock);
    let notes = Kv::new(store.clone()).collection::<Note>().cached(exact());
    store.be_late(true);
    give_up(&notes, 0);
    // It is answered although the first one is not.
    let first = std::mem::take(&mut *store.0.waiting.lock().expect("nothing panics"));
    store.be_late(false);
    block_on(notes.put(note("second")))?;
    assert!(notes.peek(1).is_none());
    store.0.waiting.lock().expect("nothing panics").extend(first);
    store.catch_up();
    assert_eq!(block_on(notes.get(1))?.expect("it is there").text, "new");
    Ok(())
}

#[test]
fn an_outcome_that_the_store_does_not_know_counts_as_dropped() -> Outcome {
    let clock = ManualClock::new(START);
    let kv = Kv::new(FaultStore::new(SharedStore::new(&clock)));
    let notes = kv.collection::<Note>().cached(exact());
    block_on(notes.put(note("old")))?;
    kv.store().faults().add(Fault::fail().after().on(&[Operation::Put]).times(1));
    assert!(matches!(block_on(notes.put(note("new"))), Err(Error::OutcomeUnknown { .. })));
    // It does not say when it has settled, so a time has to pass by the clock that nobody sets.
    for passed in [SECOND, SETTLES_AFTER - 2 * SECOND] {
        assert!(block_on(notes.get(1))?.is_some());
        assert!(notes.peek(1).is_none());
        clock.advance(passed);
        clock.set_time_of_day(START.saturating_add(100 * SETTLES_AFTER));
    }
    clock.advance(SECOND);
    assert!(block_on(notes.get(1))?.is_some());
    Ok(())
}

#[test]
fn an_error_that_says_that_nothing_was_written_costs_nothing() -> Outcome {
    let clock = ManualClock::new(START);
    let kv = Kv::new(SharedStore::new(&clock));
    let notes = kv.collection::<Note>().cached(exact());
    let held = |notes: &Cached<Note, SharedStore>| -> Outcome {
        block_on(notes.get(1))?;
        assert!(notes.peek(1).is_some());
        Ok(())
    };
    block_on(notes.put(note("there")))?;
    assert!(matches!(block_on(notes.insert(note("new"))), Err(Error::AlreadyExists { .. })));
    held(&notes)?;
    let refused = block_on(notes.try_update(1, |_| Err(Error::NotFound { at: Box::default() })));
    assert!(refused.is_err());
    held(&notes)?;
    assert!(matches!(block_on(notes.update(1, |note| note.id = 2)), Err(Error::IdChanged { .. })));
    held(&notes)?;
    assert!(matches!(block_on(notes.update(9, |_| ())), Err(Error::NotFound { .. })));
    block_on(elsewhere(&kv).collection::<Note>().put(&Note { id: 9, text: "there".to_owned() }))?;
    block_on(notes.refresh(9))?;
    assert!(notes.peek(9).is_some());
    Ok(())
}

#[test]
fn a_fill_that_was_given_up_counts_as_dropped() -> Outcome {
    let clock = ManualClock::new(START);
    let kv = Kv::new(FaultStore::new(SharedStore::new(&clock)));
    let notes = kv.collection::<Note>().cached(exact());
    kv.store().faults().add(Fault::hang().on(&[Operation::Commit]).times(1));
    let (loader, given) = (notes.clone(), Calls::default());
    let load = parked(async move {
        loader
            .get_or_load(1, move || async move {
                given.note();
                Ok::<_, Error>(note("old"))
            })
            .await
    });
    drop(load);
    block_on(notes.delete(1))?;
    assert_eq!(block_on(notes.get(1))?, None);
    block_on(elsewhere(&kv).collection::<Note>().put(&note("the fill, late")))?;
    // That there was none is not remembered.
    assert!(block_on(notes.get(1))?.is_some());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_serves_nothing_old_after_a_write_whose_caller_went() -> Outcome {
    let folder = tempfile::tempdir()?;
    let kv = Kv::new(RedbStore::open(folder.path().join("kv.redb"))?);
    let notes = kv.collection::<Note>().cached(exact());
    for round in 0..30 {
        notes.put(note("old")).await?;
        give_up(&notes, round % WRITES);
        notes.get(1).await?;
        // Everything that was queued before is written then.
        kv.store().flush().await?;
        let stands = kv.collection::<Note>().get(1).await?;
        assert_eq!(notes.get(1).await?.map(|note| (*note).clone()), stands, "round {round}");
    }
    Ok(())
}

#[test]
fn a_second_load_before_a_fill_has_settled_leaves_nothing_older_in_memory() -> Outcome {
    let clock = ManualClock::new(START);
    for asks_origin in [true, false] {
        let kv = Kv::new(FaultStore::new(SharedStore::new(&clock)));
        let notes = kv.collection::<Note>().cached(exact());
        kv.store().faults().add(Fault::fail().after().on(&[Operation::Commit]).times(1));
        block_on(notes.get_or_load(1, || async { Ok::<_, Error>(note("old")) }))?;
        assert_eq!(notes.peek(1).expect("the origin gave it").text, "old");
        if asks_origin {
            block_on(notes.refresh_from(1, || async { Ok::<_, Error>(note("new")) }))?;
        } else {
            block_on(elsewhere(&kv).collection::<Note>().put(&note("new")))?;
            assert_eq!(block_on(notes.refresh(1))?.expect("it is there").text, "new");
        }
        assert_eq!(block_on(notes.get(1))?.expect("it is there").text, "new");
    }
    Ok(())
}
