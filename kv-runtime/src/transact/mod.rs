//! Transactions: several entities that are read and written as one.
//!
//! `tx` has the calls of a transaction, and `timed` those with a TTL of their own. They gather in
//! `state` what was read and what is to be written, one `entry` for each record. `read` asks the
//! store, so that all reads of a closure are of one moment. `run` runs the closure, and `commit` makes
//! one commit of what it did. `attempts` waits between attempts, `settle` finds out what has become of
//! a commit whose answer was lost, `limits` is what one commit takes, `place` tells errors where they
//! happened, and `transacts` says which stores have transactions.

mod attempts;
mod commit;
mod entry;
mod indexes;
mod limits;
mod locate;
mod read;
mod rerun;
mod run;
mod settle;
mod state;
mod timed;
mod transacts;
mod tx;

use std::convert::identity;

use kv_store::Result;
use kv_store::store::Store;

use crate::collection::{Changing, NotChanged};
use crate::kv::Kv;

pub use rerun::Rerun;
pub use timed::TxWithTtl;
pub use transacts::Transacts;
pub use tx::Tx;

/// Transactions. They do not compile on a store without compare-and-swap, such as Cloudflare KV:
/// [`Transacts`] says what to do there.
impl<S: Store> Kv<S>
where
    Self: Transacts,
{
    /// Reads and writes several entities as one: the transaction sees one moment, and either all it
    /// writes is written or nothing.
    ///
    /// The closure works through its [`Tx`]. What it reads is of one moment, also what it reads
    /// later. What it writes is held back, and committed when it returns `Ok`, on condition that
    /// nobody has changed what it read. If somebody has, the closure runs again, so it must not do
    /// anything else that may not happen twice. [The guide](crate::guide::transactions) has more.
    ///
    /// The call commits nothing if the closure fails or panics, or if the future is dropped before
    /// the closure has ended. A transaction inside the closure is separate.
    ///
    /// # Errors
    ///
    /// - The error of the closure, once it is certain that what it read still holds, and that what
    ///   it inserted is new. If what it read has changed, the closure runs again.
    /// - The error of a read that failed, even if the closure ignored it.
    /// - [`Error::AlreadyExists`](crate::Error::AlreadyExists) if an entity to be
    ///   [inserted](Tx::insert) is there.
    /// - [`Error::Conflict`](crate::Error::Conflict) after as many attempts, or as much time, as
    ///   [`with_transaction_options`](Kv::with_transaction_options) allows.
    /// - [`Error::OutcomeUnknown`](crate::Error::OutcomeUnknown) if the store's answer was lost, and
    ///   nothing shows whether the commit took place. The closure does not run again then. If it is
    ///   certain that the commit did not take place, and cannot any more, the error is a retryable
    ///   [`Error::Store`](crate::Error::Store).
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// #[derive(KvEntity)]
    /// #[kv(prefix = "account")]
    /// struct Account {
    ///     #[kv(id)]
    ///     id: u64,
    ///     cents: i64,
    /// }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let kv = Kv::new(MemoryStore::new());
    /// let accounts = [Account { id: 1, cents: 500 }, Account { id: 2, cents: 0 }];
    /// kv.collection().put_many(accounts).await?;
    ///
    /// let left = kv
    ///     .transact(async |tx| {
    ///         tx.update::<Account>(2, |to| to.cents += 150).await?;
    ///         Ok(tx.update::<Account>(1, |from| from.cents -= 150).await?.cents)
    ///     })
    ///     .await?;
    /// assert_eq!(left, 350);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn transact<T, F>(&self, work: F) -> Result<T>
    where
        F: AsyncFnOnce(&Tx<S>) -> Result<T> + Rerun,
    {
        run::run(self, work, identity).await
    }

    /// Runs a transaction as [`transact`](Self::transact) does, with a closure that fails with the
    /// caller's own error type. It must implement `From<kv_runtime::Error>`.
    ///
    /// ```
    /// # use kv_runtime::{Error, Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "account")]
    /// # struct Account {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     cents: i64,
    /// # }
    /// #[derive(Debug)]
    /// enum Refused {
    ///     NoAccount,
    ///     Overdrawn,
    ///     Store(Error),
    /// }
    ///
    /// impl From<Error> for Refused {
    ///     fn from(error: Error) -> Self {
    ///         Self::Store(error)
    ///     }
    /// }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// # let kv = Kv::new(MemoryStore::new());
    /// # let accounts = [Account { id: 1, cents: 100 }, Account { id: 2, cents: 0 }];
    /// # kv.collection().put_many(accounts).await?;
    ///
    /// let moved = kv
    ///     .try_transact(async |tx| -> Result<_, Refused> {
    ///         let mut from = tx.get::<Account>(1).await?.ok_or(Refused::NoAccount)?;
    ///         let mut to = tx.get::<Account>(2).await?.ok_or(Refused::NoAccount)?;
    ///         if from.cents < 150 {
    ///             return Err(Refused::Overdrawn);
    ///         }
    ///         from.cents -= 150;
    ///         to.cents += 150;
    ///         tx.save(&from)?;
    ///         tx.save(&to)?;
    ///         Ok(from.cents)
    ///     })
    ///     .await;
    /// assert!(matches!(moved, Err(Refused::Overdrawn)));
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_transact<T, X, F>(
        &self,
        work: F,
    ) -> Changing<impl Future<Output = Result<T, NotChanged<X>>> + use<'_, T, X, S, F>>
    where
        F: AsyncFnOnce(&Tx<S>) -> Result<T, X> + Rerun,
    {
        Changing::new(run::run(self, work, NotChanged::Refused))
    }
}
