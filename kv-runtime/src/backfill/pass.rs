//! What runs over all entities have in common: their batches, their rate, and who follows them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kv_store::__private::{Stopwatch, coop};
use kv_store::store::Store;
use kv_store::{MaybeSend, Result};

use crate::collection::Collection;
use crate::entity::KvEntity;

/// The settings of a run over all entities, which reports a `P` after each batch.
pub(crate) struct Pass<P> {
    batch: usize,
    rate: Option<u32>,
    /// In a mutex so that a closure need not be `Sync`; it is never locked.
    progress: Option<Mutex<Box<dyn Observer<P>>>>,
}

/// The closure that the application passed to `progress`.
trait Observer<P>: MaybeSend {
    fn observe(&mut self, progress: &P);
}

impl<P, F: FnMut(&P) + MaybeSend> Observer<P> for F {
    fn observe(&mut self, progress: &P) {
        self(progress);
    }
}

impl<P> Pass<P> {
    /// With so many entities a batch.
    pub(crate) const fn new(batch: usize) -> Self {
        Self { batch, rate: None, progress: None }
    }

    pub(crate) fn set_batch(&mut self, entities: usize) {
        self.batch = entities.max(1);
    }

    pub(crate) fn set_rate(&mut self, entities_per_second: u32) {
        self.rate = Some(entities_per_second.max(1));
    }

    pub(crate) fn set_progress(&mut self, progress: impl FnMut(&P) + MaybeSend + 'static) {
        self.progress = Some(Mutex::new(Box::new(progress)));
    }

    pub(crate) const fn batch(&self) -> usize {
        self.batch
    }

    pub(crate) const fn rate(&self) -> Option<u32> {
        self.rate
    }

    /// How many entities the next batch may have: no more than the rate allows in a second.
    pub(crate) fn limit(&self) -> usize {
        self.batch.min(self.rate.map_or(usize::MAX, |rate| rate as usize))
    }

    pub(crate) fn report(&mut self, progress: &P) {
        if let Some(observer) = &mut self.progress {
            observer.get_mut().unwrap_or_else(PoisonError::into_inner).observe(progress);
        }
    }

    /// Waits between two batches until the rate allows so many entities since the start.
    pub(crate) async fn keep_rate<E: KvEntity, S: Store>(
        &self,
        collection: &Collection<E, S>,
        since: &Stopwatch,
        entities: u64,
    ) -> Result<()> {
        if let Some(rate) = self.rate {
            let due = Duration::from_secs_f64(entities as f64 / f64::from(rate));
            collection.pause(due.saturating_sub(since.elapsed())).await?;
        }
        coop::yield_now().await;
        Ok(())
    }
}
