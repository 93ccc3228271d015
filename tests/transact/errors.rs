//! Reads and checks that fail.

use kv_runtime::layer::{Fault, FaultStore, Operation};
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{AtomicStore, Capabilities, MemoryStore, Sharing, StoreExt};
use kv_runtime::{Codec, Error, Kv, ManualClock};

use crate::entities::Account;
use crate::{Outcome, Runs};

crate::on_both_stores!(what_cannot_be_read_ends_the_transaction);

async fn what_cannot_be_read_ends_the_transaction<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let accounts = kv.collection::<Account>();
    accounts.put(&Account::new(2, 0)).await?;
    let key = accounts.key(1);
    kv.store().put(key, NewRecord::new(r#"{"cents":"many"}"#, Metadata::new(1, Codec::Json))).await?;
    // Even if the closure goes on.
    let ignored = kv.transact(async |tx| {
        let one = tx.get::<Account>(1).await;
        assert!(matches!(one, Err(Error::Decode { .. })));
        tx.update::<Account>(2, |account| account.cents = 9).await.unwrap_or(Account::new(2, 0));
        tx.put(&Account::new(3, 9))
    });
    let Err(error) = ignored.await else { panic!("a read failed") };
    assert!(matches!(error, Error::Decode { .. }));
    assert!(error.to_string().starts_with("Account `account:1`"), "{error}");
    let many = kv.transact(async |tx| Ok(tx.get_many::<Account>([2, 1]).await.is_ok()));
    assert!(matches!(many.await, Err(Error::Decode { .. })));
    assert_eq!(accounts.get_many([2, 3]).await?, [Some(Account::new(2, 0)), None]);
    // It need not be read to be replaced.
    kv.transact(async |tx| tx.put(&Account::new(1, 1))).await?;
    assert_eq!(accounts.get(1).await?, Some(Account::new(1, 1)));
    Ok(())
}

fn faulty() -> (Kv<FaultStore<MemoryStore>>, FaultStore<MemoryStore>) {
    let store = FaultStore::new(MemoryStore::new());
    (Kv::new(store.clone()), store)
}

#[tokio::test]
async fn a_read_that_fails_poisons_the_attempt() -> Outcome {
    let (kv, store) = faulty();
    kv.collection().put_many([Account::new(1, 1), Account::new(2, 2)]).await?;
    store.faults().add(Fault::fail().on(&[Operation::Get]).times(1));
    let runs = Runs::default();
    let failed = kv.transact(async |tx| {
        runs.begin();
        assert!(tx.get::<Account>(1).await.is_err());
        // The fault is over, and the attempt is as well.
        assert!(tx.get::<Account>(2).await.is_err());
        assert!(tx.exists::<Account>(2).await.is_err());
        tx.put(&Account::new(3, 3))
    });
    assert!(matches!(failed.await, Err(Error::Store { .. })));
    assert_eq!((runs.count(), kv.collection::<Account>().get(3).await?), (1, None));
    // A later read that asks for the first record again names that one.
    store.faults().add(Fault::fail().on(&[Operation::GetMany]).times(1));
    let failed = kv.transact(async |tx| {
        tx.get::<Account>(1).await?;
        tx.get::<Account>(2).await.map(drop)
    });
    let error = failed.await.err().ok_or("the read fails")?;
    assert_eq!(error.location().and_then(|at| at.entity), Some("Account"), "{error}");
    Ok(())
}

#[derive(Debug)]
struct Own(Option<Error>);

impl From<Error> for Own {
    fn from(error: Error) -> Self {
        Self(Some(error))
    }
}

#[tokio::test]
async fn a_check_that_fails_gives_its_own_error() -> Outcome {
    let (kv, store) = faulty();
    kv.collection().put(&Account::new(1, 1)).await?;
    store.faults().add(Fault::fail().on(&[Operation::Commit]).times(1));
    let refuse = async || {
        kv.try_transact(async |tx| -> Result<(), Own> {
            tx.get::<Account>(1).await?;
            tx.put(&Account::new(2, 2))?;
            Err(Own(None))
        })
        .await
    };
    let Err(Own(Some(Error::Store { retryable: true, .. }))) = refuse().await else {
        panic!("the check fails")
    };
    assert!(matches!(refuse().await, Err(Own(None))));
    assert_eq!(kv.collection::<Account>().get(2).await?, None);
    Ok(())
}

/// A store that is chosen while the program runs may not have it.
#[tokio::test]
async fn a_store_without_compare_and_swap_refuses() -> Outcome {
    let store = FaultStore::new(MemoryStore::new()).pretending(Capabilities::new(Sharing::Shared));
    let runs = Runs::default();
    let kv = Kv::new(store);
    let refused = kv.transact(async |_| {
        runs.begin();
        Ok(())
    });
    let error = refused.await.err().ok_or("it cannot")?;
    assert!(matches!(error, Error::Unsupported { .. }));
    assert_eq!(runs.count(), 0);
    assert!(
        error.to_string().ends_with("the store cannot do this: transactions, which need compare-and-swap"),
        "{error}"
    );
    Ok(())
}
