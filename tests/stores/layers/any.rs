//! A store that is chosen by a URL is the store that it leads to.

use std::error::Error as StdError;
use std::sync::atomic::{AtomicU32, Ordering};

use kv_runtime::conformance::{self, ManualHarness};
use kv_runtime::store::{AnyStore, MemoryStore, RedbDurability, RedbStore};
use kv_runtime::{Clock, Error, Kv, KvEntity};

use super::conformance::TESTS;

type Outcome = Result<(), Box<dyn StdError>>;

#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    visits: u64,
}

#[tokio::test]
async fn memory_conforms() -> Outcome {
    let make = |clock: Clock| Ok(AnyStore::from(MemoryStore::with_clock(clock)));
    Ok(conformance::index_store(&ManualHarness::new(make)).await.require(TESTS)?)
}

#[tokio::test]
async fn redb_conforms() -> Outcome {
    let directory = tempfile::tempdir()?;
    let files = AtomicU32::new(0);
    let make = |clock: Clock| {
        let path = directory.path().join(files.fetch_add(1, Ordering::Relaxed).to_string());
        let options = RedbStore::options().clock(clock).durability(RedbDurability::OnFlush);
        options.open(path).map(AnyStore::from)
    };
    Ok(conformance::index_store(&ManualHarness::new(make)).await.require(TESTS)?)
}

#[tokio::test]
async fn every_call_of_a_collection_works_by_url() -> Outcome {
    let directory = tempfile::tempdir()?;
    let file = format!("redb:{}", directory.path().join("app.redb").display());
    for url in ["memory:", &file] {
        let users = Kv::connect(url).await?.collection::<User>();
        users.insert(&User { id: 7, visits: 0 }).await?;
        users.update(7, |user| user.visits += 1).await?;
        assert_eq!(users.get(7).await?, Some(User { id: 7, visits: 1 }));
    }
    // The file was closed, and holds what was written.
    let users = Kv::connect(&file).await?.collection::<User>();
    assert_eq!(users.get(7).await?, Some(User { id: 7, visits: 1 }));
    // If the store cannot be opened, the error is the store's own.
    let second = Kv::connect(&file).await;
    assert!(matches!(second, Err(Error::AlreadyOpen { .. })), "{second:?}");
    Ok(())
}
