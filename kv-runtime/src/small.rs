//! What keeps a Worker's wasm small. Every isolate loads all of it, so on wasm32 size goes before the
//! last bit of speed.

#[cfg(target_arch = "wasm32")]
use std::pin::Pin;
#[cfg(target_arch = "wasm32")]
use std::task::{Context, Poll};

#[cfg(target_arch = "wasm32")]
use tracing::Span;
use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};

/// Runs a future within a span.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use tracing::Instrument;

/// Whether size goes before speed.
pub(crate) const SIZE_FIRST: bool = cfg!(target_arch = "wasm32");

/// Returns the future of a branch that many entities never take. On wasm32 it is boxed: where the
/// compiler finds that the branch is never taken, it leaves out a box with its future, but keeps the
/// code of a future that is part of another one.
#[cfg(target_arch = "wasm32")]
pub(crate) fn apart<'a, T>(future: impl Future<Output = T> + 'a) -> kv_store::BoxFuture<'a, T> {
    Box::pin(future)
}

/// Returns the future of a branch that many entities never take. Only wasm32 boxes it.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn apart<F: Future>(future: F) -> F {
    future
}

/// Whether there may be a subscriber for the spans. Where a dependency turns on tracing's feature
/// `log`, a span that nobody takes is made all the same, formatted for a logger, and costs a
/// twentieth of a read from memory.
#[inline]
pub(crate) fn are_spans_taken() -> bool {
    // The first half is known while compiling.
    LevelFilter::DEBUG <= STATIC_MAX_LEVEL && LevelFilter::DEBUG <= LevelFilter::current()
}

/// Runs a future within a span. A Worker that turns spans off, by tracing's feature
/// `release_max_level_off`, has no code for that; it would have some for tracing's own future.
#[cfg(target_arch = "wasm32")]
pub(crate) trait Instrument: Future + Sized {
    fn instrument(self, span: Span) -> Instrumented<Self> {
        Instrumented { future: Box::pin(self), span }
    }
}

#[cfg(target_arch = "wasm32")]
impl<F: Future> Instrument for F {}

#[cfg(target_arch = "wasm32")]
pub(crate) struct Instrumented<F> {
    future: Pin<Box<F>>,
    span: Span,
}

#[cfg(target_arch = "wasm32")]
impl<F: Future> Future for Instrumented<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, span } = &mut *self;
        if LevelFilter::DEBUG > STATIC_MAX_LEVEL {
            return future.as_mut().poll(context);
        }
        let _entered = span.enter();
        future.as_mut().poll(context)
    }
}
