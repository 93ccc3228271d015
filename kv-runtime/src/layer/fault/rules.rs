//! Which calls meet which fault.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kv_store::key::Key;

use super::call::Effect;
use super::gate::Gate;
use crate::layer::Operation;

/// A fault, and the calls that it happens to: all calls, unless it is narrowed.
#[derive(Clone, Debug)]
#[must_use]
pub struct Fault {
    effect: Effect,
    after: bool,
    operations: Option<Vec<Operation>>,
    prefix: Option<String>,
    share: f64,
    skip: u64,
    times: u64,
}

impl Fault {
    const fn new(effect: Effect) -> Self {
        Self { effect, after: false, operations: None, prefix: None, share: 1.0, skip: 0, times: u64::MAX }
    }

    /// The call fails without reaching the engine: a retryable
    /// [`Error::Store`](crate::Error::Store).
    ///
    /// With [`Fault::after`] the engine executes the call and its answer is lost. For a write that
    /// is [`Error::OutcomeUnknown`](crate::Error::OutcomeUnknown).
    pub const fn fail() -> Self {
        Self::new(Effect::Fail { retryable: true })
    }

    /// Like [`Fault::fail`], with an error that is not retryable.
    pub const fn fail_for_good() -> Self {
        Self::new(Effect::Fail { retryable: false })
    }

    /// Makes the first half of a batch of writes, and fails the rest with a retryable
    /// [`Error::Partial`](crate::Error::Partial). If the store's batches are atomic, let it
    /// [claim otherwise](super::FaultStore::pretending).
    pub fn cut() -> Self {
        Self::new(Effect::Cut).on(&[Operation::PutMany, Operation::DeleteMany])
    }

    /// Delays the call by this time, with the timer of the store's clock.
    pub const fn delay(by: Duration) -> Self {
        Self::new(Effect::Delay(by))
    }

    /// The call never ends. It can be dropped.
    pub const fn hang() -> Self {
        Self::new(Effect::Hang)
    }

    /// The call waits at the gate.
    pub fn hold(gate: &Gate) -> Self {
        Self::new(Effect::Hold(gate.clone()))
    }

    /// Makes the fault happen after the engine has executed the call, and before the caller gets
    /// the answer. By default it happens before.
    pub const fn after(mut self) -> Self {
        self.after = true;
        self
    }

    /// Limits the fault to these operations.
    pub fn on(mut self, operations: &[Operation]) -> Self {
        self.operations = Some(operations.to_vec());
        self
    }

    /// Limits the fault to calls with a key that begins with this prefix: any key of a batch or a
    /// commit, or the prefix of a list.
    pub fn within(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Limits the fault to this share of the calls, between 0 and 1. The seed decides which.
    pub const fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// Skips this many calls first.
    pub const fn skip(mut self, calls: u64) -> Self {
        self.skip = calls;
        self
    }

    /// Limits how often the fault happens.
    pub const fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    fn is_of(&self, operation: Operation, keys: &[&Key]) -> bool {
        let of_keys = |prefix: &String| keys.iter().any(|key| key.as_str().starts_with(prefix.as_str()));
        self.operations.as_ref().is_none_or(|operations| operations.contains(&operation))
            && self.prefix.as_ref().is_none_or(of_keys)
    }

    /// Whether it happens to the call at hand, which it is of.
    fn strikes(&mut self, rng: &mut fastrand::Rng) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        let strikes = self.times > 0 && rng.f64() < self.share;
        self.times -= u64::from(strikes);
        strikes
    }
}

/// The faults of a store, which a test can change while the store is in use. Clones are one set,
/// which several stores may share.
///
/// At most one fault happens to a call: the first one that applies, in the order in which they were
/// added. The seed decides about [shares](Fault::share), so calls in the same order meet the same
/// faults in every run.
#[derive(Clone)]
pub struct Faults(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    struck: AtomicU64,
}

struct State {
    rng: fastrand::Rng,
    faults: Vec<Fault>,
}

impl Faults {
    /// Returns a set without faults, whose shares this seed decides.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let state = State { rng: fastrand::Rng::with_seed(seed), faults: Vec::new() };
        Self(Arc::new(Shared { state: Mutex::new(state), struck: AtomicU64::new(0) }))
    }

    /// Adds a fault. It applies to calls that no earlier fault applies to.
    pub fn add(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Removes all faults. Calls that hang or wait stay as they are.
    pub fn clear(&self) {
        self.state().faults.clear();
    }

    /// Returns how many calls a fault has happened to.
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.0.struck.load(Ordering::Relaxed)
    }

    /// What happens to this call, and whether after the engine's part.
    pub(super) fn strike(&self, operation: Operation, keys: &[&Key]) -> Option<(Effect, bool)> {
        let mut state = self.state();
        let State { rng, faults } = &mut *state;
        let mut of_call = faults.iter_mut().filter(|fault| fault.is_of(operation, keys));
        let struck =
            of_call.find_map(|fault| fault.strikes(rng).then(|| (fault.effect.clone(), fault.after)));
        self.0.struck.fetch_add(u64::from(struck.is_some()), Ordering::Relaxed);
        struck
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::seeded(0)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("faults", &self.state().faults)
            .field("struck", &self.struck())
            .finish_non_exhaustive()
    }
}
