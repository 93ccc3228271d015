//! A backfill waits by the timer of its store's clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kv_runtime::store::MemoryStore;
use kv_runtime::{Clock, Error, Kv, ManualClock, Timer};

use crate::entities::User;
use crate::{Outcome, START, lay, memory, shape};

async fn lay_ten(kv: &Kv<MemoryStore>) -> kv_runtime::Result<()> {
    for id in 0..10 {
        lay(kv, &format!("user:{id}:profile"), 1, r#"{"name":"ada","visits":3}"#).await?;
    }
    Ok(())
}

#[tokio::test]
async fn each_batch_waits_until_it_is_due() -> Outcome {
    let manual = ManualClock::new(START);
    let (hand, waits) = (manual.clone(), Arc::new(Mutex::new(Vec::new())));
    let told = Arc::clone(&waits);
    let timer = Timer::new(move |duration| {
        told.lock().unwrap().push(duration);
        hand.advance(duration);
        std::future::ready(())
    });
    let kv = Kv::new(MemoryStore::with_clock(Clock::from(&manual).with_timer(timer)));
    lay_ten(&kv).await?;
    let report = kv.collection::<User>().migrate_all().batch(4).rate(8).run().await?;
    assert_eq!(report.migrated, 10);
    // Nothing is waited for after the last batch.
    assert_eq!(*waits.lock().unwrap(), [Duration::from_millis(500); 2]);
    Ok(())
}

#[tokio::test]
async fn a_test_decides_when_the_next_batch_is_due() -> Outcome {
    let (kv, manual) = memory();
    lay_ten(&kv).await?;
    let run = tokio::spawn(kv.collection::<User>().migrate_all().batch(6).rate(6).run());
    tokio::task::yield_now().await;
    assert_eq!((shape(&kv, "user:5:profile").await?.0, shape(&kv, "user:6:profile").await?.0), (4, 1));
    manual.advance(Duration::from_secs(1));
    assert_eq!(run.await??.migrated, 10);
    Ok(())
}

#[tokio::test]
async fn without_a_timer_a_rate_is_refused() -> Outcome {
    let clock = Clock::from(&ManualClock::new(START)).with_timer(Timer::none());
    let kv = Kv::new(MemoryStore::with_clock(clock));
    lay_ten(&kv).await?;
    let run = kv.collection::<User>().migrate_all().batch(4).rate(8).run().await;
    let error = run.expect_err("there is nothing to wait by");
    assert!(matches!(error, Error::NoTimer { .. }), "{error}");
    assert_eq!(error.location().and_then(|at| at.entity), Some("User"));
    Ok(())
}
