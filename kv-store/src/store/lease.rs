//! Leases, which tell a key that stayed absent from one that was written and deleted meanwhile.
//!
//! A condition on a record names its revision. An absent record has none, so "absent, put, deleted,
//! absent" looks unchanged. A cache takes a lease of an absent key before it asks an origin. A
//! write of the key voids the lease, and a condition with a void lease fails.
//!
//! A store that one process has for itself makes a [`Fence`]. A store that processes share gives
//! out a number, which it keeps beside the record.

use std::sync::Arc;
use std::time::Duration;

use super::fence::{Fence, Fences};
use crate::key::Key;

/// Shows a later commit that nobody wrote a key since [`Store::lease`](super::Store::lease) gave
/// it out: [`Condition::lease`](super::Condition::lease).
///
/// A store that processes share keeps a number under a name beside the key, and compares it when it
/// commits:
///
/// ```
/// # extern crate kv_runtime_store as kv_runtime;
/// use kv_runtime::store::Lease;
///
/// let lease = Lease::new(17);
/// assert_eq!(lease.number(), Some(17));
/// ```
#[derive(Clone, Debug)]
pub struct Lease(Form);

#[derive(Clone, Debug)]
enum Form {
    Local(Fence),
    Shared(u64),
}

/// The longest that a store keeps a lease. A load that takes longer does not fill the store.
///
/// A write of a record that stays for at least so long need not void the lease: the lease ends
/// before the record does, and until then the record is there to be seen.
pub const LONGEST_LEASE: Duration = Duration::from_secs(120);

impl Lease {
    /// The lease with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(Form::Shared(number))
    }

    /// Its number. None if a store of this library made it for this process alone.
    #[must_use]
    pub const fn number(&self) -> Option<u64> {
        match &self.0 {
            Form::Local(_) => None,
            Form::Shared(number) => Some(*number),
        }
    }

    /// A lease of each key, by the fences of a store in this process.
    #[doc(hidden)]
    pub fn by_fences(fences: &Arc<Fences>, keys: &[Key]) -> Vec<Self> {
        keys.iter().map(|key| Self(Form::Local(fences.fence(key.as_str())))).collect()
    }

    /// Whether it is the fence of a store in this process, and the key was not written since. A
    /// store must call this under the lock or in the transaction of the commit.
    #[doc(hidden)]
    pub fn holds_here(&self) -> bool {
        match &self.0 {
            Form::Local(fence) => fence.holds(),
            Form::Shared(_) => false,
        }
    }
}
