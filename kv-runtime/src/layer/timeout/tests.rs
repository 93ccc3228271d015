//! What becomes of a call that is late.

use futures_util::FutureExt;
use kv_store::record::Metadata;
use kv_store::store::{MemoryStore, StoreExt};
use kv_store::{ManualClock, Timestamp};

use super::*;
use kv_store::Clock;
use kv_store::record::NewRecord;

const SECOND: Duration = Duration::from_secs(1);

fn key(text: &str) -> Key {
    Key::from_text(text)
}

/// A store whose calls do what the one inside does, after so long.
fn limited(clock: Clock) -> TimeoutStore<MemoryStore> {
    TimeoutStore::new(MemoryStore::with_clock(clock), SECOND).writes(2 * SECOND)
}

#[tokio::test(start_paused = true)]
async fn a_late_read_may_be_tried_again_and_a_late_write_is_unknown() {
    let store = limited(Clock::system());
    let before = tokio::time::Instant::now();
    let read = store.limited_read(Some(&key("a")), std::future::pending::<Result<()>>()).await;
    assert_eq!(before.elapsed(), SECOND);
    let Err(error @ Error::TimedOut { .. }) = read else { panic!("{read:?}") };
    assert!(error.is_retryable());
    assert!(error.to_string().starts_with("`a` in memory: there was no answer within 1s"), "{error}");

    let write = store.limited_write(Some(key("a")), std::future::pending::<Result<()>>()).await;
    assert_eq!(before.elapsed(), 3 * SECOND);
    let Err(error @ Error::OutcomeUnknown { .. }) = write else { panic!("{write:?}") };
    assert!(!error.is_retryable());
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(cause.as_deref(), Some("there was no answer within 2s"));
}

#[tokio::test]
async fn a_call_in_time_is_the_engines() -> Result<()> {
    let store = limited(Clock::system());
    store.put(key("a"), NewRecord::new("1", Metadata::default())).await?;
    assert!(store.read(&key("a")).await?.is_some());
    assert!(store.page(&ListQuery::new(key(""))).await?.keys().eq(["a"]));
    Ok(())
}

#[test]
fn a_clock_that_a_test_moves_decides() {
    let clock = ManualClock::new(Timestamp::from_millis(0));
    let store = limited(Clock::from(&clock));
    let mut read = Box::pin(store.limited_read(None, std::future::pending::<Result<()>>()));
    assert!(read.as_mut().now_or_never().is_none());
    clock.advance(SECOND);
    assert!(matches!(read.now_or_never(), Some(Err(Error::TimedOut { .. }))));
}

#[test]
fn without_a_timer_the_engine_is_not_asked() {
    let store = limited(Clock::system().with_timer(crate::Timer::none()));
    let put = store.put(key("a"), NewRecord::new("1", Metadata::default())).now_or_never();
    assert!(matches!(put, Some(Err(Error::NoTimer { .. }))), "{put:?}");
    assert!(store.inner().read(&key("a")).now_or_never().expect("ready").expect("read").is_none());
}
