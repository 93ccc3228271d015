//! Catches panics of the application's code, so that they do not end the library's tasks.

use std::future::poll_fn;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;

/// Returns the output of a future, or `None` if it panics. It must not be polled after that. If
/// panics abort, the program ends.
pub async fn catch_unwind<T>(mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    poll_fn(|context| match panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(polled) => polled.map(Some),
        Err(_) => std::task::Poll::Ready(None),
    })
    .await
}
