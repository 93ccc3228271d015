//! Many who write through one cache at once.

use std::sync::Arc;

use kv_runtime::Kv;
use kv_runtime::cache::Cache;
use kv_runtime::store::MemoryStore;
use tokio::task::JoinSet;

use crate::{Outcome, User};

const TASKS: u64 = 16;
const UPDATES: u64 = 100;
const IDS: u64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_update_is_lost_and_everybody_reads_what_they_wrote() -> Outcome {
    let kv = Kv::new(MemoryStore::new());
    let users = kv.collection::<User>().cached(Cache::new());
    for id in 0..IDS {
        users.put(User::new(id, "Ada")).await?;
    }
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let users = users.clone();
        tasks.spawn(async move {
            for update in 0..UPDATES {
                let id = (task + update) % IDS;
                let written = users.update(id, |user| user.visits += 1).await?;
                // Others may have written since, but nothing older comes back.
                let read = users.get(id).await?.expect("nobody deletes");
                assert!(read.visits >= written.visits, "{} after {}", read.visits, written.visits);
                tokio::task::yield_now().await;
            }
            Ok::<_, kv_runtime::Error>(())
        });
    }
    // Somebody reads and invalidates all the time, and sees the count go up alone.
    let reader = users.clone();
    tasks.spawn(async move {
        let mut seen = 0;
        for turn in 0..TASKS * UPDATES {
            let read = reader.get(turn % IDS).await?.expect("nobody deletes").visits;
            if turn % IDS == 0 {
                assert!(read >= seen, "{read} after {seen}");
                seen = read;
            }
            if turn % 7 == 0 {
                reader.invalidate(turn % IDS);
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    });
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    let mut total = 0;
    for id in 0..IDS {
        let (cached, stored) = (users.get(id).await?, kv.collection::<User>().get(id).await?);
        assert_eq!(cached, stored.map(Arc::new));
        total += cached.map_or(0, |user| user.visits);
    }
    assert_eq!(total, TASKS * UPDATES);
    Ok(())
}
