//! How many replicas a write waits for.

use std::time::Duration;

/// How many replicas are to have a write, and how long is waited for them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replicas {
    pub(super) wanted: usize,
    pub(super) within: Duration,
}
