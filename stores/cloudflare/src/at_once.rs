//! Calls at once, as many as a Worker may have.

use std::future::poll_fn;
use std::task::Poll;

use kv_store::BoxFuture;

/// A Worker has so many connections at once; more calls would wait.
pub(crate) const AT_ONCE: usize = 6;

enum Call<'a, T> {
    Running(BoxFuture<'a, T>),
    Ended(T),
}

/// Makes a few calls at once, and returns what they return, in their order. `join_all` could make
/// thousands, and would be 4 KiB of a Worker's wasm.
pub(crate) async fn at_once<'a, T>(calls: impl Iterator<Item = BoxFuture<'a, T>>) -> Vec<T> {
    let mut calls: Vec<Call<'a, T>> = calls.map(Call::Running).collect();
    poll_fn(|context| {
        let mut all = Poll::Ready(());
        for call in &mut calls {
            if let Call::Running(running) = call {
                match running.as_mut().poll(context) {
                    Poll::Ready(ended) => *call = Call::Ended(ended),
                    Poll::Pending => all = Poll::Pending,
                }
            }
        }
        all
    })
    .await;
    let ended = |call| match call {
        Call::Ended(ended) => Some(ended),
        Call::Running(_) => None,
    };
    calls.into_iter().filter_map(ended).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call that ends when it is polled for the last of so many times, and never again after that.
    fn call(polls: usize) -> BoxFuture<'static, usize> {
        let mut polled = 0;
        Box::pin(poll_fn(move |context| {
            polled += 1;
            assert!(polled <= polls, "it has ended");
            if polled == polls {
                return Poll::Ready(polls);
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }))
    }

    #[tokio::test]
    async fn what_calls_return_is_in_their_order() {
        assert_eq!(at_once([3, 1, 2, 1].into_iter().map(call)).await, [3, 1, 2, 1]);
        assert!(at_once(std::iter::empty::<BoxFuture<'_, ()>>()).await.is_empty());
    }
}
