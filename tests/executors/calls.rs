//! Collections, lists, migrations, layers, caches and sessions, on stores in this process.

use std::sync::Arc;
use std::time::Duration;

use kv_runtime::cache::Cache;
use kv_runtime::layer::{Fault, FaultStore, Gate, NamespaceStore, ObservedStore, RetryStore, TimeoutStore};
use kv_runtime::store::{AnyStore, AtomicStore, MemoryStore, RedbStore, StoreExt};
use kv_runtime::tower_sessions::KvSessionStore;
use kv_runtime::{Error, Kv, KvEntity};
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};

use crate::{Outcome, everywhere};

const SECOND: Duration = Duration::from_secs(1);

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "job", ttl = "1h", group = "main")]
#[kv(group(name = "log", optional))]
struct Job {
    #[kv(id)]
    id: u64,
    done: u64,
    #[kv(group = "log")]
    lines: u64,
}

fn job(id: u64) -> Job {
    Job { id, done: 0, lines: 1 }
}

async fn every_call<S: AtomicStore>(kv: Kv<S>) -> Outcome {
    let jobs = kv.collection::<Job>();
    jobs.put(&job(1)).await?;
    jobs.insert(&job(2)).await?;
    assert!(matches!(jobs.insert(&job(2)).await, Err(Error::AlreadyExists { .. })));
    jobs.put_many((3..9).map(job)).await?;
    assert_eq!(jobs.update(1, |job| job.done += 1).await?.done, 1);
    let counted = jobs.try_update(1, |job| {
        job.done += 1;
        Ok::<_, Error>(())
    });
    assert_eq!(counted.await?.done, 2);
    jobs.upsert(9, || job(9), |_| ()).await?;
    jobs.update_last_write_wins(1, |job| job.done += 1).await?;
    jobs.upsert_last_write_wins(1, || job(1), |job| job.done += 1).await?;
    assert!(jobs.touch(1).await? && jobs.touch_last_write_wins(1).await? && jobs.exists(1).await?);
    assert_eq!(jobs.get(1).await?.map(|job| job.done), Some(4));
    assert_eq!(jobs.get_many([1, 2, 77]).await?.iter().flatten().count(), 2);
    assert_eq!(jobs.list().page().await?.entities.len(), 9);
    assert_eq!(jobs.list().ids().page().await?.ids.len(), 9);
    let (mut stream, mut streamed) = (jobs.list().stream(), 0);
    while let Some(job) = stream.next().await {
        job?;
        streamed += 1;
    }
    assert_eq!(streamed, 9);
    let report = jobs.migrate_all().batch(4).rate(1_000).run().await?;
    assert_eq!(report.failed, 0, "{report}");
    jobs.census().await?;
    jobs.delete(1).await?;
    jobs.delete_many([2, 3]).await?;
    Ok(())
}

#[test]
fn memory() {
    everywhere(|| Box::pin(every_call(Kv::new(MemoryStore::new()))));
}

#[test]
fn redb() {
    everywhere(|| {
        Box::pin(async {
            let dir = tempfile::tempdir()?;
            let store = RedbStore::open(dir.path().join("a.redb"))?;
            every_call(Kv::new(store.clone())).await?;
            store.sweep(10).await?;
            Ok(store.flush().await?)
        })
    });
}

#[test]
fn a_store_by_url() {
    everywhere(|| {
        Box::pin(async {
            every_call(Kv::connect("memory:").await?).await?;
            let dir = tempfile::tempdir()?;
            let file = format!("redb:{}", dir.path().join("a.redb").display());
            every_call(Kv::new(AnyStore::connect(&file).await?)).await
        })
    });
}

#[test]
fn layers() {
    everywhere(|| {
        Box::pin(async {
            let store = FaultStore::new(MemoryStore::new());
            let faults = store.faults().clone();
            let layered = TimeoutStore::new(RetryStore::new(store.clone()), 30 * SECOND);
            // A failure and the pause behind it; a call that is late.
            faults.add(Fault::fail().times(1));
            faults.add(Fault::delay(Duration::from_millis(2)).times(1));
            every_call(Kv::new(ObservedStore::new(NamespaceStore::new(layered, "acme")))).await?;

            let gate = Gate::new();
            faults.add(Fault::hold(&gate));
            let impatient = Kv::new(TimeoutStore::new(store, Duration::from_millis(2))).collection::<Job>();
            assert!(matches!(impatient.get(1).await, Err(Error::TimedOut { .. })));
            assert!(matches!(impatient.put(&job(1)).await, Err(Error::OutcomeUnknown { .. })));
            Ok(())
        })
    });
}

#[test]
fn rivals_of_one_record() {
    everywhere(|| {
        Box::pin(async {
            let dir = tempfile::tempdir()?;
            let store = RedbStore::open(dir.path().join("a.redb"))?;
            let counted = Kv::new(store.clone()).collection::<Job>();
            counted.put(&job(1)).await?;
            let updates = (0..32).map(|_| {
                let jobs = Kv::new(store.clone()).collection::<Job>();
                async move { jobs.update(1, |job| job.done += 1).await }
            });
            for update in futures_util::future::join_all(updates).await {
                update?;
            }
            assert_eq!(counted.get(1).await?.map(|job| job.done), Some(32));
            Ok(())
        })
    });
}

#[test]
fn a_cache() {
    everywhere(|| {
        Box::pin(async {
            let cache = Cache::new().soft_timeout(SECOND).hard_timeout(30 * SECOND);
            let jobs = Kv::new(MemoryStore::new()).collection::<Job>().cached(cache);
            let loaded = jobs.get_or_load(1, || async { Ok::<_, std::io::Error>(job(1)) }).await?;
            assert_eq!(loaded, Arc::new(job(1)));
            jobs.put(job(2)).await?;
            jobs.update(1, |job| job.done += 1).await?;
            assert_eq!(jobs.get(1).await?.map(|job| job.done), Some(1));
            assert_eq!(jobs.get_many([1, 2, 3]).await?.iter().flatten().count(), 2);
            jobs.refresh_from(1, || async { Ok::<_, std::io::Error>(job(1)) }).await?;
            assert!(jobs.touch(2).await?);
            jobs.delete(1).await?;
            assert!(jobs.get(1).await?.is_none());
            Ok(())
        })
    });
}

#[test]
fn sessions() {
    everywhere(|| {
        Box::pin(async {
            let kv = Kv::new(MemoryStore::new());
            let plain = KvSessionStore::new(&kv).with_idle_timeout(60 * SECOND);
            for store in [plain.clone(), plain.with_memory(SECOND, 100)] {
                let expiry_date = std::time::SystemTime::from(kv.store().clock().now()) + 3_600 * SECOND;
                let (data, id) = (Default::default(), Id::default());
                let mut record = Record { id, data, expiry_date: expiry_date.into() };
                store.create(&mut record).await?;
                store.save(&record).await?;
                assert!(store.load(&record.id).await?.is_some());
                store.delete(&record.id).await?;
                assert!(store.load(&record.id).await?.is_none());
            }
            Ok(())
        })
    });
}
