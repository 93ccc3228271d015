//! Writers, readers that migrate, a backfill, and deletes, all at once: no update is lost, no TTL
//! is lost, nothing comes back.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::record::{Expiry, Metadata, NewRecord};
use kv_runtime::store::{AtomicStore, RedbStore, StoreExt};
use kv_runtime::{Codec, Error, Kv, Timestamp};

use crate::entities::UserV2;
use crate::{Outcome, memory};

const WRITERS: u64 = 16;
const RECORDS: u64 = 40;
const ROUNDS: u64 = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_memory() -> Outcome {
    nothing_is_lost(memory().0).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_redb() -> Outcome {
    let dir = tempfile::tempdir()?;
    nothing_is_lost(Kv::new(RedbStore::open(dir.path().join("contention.redb"))?)).await
}

async fn nothing_is_lost<S: AtomicStore>(kv: Kv<S>) -> Outcome {
    for id in 0..RECORDS {
        let record = NewRecord::new(r#"{"name":"ada","visits":0}"#, Metadata::new(1, Codec::Json))
            .with_expiry(Expiry::After(Duration::from_secs(86_400)));
        kv.store().put(key(id), record).await?;
    }
    let mut expiries = Vec::new();
    for id in 0..RECORDS {
        expiries.push(expiry(&kv, id).await?);
    }
    let users = kv.collection::<UserV2>();
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let users = users.clone();
        tasks.push(tokio::spawn(async move {
            for round in 0..ROUNDS {
                // The last tenth is deleted meanwhile, and is not written.
                let id = (writer * 7 + round) % (RECORDS - 4);
                users.update(id, |user| user.visits += 1).await?;
            }
            Ok::<_, Error>(())
        }));
    }
    for reader in 0..4 {
        let users = users.clone();
        tasks.push(tokio::spawn(async move {
            for round in 0..100 {
                users.get((reader + round) % RECORDS).await?;
            }
            Ok(())
        }));
    }
    let deleting = users.clone();
    tasks.push(tokio::spawn(async move {
        for id in RECORDS - 4..RECORDS {
            deleting.delete(id).await?;
        }
        Ok(())
    }));
    let backfill = users.clone();
    tasks.push(tokio::spawn(async move {
        for _ in 0..5 {
            let report = backfill.migrate_all().batch(7).run().await?;
            assert_eq!(report.failed, 0, "{report}");
        }
        Ok(())
    }));
    for task in tasks {
        task.await??;
    }
    let mut visits = 0;
    for id in 0..RECORDS - 4 {
        visits += u64::from(users.get(id).await?.ok_or("a record is lost")?.visits);
        assert_eq!(expiry(&kv, id).await?, expiries[id as usize], "record {id} has another expiry");
        assert_eq!(kv.store().head(&key(id)).await?.map(|head| head.metadata.version), Some(2));
    }
    assert_eq!(visits, WRITERS * ROUNDS);
    assert_eq!(users.list().ids().page().await?.ids.len() as u64, RECORDS - 4);
    Ok(())
}

fn key(id: u64) -> Key {
    Key::from_text(format!("user:{id}:profile"))
}

async fn expiry<S: AtomicStore>(kv: &Kv<S>, id: u64) -> Result<Timestamp, Box<dyn std::error::Error>> {
    let head = kv.store().head(&key(id)).await?.ok_or("a record is lost")?;
    Ok(head.expires_at.ok_or("a record has lost its TTL")?)
}
