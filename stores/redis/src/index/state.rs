//! What a store keeps of its index.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::watch;

use crate::error::Fault;

pub(crate) struct Index {
    /// Longer than any writer takes from its entry to its record.
    pub(crate) grace: Duration,
    pub(super) rebuilds: Rebuilds,
}

impl Index {
    pub(crate) fn new(grace: Duration) -> Self {
        Self { grace, rebuilds: Rebuilds::default() }
    }
}

/// The rebuilds that lists wait for, by segment. Each is a task, so it goes on if a list
/// stops waiting, and all lists wait for the same one.
#[derive(Default)]
pub(super) struct Rebuilds(pub(super) Mutex<HashMap<String, watch::Receiver<Option<Outcome>>>>);

pub(super) type Outcome = Result<(), Fault>;
