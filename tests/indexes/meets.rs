//! A build that meets other writers at the worst moment.

use kv_runtime::layer::{Fault, FaultStore, Gate, Operation};
use kv_runtime::store::MemoryStore;
use kv_runtime::{Error, Kv, KvEntity};

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
}

/// The same entity before it had an index.
mod before {
    use kv_runtime::KvEntity;

    #[derive(KvEntity)]
    #[kv(prefix = "user")]
    pub(super) struct User {
        #[kv(id)]
        pub(super) id: u64,
        pub(super) email: String,
    }
}

/// The writer plans its commit while the value has no claim yet, and the build adds the claim before
/// that commit. The entity itself is not changed by the build, so only the claim tells.
async fn nothing_is_left_of(write: impl AsyncFn(&Kv<FaultStore<MemoryStore>>) -> Result<(), Error>) {
    let kv = Kv::new(FaultStore::new(MemoryStore::new()));
    let old = before::User { id: 1, email: "ada@example.com".to_owned() };
    kv.collection().put(&old).await.expect("memory does not fail");
    let users = kv.collection::<User>();
    users.put(&User { id: 2, email: "bob@example.com".to_owned() }).await.expect("memory does not fail");

    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).on(&[Operation::Commit]).times(1));
    let script = async {
        gate.arrived().await;
        let report = users.build_indexes().no_older_writers().run().await;
        gate.open();
        report
    };
    let (written, built) = tokio::join!(write(&kv), script);
    written.expect("the next attempt succeeds");
    assert!(built.expect("memory does not fail").is_ready);
    let report = users.check_indexes().await.expect("memory does not fail");
    assert_eq!((report.added, report.removed, report.violations), (0, 0, 0), "{report:?}");
}

#[tokio::test]
async fn a_build_leaves_no_claim_of_an_entity_that_is_deleted_meanwhile() {
    nothing_is_left_of(async |kv| kv.collection::<User>().delete(1).await).await;
}

#[tokio::test]
async fn a_build_leaves_no_claim_of_a_value_that_is_given_up_meanwhile() {
    let change = |user: &mut User| user.email = "ada@example.org".to_owned();
    nothing_is_left_of(async |kv| kv.collection().update(1, change).await.map(drop)).await;
    nothing_is_left_of(async |kv| kv.transact(async |tx| tx.update::<User>(1, change).await.map(drop)).await)
        .await;
}
