//! What a suite of one task cannot show: callers on several threads.

use kv_runtime::conformance::{self, ManualHarness, Unfit};
use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{AtomicStore, Commit, Condition, Expect, MemoryStore, StoreExt, Write};

const THREADS: u32 = 4;
const INCREMENTS: u32 = 500;

/// Adds 1 to both records, as one step.
async fn increment(store: &impl AtomicStore, keys: &[Key; 2]) -> kv_runtime::Result<()> {
    loop {
        let read = store.read_many(keys).await?;
        let [Some(first), Some(second)] = &read[..] else { panic!("a counter is gone: {read:?}") };
        assert_eq!(first.value, second.value, "a batched read shows two moments");
        let count: u32 = std::str::from_utf8(&first.value).expect("is text").parse().expect("is a number");
        let conditions = vec![Condition::new(keys[0].clone(), Expect::Revision(first.revision.clone()))];
        let next = || NewRecord::new((count + 1).to_string(), Metadata::default());
        let writes = keys.iter().map(|key| Write::Put(key.clone(), next())).collect();
        if store.commit(conditions, writes).await? == Commit::Done {
            return Ok(());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_counts_exactly() -> kv_runtime::Result<()> {
    let store = MemoryStore::new();
    let keys = ["counter:a", "counter:b"].map(Key::from_text);
    for key in &keys {
        store.put(key.clone(), NewRecord::new("0", Metadata::default())).await?;
    }
    let tasks: Vec<_> = (0..THREADS)
        .map(|_| {
            let (store, keys) = (store.clone(), keys.clone());
            tokio::spawn(async move {
                for _ in 0..INCREMENTS {
                    increment(&store, &keys).await?;
                }
                kv_runtime::Result::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no task panics")?;
    }
    let counted = store.read(&keys[0]).await?.map(|record| record.value.to_vec());
    assert_eq!(counted, Some((THREADS * INCREMENTS).to_string().into_bytes()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_runs_in_a_task() -> Result<(), Unfit> {
    let suite = async {
        conformance::atomic_store(&ManualHarness::new(|clock| Ok(MemoryStore::with_clock(clock))))
            .await
            .require(95)
    };
    tokio::spawn(suite).await.expect("no test panics")
}
