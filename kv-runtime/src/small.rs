//! What keeps a Worker's wasm small. Every isolate loads all of it, so on wasm32 size goes before the
//! last bit of speed.

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
