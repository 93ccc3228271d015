//! Which stores have transactions, as one bound of `Kv` itself, so that the compiler says what to do
//! instead.

use kv_store::store::AtomicStore;

use crate::kv::Kv;

/// A [`Kv`] with transactions: each whose store is an [`AtomicStore`].
///
/// Cloudflare KV has no compare-and-swap, so it has none. Keep what changes together in a Durable
/// Object, whose `DurableStore` and `DurableClient` have transactions. One entity can be changed where
/// the last write may win: [`update_last_write_wins`](crate::Collection::update_last_write_wins).
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no transactions, because its store has no compare-and-swap",
    label = "this store cannot tell whether a record has changed since it was read",
    note = "on Cloudflare, keep what changes together in a Durable Object: `DurableStore` and `DurableClient` have transactions",
    note = "of one entity, where the last write may win, there is `update_last_write_wins`",
    note = "transactions need a store that implements `AtomicStore`, such as `MemoryStore`, `RedbStore` or `RedisStore`"
)]
pub trait Transacts {}

#[diagnostic::do_not_recommend]
impl<S: AtomicStore> Transacts for Kv<S> {}

/// Has no traits.
enum Never {}

// This impl never applies. With one impl the compiler would look into it, and report that the store
// is no `AtomicStore`, without these notes. Between two it does not choose. (`for<'a>` keeps it from
// reporting that the bound never holds.)
#[diagnostic::do_not_recommend]
impl<S> Transacts for Kv<S>
where
    Self: Transacts,
    for<'a> Never: Clone,
{
}
