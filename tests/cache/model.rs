//! The tiers against the plain store: whatever happens in which order, what is served was true not
//! too long ago.

use kv_runtime::cache::Cached;
use kv_runtime::layer::{Fault, FaultStore};
use kv_runtime::store::{MemoryStore, StoreExt};
use kv_runtime::{Clock, Collection, Error, Kv, KvEntity, ManualClock, Source, Timestamp};
use proptest::prelude::*;

use crate::{MINUTE, SECOND, START, exact};

/// It expires 90 seconds after it was written: later than the memory's minute, earlier than what
/// may be stale.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "item", ttl = "90s")]
struct Item {
    #[kv(id)]
    id: u8,
    /// No two writes write the same.
    number: u64,
}

const STALE: std::time::Duration = MINUTE;

#[derive(Clone, Debug)]
enum Op {
    Get(u8),
    GetMany,
    GetOrLoad(u8),
    /// The origin fails.
    GetOrFailToLoad(u8),
    Refresh(u8),
    Put(u8),
    Update(u8),
    Delete(u8),
    Touch(u8),
    Invalidate(u8),
    /// By another process.
    Foreign(u8, bool),
    Wait(u64),
    /// The store fails until the model ends it: before or after the engine has done its part.
    Fail(bool),
    Recover,
}

fn op() -> impl Strategy<Value = Op> {
    let id = 0_u8..3;
    prop_oneof![
        6 => id.clone().prop_map(Op::Get),
        2 => Just(Op::GetMany),
        3 => id.clone().prop_map(Op::GetOrLoad),
        2 => id.clone().prop_map(Op::GetOrFailToLoad),
        1 => id.clone().prop_map(Op::Refresh),
        3 => id.clone().prop_map(Op::Put),
        2 => id.clone().prop_map(Op::Update),
        1 => id.clone().prop_map(Op::Delete),
        2 => id.clone().prop_map(Op::Touch),
        1 => id.clone().prop_map(Op::Invalidate),
        2 => (id, any::<bool>()).prop_map(|(id, there)| Op::Foreign(id, there)),
        5 => (1_u64..50).prop_map(Op::Wait),
        1 => any::<bool>().prop_map(Op::Fail),
        2 => Just(Op::Recover),
    ]
}

/// What the store held under an id, and until when: as a plain list.
#[derive(Default)]
struct History {
    /// The number, or nothing; when it was seen last; when its record expires.
    states: Vec<(Option<u64>, Timestamp, Option<Timestamp>)>,
    /// How many of them were over when a call of the cache's own ended.
    overwritten: usize,
}

impl History {
    fn see(&mut self, found: Option<u64>, expires_at: Option<Timestamp>, now: Timestamp) {
        match self.states.last_mut() {
            Some((number, last, expiry)) if *number == found => (*last, *expiry) = (now, expires_at),
            _ => self.states.push((found, now, expires_at)),
        }
    }

    /// Whether this may be served: it was true within the limit, and since the last own write.
    fn allows(&self, served: Option<u64>, now: Timestamp, limit: std::time::Duration) -> bool {
        self.states[self.overwritten.min(self.states.len() - 1)..].iter().any(|(number, last, expires_at)| {
            let is_over = number.is_some() && expires_at.is_some_and(|at| at <= now);
            *number == served && !is_over && now.saturating_since(*last) <= limit
        })
    }
}

struct World {
    clock: ManualClock,
    kv: Kv<FaultStore<MemoryStore>>,
    items: Cached<Item, FaultStore<MemoryStore>>,
    /// The same records, past cache and faults.
    truth: Collection<Item, MemoryStore>,
    histories: [History; 3],
    numbers: u64,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::new(START);
        let store = MemoryStore::with_clock(Clock::from(&clock));
        let kv = Kv::new(FaultStore::new(store.clone()));
        let items = kv.collection().cached(exact().stale_for(STALE));
        let truth = Kv::new(store).collection();
        Self { clock, kv, items, truth, histories: Default::default(), numbers: 0 }
    }

    fn next(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    async fn look(&mut self) -> Result<(), Error> {
        let now = self.clock.now();
        for id in 0..3 {
            let found = self.truth.get(id).await?.map(|item| item.number);
            let key = kv_runtime::key::Key::from_text(format!("item:{id}"));
            let expires_at = self.truth.store().head(&key).await?.and_then(|head| head.expires_at);
            self.histories[usize::from(id)].see(found, expires_at, now);
        }
        Ok(())
    }

    fn check(&self, id: u8, served: Option<u64>, source: Source) {
        let limit = match source {
            Source::Store | Source::Origin => std::time::Duration::ZERO,
            Source::Memory => MINUTE,
            _ => MINUTE + STALE,
        };
        let history = &self.histories[usize::from(id)];
        assert!(
            history.allows(served, self.clock.now(), limit),
            "{served:?} from {source:?} at {:?}; {:?} from {}",
            self.clock.now(),
            history.states,
            history.overwritten
        );
    }

    /// A write through the cache has ended, however: what was true before it is not served any
    /// more.
    async fn written(&mut self, id: u8) -> Result<(), Error> {
        self.look().await?;
        let history = &mut self.histories[usize::from(id)];
        history.overwritten = history.states.len() - 1;
        Ok(())
    }

    async fn run(&mut self, op: Op) -> Result<(), Error> {
        match op {
            Op::Get(id) => {
                if let Ok(served) = self.items.get_detailed(id).await {
                    self.check(id, served.value.map(|item| item.number), served.source);
                }
            }
            Op::GetMany => {
                if let Ok(found) = self.items.get_many([0_u8, 1, 2, 1]).await {
                    for (id, item) in [0, 1, 2, 1].into_iter().zip(found) {
                        self.check(id, item.map(|item| item.number), Source::Stale);
                    }
                }
            }
            Op::GetOrLoad(id) => {
                let number = self.next();
                let load = move || std::future::ready(Ok::<_, Error>(Item { id, number }));
                let served = match self.items.get_or_load_detailed(id, load).await {
                    // It has failed a moment ago, and is not asked again yet.
                    Err(Error::Load { .. }) => return self.look().await,
                    served => served?,
                };
                self.look().await?;
                if served.value.number == number {
                    // The origin is the truth then, also if it could not be written into the store.
                    let expires_at = self.clock.now().saturating_add(90 * SECOND);
                    self.histories[usize::from(id)].see(Some(number), Some(expires_at), self.clock.now());
                    self.look().await?;
                } else {
                    self.check(id, Some(served.value.number), served.source);
                }
            }
            Op::GetOrFailToLoad(id) => {
                let load = || std::future::ready(Err::<Option<Item>, _>("the origin is down"));
                if let Ok(served) = self.items.get_or_load_detailed(id, load).await {
                    self.check(id, served.value.map(|item| item.number), served.source);
                }
            }
            Op::Refresh(id) => {
                if let Ok(found) = self.items.refresh(id).await {
                    self.check(id, found.map(|item| item.number), Source::Store);
                }
            }
            Op::Put(id) => {
                let number = self.next();
                let done = self.items.put(Item { id, number }).await.is_ok();
                self.written(id).await?;
                assert!(!done || self.truth.get(id).await?.is_some_and(|item| item.number == number));
            }
            Op::Update(id) => {
                let number = self.next();
                let done = self.items.update(id, |item| item.number = number).await.is_ok();
                self.written(id).await?;
                assert!(!done || self.truth.get(id).await?.is_some_and(|item| item.number == number));
            }
            Op::Delete(id) => {
                let done = self.items.delete(id).await.is_ok();
                self.written(id).await?;
                assert!(!done || self.truth.get(id).await?.is_none());
            }
            Op::Touch(id) => {
                let there = self.items.touch(id).await;
                self.look().await?;
                assert!(!matches!(there, Ok(true)) || self.truth.get(id).await?.is_some());
            }
            Op::Invalidate(id) => {
                self.items.invalidate(id);
                self.written(id).await?;
            }
            Op::Foreign(id, true) => {
                let number = self.next();
                self.truth.put(&Item { id, number }).await?;
            }
            Op::Foreign(id, false) => self.truth.delete(id).await?,
            Op::Wait(seconds) => {
                // In steps, so that the history knows until when a record was there.
                for _ in 0..seconds {
                    self.clock.advance(SECOND);
                    self.look().await?;
                }
            }
            Op::Fail(after) => {
                let fault = if after { Fault::fail().after() } else { Fault::fail() };
                self.kv.store().faults().add(fault.share(0.5));
            }
            Op::Recover => self.kv.store().faults().clear(),
        }
        self.look().await
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_served_was_true_not_too_long_ago(ops in prop::collection::vec(op(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        runtime.block_on(async {
            let mut world = World::new();
            world.look().await?;
            for op in ops {
                world.run(op).await?;
            }
            Ok::<_, Error>(())
        })?;
    }
}
