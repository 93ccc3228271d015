//! Random operations through a collection, compared with a plain map. Reads and stored records
//! agree after every operation, whatever time passes in between.

mod plain;
mod step;

use kv_runtime::store::{AtomicStore, MemoryStore, RedbDurability, RedbStore};
use kv_runtime::{Clock, Kv, KvEntity, ManualClock, Timestamp};
use proptest::prelude::*;
use tokio::runtime::Builder;

use plain::Plain;
use step::{Step, steps};

/// Three groups that expire at different times.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "doc", group = "main", ttl = "100s")]
#[kv(group(name = "needed", ttl = "150s"))]
#[kv(group(name = "extra", ttl = "50s", optional))]
pub struct Doc {
    #[kv(id)]
    id: String,
    title: u8,
    #[kv(group = "needed")]
    needed: u8,
    #[kv(group = "extra")]
    extra: u8,
}

impl Doc {
    fn new(id: &str, [title, needed, extra]: [u8; 3]) -> Self {
        Self { id: id.to_owned(), title, needed, extra }
    }

    fn set(&mut self, group: usize, value: u8) {
        *[&mut self.title, &mut self.needed, &mut self.extra][group] = value;
    }
}

/// The groups, and how long each lives.
const GROUPS: [(&str, u64); 3] = [("main", 100), ("needed", 150), ("extra", 50)];

const IDS: [&str; 5] = ["", "a", "a:main", "é", "{a}"];

fn assert_agrees<S: AtomicStore>(store: S, clock: &ManualClock, steps: &[Step]) -> Result<(), TestCaseError> {
    let runtime = Builder::new_current_thread().build().expect("a runtime needs nothing");
    let (kv, mut plain) = (Kv::new(store), Plain::default());
    runtime.block_on(async {
        for step in steps {
            step.take(&kv, clock, &mut plain).await?;
            plain.assert_is(&kv, clock.now()).await?;
        }
        Ok(())
    })
}

fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_millis(1_763_900_000_000))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn memory_agrees(steps in steps()) {
        let clock = clock();
        assert_agrees(MemoryStore::with_clock(Clock::from(&clock)), &clock, &steps)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]
    #[test]
    fn redb_agrees(steps in steps()) {
        let clock = clock();
        let directory = tempfile::tempdir().expect("there is room for a file");
        let options = RedbStore::options().clock(Clock::from(&clock)).durability(RedbDurability::OnFlush);
        let store = options.open(directory.path().join("model.redb")).expect("a new file opens");
        assert_agrees(store, &clock, &steps)?;
    }
}
