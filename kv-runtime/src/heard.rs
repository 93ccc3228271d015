//! The one way by which this crate writes: the caches on the engine's handle hear of it.

use kv_store::__private::{HeardWrites, Origin, WriteKind, WriteOutcome};
use kv_store::Result;
use kv_store::record::Expiry;
use kv_store::store::{Batch, Commit, Condition, Store, Write};

use crate::small::apart;

/// The writing calls of a store, of which its caches hear.
pub(crate) struct Writes<'a, S> {
    pub(crate) store: &'a S,
    /// The cache that makes the write, which hears nothing of it.
    pub(crate) origin: Option<Origin>,
    /// Whether it only does what a read needs, which waits for nobody.
    pub(crate) is_fill: bool,
}

impl<S: Store> Writes<'_, S> {
    /// The same calls, for what a cache fills, and for what a read writes back.
    pub(crate) const fn of_a_read(self) -> Self {
        Self { is_fill: true, ..self }
    }

    pub(crate) async fn write(self, batch: Batch) -> Result<()> {
        if self.is_silent() {
            return self.store.write(batch).await;
        }
        // Boxed, so that a write that nobody hears is no larger for it.
        apart(Box::pin(async move {
            let is_deferred = batch.is_part();
            let heard = self.begin(batch.iter()).await;
            let written = self.store.write(batch).await;
            heard.end(match &written {
                Ok(()) if is_deferred => WriteOutcome::Deferred,
                Ok(()) => WriteOutcome::Done,
                Err(error) => WriteOutcome::Failed(error),
            });
            written
        }))
        .await
    }

    pub(crate) async fn commit(self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        if self.is_silent() {
            return self.store.commit(conditions, batch).await;
        }
        apart(Box::pin(async move {
            let is_deferred = batch.is_part();
            let heard = self.begin(batch.iter()).await;
            let committed = self.store.commit(conditions, batch).await;
            heard.end(match &committed {
                Ok(Commit::Done) if is_deferred => WriteOutcome::Deferred,
                committed => outcome(committed),
            });
            committed
        }))
        .await
    }

    /// Tells the caches that these writes are about to be sent. If what this returns is dropped, their
    /// outcome is unknown.
    pub(crate) async fn begin<'w>(self, writes: impl Iterator<Item = &'w Write>) -> HeardWrites {
        let events = writes.map(move |write| (write.key(), self.kind(write)));
        self.store.info().write_hub().begin(events, self.origin).await
    }

    /// In a Worker no cache hears: it may not be `Send`, and the handle on a store is.
    #[inline]
    pub(crate) fn is_silent(self) -> bool {
        cfg!(target_arch = "wasm32") || self.store.info().write_hub().is_silent(self.origin)
    }

    const fn kind(self, write: &Write) -> WriteKind {
        match write {
            _ if self.is_fill => WriteKind::Fill,
            Write::Touch(_, Expiry::AtLeast(_) | Expiry::Never) => WriteKind::Touch,
            _ => WriteKind::Change,
        }
    }
}

impl<S> Copy for Writes<'_, S> {}

impl<S> Clone for Writes<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

/// Returns how a commit ended, for the caches.
pub(crate) const fn outcome(committed: &Result<Commit>) -> WriteOutcome<'_> {
    match committed {
        Ok(Commit::Done) => WriteOutcome::Done,
        Ok(Commit::Conflict(_)) => WriteOutcome::Conflict,
        Err(error) => WriteOutcome::Failed(error),
    }
}
