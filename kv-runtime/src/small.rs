//! What keeps a Worker's wasm small. Every isolate loads all of it, so on wasm32 size goes before the
//! last bit of speed.

/// Whether size goes before speed.
pub(crate) const SIZE_FIRST: bool = cfg!(target_arch = "wasm32");

/// The future of a branch that many entities never take. On wasm32 it is boxed: where the compiler
/// finds that the branch is not taken, its code is left out, which a part of the caller's own future
/// would not be.
#[cfg(target_arch = "wasm32")]
pub(crate) fn apart<'a, T>(future: impl Future<Output = T> + 'a) -> crate::maybe_send::BoxFuture<'a, T> {
    Box::pin(future)
}

/// The future of a branch that many entities never take. It is boxed on wasm32 alone.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn apart<F: Future>(future: F) -> F {
    future
}
