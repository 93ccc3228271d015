//! What a transaction asks of its closure, and what it does not offer.

/// A closure that can run several times, because it is `Clone`.
///
/// [`Kv::transact`](crate::Kv::transact) runs a copy of its closure at each attempt. A closure that
/// borrows what it uses, or owns what is `Clone`, can be copied. One that changes a variable outside
/// cannot. An `async move` closure gets its own copy of a number at each attempt, so a counter in it
/// counts one attempt only.
#[diagnostic::on_unimplemented(
    message = "this closure cannot run twice, as a transaction may have to after a conflict",
    label = "it changes a variable outside, or owns something that is not `Clone`",
    note = "let the closure return what it finds out: `let count = kv.transact(async |tx| {{ .. Ok(count) }}).await?`",
    note = "borrow what it reads instead of moving it, or clone it inside the closure"
)]
pub trait Rerun: Sized {
    /// Returns the closure for one more attempt.
    #[doc(hidden)]
    fn again(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<F: Clone> Rerun for F {
    fn again(&self) -> Self {
        self.clone()
    }
}

/// What `Tx::list` would need. Nothing implements it.
#[diagnostic::on_unimplemented(
    message = "a transaction has no lists",
    label = "what a list shows is not protected from other writers",
    note = "list before the transaction and read the ids again in it with `get_many`, or keep the ids in an entity of their own"
)]
pub trait ListsInTransactions {}
