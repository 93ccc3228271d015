//! Versions: how a record of an older shape becomes one of today's, and back.
//!
//! `step` (one version to the next, as constant data), `function` (steps that are functions),
//! `guarded` (catches their panics), `apply` (steps on a JSON object, up and down), `reshape` (steps by attributes, applied while the object is read), `hook` (called for each
//! migration), `policy` (when a migrated record is written back). The crate's module `backfill` has the
//! calls for all records at once.

mod apply;
mod function;
mod guarded;
mod hook;
mod policy;
#[cfg(test)]
mod properties;
mod reshape;
mod step;

#[doc(inline)]
pub use crate::backfill::{
    Census, Failed, GroupCensus, KeyMigrationReport, MigrateAll, MigrateKeys, MigrationReport, Progress,
};
pub use function::{Object, StepFn, StepWithIdFn};
pub use hook::{Migration, MigrationHook, MigrationOutcome};
pub use policy::WriteBack;
pub use step::{Change, MakeMember, Step, StepFrom, StepInto};

pub(crate) use apply::{bring_down, read_stepped};
pub(crate) use guarded::guarded;
pub(crate) use hook::Hook;
pub(crate) use policy::Budget;
pub(crate) use reshape::read_reshaped;
