//! One call, and what a fault does to it.

use std::future::pending;
use std::time::Duration;

use kv_store::{Error, Location, Result, SharedError, Timer};

use super::gate::Gate;
use crate::layer::Operation;

/// What happens to a call.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    Fail { retryable: bool },
    Cut,
    Delay(Duration),
    Hang,
    Hold(Gate),
}

/// One call: what it does, where, and the fault that struck it, with whether that comes after the
/// engine's part.
pub(super) struct Call {
    operation: Operation,
    at: Box<Location>,
    fault: Option<(Effect, bool)>,
}

/// The cause of an error that a fault made.
#[derive(Debug, thiserror::Error)]
#[error("a fault was injected")]
struct Injected;

impl Call {
    pub(super) const fn new(operation: Operation, at: Box<Location>, fault: Option<(Effect, bool)>) -> Self {
        Self { operation, at, fault }
    }

    pub(super) async fn before(&self, timer: &Timer) -> Result<()> {
        match &self.fault {
            Some((effect, false)) => self.suffer(effect, false, timer).await,
            _ => Ok(()),
        }
    }

    pub(super) async fn after(&self, timer: &Timer) -> Result<()> {
        match &self.fault {
            Some((effect, true)) => self.suffer(effect, true, timer).await,
            _ => Ok(()),
        }
    }

    /// Whether it is a batch that ends half way.
    pub(super) const fn is_cut(&self) -> bool {
        matches!(self.fault, Some((Effect::Cut, _)))
    }

    /// How a batch ended that was cut.
    pub(super) fn partial(self, at: Box<Location>, written: usize) -> Error {
        let source = Error::store(at.clone(), self.operation.action(), true, Injected);
        Error::Partial { at, written, also: Vec::new(), unknown: Vec::new(), source: Box::new(source) }
    }

    async fn suffer(&self, effect: &Effect, after: bool, timer: &Timer) -> Result<()> {
        match effect {
            Effect::Fail { retryable } => return Err(self.failure(*retryable, after)),
            Effect::Cut => return Err(self.failure(true, after)),
            Effect::Delay(by) => {
                let no_timer = |source| Error::NoTimer { at: self.at.clone(), source };
                timer.sleep(*by).map_err(no_timer)?.await;
            }
            Effect::Hang => pending().await,
            Effect::Hold(gate) => gate.pass().await,
        }
        Ok(())
    }

    fn failure(&self, retryable: bool, after: bool) -> Error {
        if after && self.operation.is_write() {
            return Error::OutcomeUnknown { at: self.at.clone(), source: SharedError::new(Injected) };
        }
        Error::store(self.at.clone(), self.operation.action(), retryable, Injected)
    }
}
