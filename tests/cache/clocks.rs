//! Spans go by a clock that nobody sets, and the expiry of a record by the time of day.

use std::pin::Pin;
use std::time::Duration;

use kv_runtime::cache::Cached;
use kv_runtime::layer::{Fault, Gate, Operation};
use kv_runtime::{Error, KvEntity, ManualClock, Source};

use crate::{Calls, MINUTE, Outcome, SECOND, START, Store, User, elsewhere, exact, kv};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// It expires by its own TTL.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "token", ttl = "1h")]
struct Token {
    #[kv(id)]
    id: u64,
}

#[tokio::test]
async fn a_step_back_lengthens_nothing() -> Outcome {
    let (kv, clock) = kv();
    let cache = || exact().stale_for(MINUTE).negative_ttl(10 * SECOND).pause(SECOND);
    let users: Cached<User, Store> = kv.collection().cached(cache());
    users.put(User::new(1, "old")).await?;
    assert_eq!(users.get(2).await?, None);
    let down = || async { Err::<User, _>(std::io::Error::other("down for a moment")) };
    assert!(users.get_or_load(3, down).await.is_err());
    for id in [1, 2] {
        elsewhere(&kv).collection().put(&User::new(id, "new")).await?;
    }
    clock.set_time_of_day(START.saturating_add(Duration::ZERO));
    clock.set(kv_runtime::Timestamp::from_millis(START.as_millis() - DAY.as_millis() as u64));
    // The pause, the absence, the memory's time and the stale one end after as much time as they
    // were set to.
    clock.advance(SECOND);
    assert_eq!(users.get_or_load(3, Calls::default().give(User::new(3, "Cem"))).await?.name, "Cem");
    assert_eq!(users.get(2).await?, None);
    clock.advance(9 * SECOND);
    assert_eq!(users.get(2).await?.expect("it is there").name, "new");
    clock.advance(49 * SECOND);
    assert_eq!(users.get_detailed(1).await?.source, Source::Memory);
    clock.advance(SECOND);
    kv.store().faults().add(Fault::fail().on(&[Operation::Get]));
    assert_eq!(users.get_detailed(1).await?.source, Source::Stale);
    clock.advance(MINUTE);
    assert!(users.get(1).await.is_err());
    kv.store().faults().clear();
    assert_eq!(users.get(1).await?.expect("it is there").name, "new");
    Ok(())
}

/// One way to read an id through a cache.
type Read = fn(Cached<User, Store>, u64) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

const READS: [Read; 2] = [
    |users, id| Box::pin(async move { users.get(id).await.map(drop) }),
    |users, id| Box::pin(async move { users.get_many([id]).await.map(drop) }),
];

const LOADS: [Read; 2] = [
    |users, id| {
        let none = || async { Ok::<Option<User>, Error>(None) };
        Box::pin(async move { users.get_or_load(id, none).await.map(drop) })
    },
    |users, id| {
        let none = |_| async { Ok::<Vec<User>, Error>(Vec::new()) };
        Box::pin(async move { users.get_or_load_many([id], none).await.map(drop) })
    },
];

/// Reads an id from a store that answers half a minute after it has looked.
async fn read_slowly(users: &Cached<User, Store>, clock: &ManualClock, id: u64, read: Read) -> Outcome {
    let (faults, gate) = (users.collection().store().faults(), Gate::new());
    let struck = faults.struck();
    faults.add(Fault::hold(&gate).after().on(&[Operation::Get, Operation::GetMany]));
    let read = tokio::spawn(read(users.clone(), id));
    while faults.struck() == struck {
        tokio::task::yield_now().await;
    }
    clock.advance(30 * SECOND);
    gate.open();
    read.await??;
    faults.clear();
    Ok(())
}

/// Another process may write as soon as the store has looked, however late its answer comes.
#[tokio::test]
async fn spans_count_from_the_beginning_of_a_read() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().negative_ttl(MINUTE));
    for (id, read) in (1..).zip(READS.into_iter().chain(LOADS)) {
        elsewhere(&kv).collection().put(&User::new(id, "old")).await?;
        read_slowly(&users, &clock, id, read).await?;
        elsewhere(&kv).collection().put(&User::new(id, "new")).await?;
        clock.advance(29 * SECOND);
        assert_eq!(users.get(id).await?.expect("it is there").name, "old", "way {id}");
        clock.advance(SECOND);
        assert_eq!(users.get(id).await?.expect("it is there").name, "new", "way {id}");
    }
    for (id, read) in (11..).zip(READS) {
        read_slowly(&users, &clock, id, read).await?;
        elsewhere(&kv).collection().put(&User::new(id, "new")).await?;
        clock.advance(29 * SECOND);
        assert_eq!(users.get(id).await?, None, "way {id}");
        clock.advance(SECOND);
        assert_eq!(users.get(id).await?.expect("it is there").name, "new", "way {id}");
    }
    Ok(())
}

/// Another process may write as soon as the record is gone.
#[tokio::test]
async fn an_absence_counts_from_the_beginning_of_the_delete() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().negative_ttl(MINUTE));
    let gate = Gate::new();
    kv.store().faults().add(Fault::hold(&gate).after().on(&[Operation::Delete]));
    let deleter = users.clone();
    let delete = tokio::spawn(async move { deleter.delete(1).await });
    while kv.store().faults().struck() == 0 {
        tokio::task::yield_now().await;
    }
    elsewhere(&kv).collection().put(&User::new(1, "new")).await?;
    clock.advance(30 * SECOND);
    gate.open();
    delete.await??;
    assert_eq!(users.get(1).await?, None);
    clock.advance(30 * SECOND);
    assert_eq!(users.get(1).await?.expect("it is there").name, "new");
    Ok(())
}

#[tokio::test]
async fn a_step_back_keeps_no_timeout_waiting() -> Outcome {
    let (kv, clock) = kv();
    let users = kv.collection::<User>().cached(exact().hard_timeout(SECOND));
    kv.store().faults().add(Fault::hang().on(&[Operation::Get]));
    let reader = users.clone();
    let read = tokio::spawn(async move { reader.get(1).await });
    while kv.store().faults().struck() == 0 {
        tokio::task::yield_now().await;
    }
    clock.set(kv_runtime::Timestamp::from_millis(START.as_millis() - DAY.as_millis() as u64));
    clock.advance(SECOND);
    assert!(matches!(read.await?, Err(Error::TimedOut { .. })));
    Ok(())
}

#[tokio::test]
async fn a_step_forward_ends_what_expires_by_the_time_of_day_and_nothing_else() -> Outcome {
    let (kv, clock) = kv();
    let cache = || exact().memory_ttl(2 * DAY).stale_for(DAY);
    let (tokens, users) = (kv.collection::<Token>().cached(cache()), kv.collection::<User>().cached(exact()));
    tokens.put(Token { id: 1 }).await?;
    users.put(User::new(1, "Ada")).await?;
    clock.set_time_of_day(START.saturating_add(59 * MINUTE));
    assert!(tokens.get(1).await?.is_some());
    clock.set_time_of_day(START.saturating_add(60 * MINUTE));
    assert_eq!((tokens.peek(1), tokens.get(1).await?), (None, None));
    assert!(users.peek(1).is_some());
    // What is written from here on is held again, to its own end.
    tokens.put(Token { id: 2 }).await?;
    assert!(tokens.peek(2).is_some());
    // Back, and forward again: entries that were made in between count from there.
    clock.set(START);
    tokens.put(Token { id: 3 }).await?;
    assert!(tokens.peek(3).is_some());
    clock.set_time_of_day(START.saturating_add(61 * MINUTE));
    kv.store().faults().add(Fault::fail().on(&[Operation::Get]));
    assert_eq!(tokens.peek(3), None);
    assert!(tokens.get(3).await.is_err(), "nothing stale stands in");
    Ok(())
}
