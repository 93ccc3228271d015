//! put_many, delete_many, get_many: order, batches, and the errors when they fail half-way.

use std::sync::atomic::{AtomicUsize, Ordering};

use kv_runtime::key::EntityId;
use kv_runtime::layer::{Fault, FaultStore, Gate, Operation};
use kv_runtime::store::{AtomicStore, Limits, StoreExt};
use kv_runtime::{Error, Kv, ManualClock};

use crate::counted::Counted;
use crate::entities::{Counter, Member, User};
use crate::{Outcome, on_every_store};

on_every_store!(many_are_written_read_and_deleted, lookups_infer, the_later_of_two_remains);

async fn many_are_written_read_and_deleted<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let users = kv.collection::<User>();
    let all: Vec<User> = (0..500).map(User::new).collect();
    users.put_many(&all).await?;
    let read = users.get_many(0..502).await?;
    assert_eq!(read.iter().flatten().cloned().collect::<Vec<_>>(), all);
    assert_eq!((read.len(), &read[500..]), (502, &[None, None][..]));
    users.delete_many(100..500).await?;
    assert_eq!(users.list().ids().page().await?.ids.len(), 100);
    assert!(kv.store().read(&kv_runtime::key::Key::from_text("user:100:settings")).await?.is_none());
    Ok(())
}

async fn lookups_infer<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let users = kv.collection::<User>();
    users.put_many([User::new(1), User::new(2)]).await?;
    let ids = vec![2, 1, 2];
    let found = users.get_many(&ids).await?;
    assert_eq!(found.into_iter().flatten().map(|user| user.id).collect::<Vec<_>>(), ids);
    assert!(users.get(2).await?.is_some() && users.get(1).await?.is_some());

    let members = kv.collection::<Member>();
    let ada = Member { org: "acme".to_owned(), team: 3, user: -7, role: "owner".to_owned() };
    members.put(&ada).await?;
    let org = String::from("acme");
    assert_eq!(members.get(("acme", 3, -7)).await?, Some(ada.clone()));
    assert_eq!(members.get((&org, 3, -7)).await?, Some(ada.clone()));
    assert_eq!(members.get(kv_runtime::KvEntity::id(&ada).as_id_ref()).await?, Some(ada.clone()));
    assert_eq!(members.get_many([("acme", 3, -7), ("acme", 3, 7)]).await?, [Some(ada), None]);
    Ok(())
}

async fn the_later_of_two_remains<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let counters = kv.collection::<Counter>();
    counters.put_many((0..10).map(|count| Counter { name: "same".to_owned(), count })).await?;
    assert_eq!(counters.get("same").await?.map(|counter| counter.count), Some(9));
    Ok(())
}

#[tokio::test]
async fn a_failure_says_how_many_were_written() -> Outcome {
    let kv = Kv::new(Counted::new(Limits::new().batches(3, 4)).failing_after(10));
    let counters = kv.collection::<Counter>();
    let error = counters
        .put_many((0..20).map(|count| Counter { name: count.to_string(), count }))
        .await
        .expect_err("the eleventh write fails");
    assert!(matches!(&error, Error::Partial { written: 10, also, .. } if also.is_empty()), "{error:?}");
    assert!(error.is_retryable());
    assert_eq!(counters.list().ids().page().await?.ids.len(), 10);
    assert_eq!(
        counters.get_many((0..20).map(|number| number.to_string())).await?.iter().flatten().count(),
        10
    );
    Ok(())
}

#[tokio::test]
async fn an_entity_counts_as_written_when_its_anchor_is() -> Outcome {
    // Batches of one entity: three writes each, and the fifth fails: the second entity's second
    // group.
    let kv = Kv::new(Counted::new(Limits::new().batches(3, 3)).failing_after(4));
    let error = kv.collection::<User>().put_many((0..3).map(User::new)).await.expect_err("a write fails");
    assert!(matches!(&error, Error::Partial { written: 1, .. }), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn an_entity_that_does_not_encode_ends_it() -> Outcome {
    let kv = Kv::new(Counted::new(Limits::new().value(15)));
    let counters = kv.collection::<Counter>();
    let counts = [1, 2, u64::MAX, 4].map(|count| Counter { name: count.to_string(), count });
    let error = counters.put_many(&counts).await.expect_err("the third is too long");
    let Error::Partial { written, source, .. } = error else { return Err(error.into()) };
    assert!(matches!(*source, Error::ValueTooLong { .. }), "{source}");
    assert_eq!(counters.list().ids().page().await?.ids.len(), written);
    Ok(())
}

#[tokio::test]
async fn the_next_batch_is_made_while_one_is_written() -> Outcome {
    let (store, gate) = (FaultStore::new(Counted::new(Limits::new().batches(3, 4))), Gate::new());
    store.faults().add(Fault::hold(&gate).on(&[Operation::PutMany]));
    let (counters, made) = (Kv::new(store).collection::<Counter>(), AtomicUsize::new(0));
    let entities = (0..12_u64).map(|count| {
        made.fetch_add(1, Ordering::SeqCst);
        Counter { name: count.to_string(), count }
    });
    let script = async {
        for expected in [9, 12, 12] {
            gate.arrived().await;
            // The entity that no longer fits into the batch after the one that stands before the
            // store.
            assert_eq!(made.load(Ordering::SeqCst), expected);
            gate.let_one_pass();
        }
    };
    let (written, ()) = tokio::join!(counters.put_many(entities), script);
    written?;
    assert_eq!(counters.list().ids().page().await?.ids.len(), 12);
    Ok(())
}
