//! A store that fails, is slow, or hangs.

use std::collections::HashMap;

use kv_runtime::Source;
use kv_runtime::layer::{Fault, Faults, Operation};

use crate::{MINUTE, Outcome, SECOND, User, exact, kv};

/// Steps of a run.
const STEPS: u64 = 5_000;

#[tokio::test]
async fn get_or_answers_and_no_write_is_reported_done_that_is_not() -> Outcome {
    for seed in 0..4 {
        three_of_ten_calls_fail(seed).await?;
    }
    Ok(())
}

async fn three_of_ten_calls_fail(seed: u64) -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().stale_for(2 * MINUTE));
    kv.store().faults().add(Fault::fail().share(0.15));
    kv.store().faults().add(Fault::fail().after().share(0.15 / 0.85));
    let mut rng = fastrand::Rng::with_seed(seed);
    // When a value last was what the store held, by its number.
    let mut last_true: HashMap<(u64, u64), u64> = HashMap::new();
    let sound = kv_runtime::Kv::new(kv.store().inner().clone()).collection::<User>();
    for step in 0..STEPS {
        let id = rng.u64(0..3);
        match rng.u8(0..10) {
            0..5 => {
                let served = users.get_or_detailed(id, User::default()).await;
                let now = clock.now().as_millis();
                let held = last_true.get(&(id, served.value.visits)).copied();
                let age = held.map(|at| now - at);
                let limit = match served.source {
                    Source::Store => 0,
                    Source::Memory => MINUTE.as_millis() as u64,
                    Source::Stale => 3 * MINUTE.as_millis() as u64,
                    _ => continue,
                };
                assert!(age.is_some_and(|age| age <= limit), "{served:?} is {age:?} ms old");
            }
            5..8 => {
                let new = User { id, name: "Ada".to_owned(), visits: step + 1 };
                let done = users.put(new).await.is_ok();
                let stands = sound.get(id).await?.map_or(0, |user| user.visits);
                assert!(!done || stands == step + 1);
            }
            8 => {
                let done = users.delete(id).await.is_ok();
                assert!(!done || sound.get(id).await?.is_none());
            }
            _ => clock.advance(rng.u32(1..90) * SECOND),
        }
        for id in 0..3 {
            if let Some(user) = sound.get(id).await? {
                last_true.insert((id, user.visits), clock.now().as_millis());
            }
        }
    }
    let stats = users.stats();
    assert!(stats.stale_served > 0 && stats.store_errors > 100 && stats.memory_hits > 100, "{stats:?}");
    Ok(())
}

#[tokio::test]
async fn a_slow_or_hanging_store_does_not_keep_get_or() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().hard_timeout(SECOND));
    for fault in [Fault::hang(), Fault::delay(5 * SECOND)] {
        let faults: &Faults = kv.store().faults();
        faults.clear();
        faults.add(fault.on(&[Operation::Get]));
        let struck = faults.struck();
        let reader = users.clone();
        let waiting = tokio::spawn(async move { reader.get_or_detailed(1, User::default()).await });
        while kv.store().faults().struck() == struck {
            tokio::task::yield_now().await;
        }
        clock.advance(SECOND);
        assert_eq!(waiting.await?.source, Source::Fallback);
    }
    Ok(())
}
