//! Versions: how a record of an older shape becomes one of today's, and back.
//!
//! `step` (one version to the next, as constant data), `apply` (steps on a JSON object, up and
//! down), `reshape` (steps by attributes, applied while the object is read), `chain` (checks of
//! predecessors in constant evaluation), `hook` (called for each migration), `policy` (when a
//! migrated record is written back), `census` and `backfill` (all records at once).

mod apply;
mod backfill;
mod census;
mod chain;
mod hook;
mod policy;
#[cfg(test)]
mod properties;
mod reshape;
mod step;

pub use backfill::{Failed, MigrateAll, MigrationReport, Progress};
pub use census::{Census, GroupCensus};
pub use hook::{Migration, MigrationHook, MigrationOutcome};
pub use policy::WriteBack;
pub use step::{Change, MakeMember, Object, Step, StepFn, StepFrom, StepInto};

#[doc(hidden)]
pub use chain::{assert_follows, assert_not_written};

pub(crate) use apply::{bring_down, guarded, read_stepped};
pub(crate) use hook::Hook;
pub(crate) use policy::Budget;
pub(crate) use reshape::read_reshaped;
