//! What a commit requires, and how it ends.

use super::lease::Lease;
use crate::key::Key;
use crate::record::Revision;

/// A requirement on the record under a key. A commit takes place only if all of them hold.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Condition {
    /// The key.
    pub key: Key,
    /// What is expected there.
    pub expect: Expect,
    /// With [`Expect::Absent`]: fails the condition if the key was written since the lease was
    /// taken. The store that gave the lease out checks it.
    pub lease: Option<Lease>,
    /// With [`Expect::Absent`]: the commit moves a record here that is under another form of the key.
    /// A store that writes keys in another form may refuse other commits, which would make a second
    /// record beside one.
    pub moves_here: bool,
}

impl Condition {
    /// Returns a condition on one key.
    #[must_use]
    pub const fn new(key: Key, expect: Expect) -> Self {
        Self { key, expect, lease: None, moves_here: false }
    }

    /// Whether every write of the key makes it fail.
    #[doc(hidden)]
    #[must_use]
    pub const fn sees_any_write(&self) -> bool {
        self.lease.is_some() || matches!(self.expect, Expect::Revision(_))
    }
}

/// What is expected under a key.
#[derive(Clone, Debug)]
pub enum Expect {
    /// No record, or an expired one.
    Absent,
    /// Any record.
    Present,
    /// The record with this revision, which an earlier read returned.
    Revision(Revision),
}

/// The outcome of a commit that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Commit {
    /// All conditions held, and all writes were made.
    Done,
    /// The condition with this index did not hold. Nothing was written. If several did not hold, it
    /// is the one with the least index.
    Conflict(usize),
}
