//! Where calls stand until a test lets them go on.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Semaphore;

/// A point at which calls wait until a test lets them continue. With it a test decides which of two
/// calls comes first. Clones are one gate.
///
/// ```
/// use kv_runtime::key::Key;
/// use kv_runtime::layer::{Fault, FaultStore, Gate, Operation};
/// use kv_runtime::store::{MemoryStore, StoreExt};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let gate = Gate::new();
/// let store = FaultStore::new(MemoryStore::new());
/// store.faults().add(Fault::hold(&gate).on(&[Operation::Get]).times(1));
///
/// let key = Key::from_text("user:7");
/// let read = store.read(&key);
/// let script = async {
///     gate.arrived().await; // the read stands before the engine
///     gate.open();
/// };
/// let (found, ()) = tokio::join!(read, script);
/// assert!(found?.is_none());
/// # Ok::<(), kv_runtime::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Gate(Arc<Sides>);

struct Sides {
    /// A permit for each call that came and was not asked about yet.
    arrived: Semaphore,
    /// A permit for each call that may go on; closed once all may.
    passes: Semaphore,
}

impl Gate {
    /// Returns a closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Sides { arrived: Semaphore::new(0), passes: Semaphore::new(0) }))
    }

    /// Waits until a call has arrived at the gate. Each further wait is for another call.
    pub async fn arrived(&self) {
        if let Ok(permit) = self.0.arrived.acquire().await {
            permit.forget();
        }
    }

    /// Lets one call continue: one that waits, or the next one that arrives.
    pub fn let_one_pass(&self) {
        self.0.passes.add_permits(1);
    }

    /// Lets all calls continue, also those that arrive later.
    pub fn open(&self) {
        self.0.passes.close();
    }

    pub(super) async fn pass(&self) {
        self.0.arrived.add_permits(1);
        if let Ok(permit) = self.0.passes.acquire().await {
            permit.forget();
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("open", &self.0.passes.is_closed()).finish_non_exhaustive()
    }
}
