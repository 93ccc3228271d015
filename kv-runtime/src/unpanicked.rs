//! Code that is not ours and may panic, which is to end nobody's task.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

/// What comes of a future, or nothing if it panics; it must not be polled again then. Where panics abort, the program ends.
pub(crate) async fn unpanicked<T>(mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(polled) => polled.map(Some),
        Err(_) => std::task::Poll::Ready(None),
    })
    .await
}
