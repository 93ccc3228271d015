//! The hook that is called for each migration, and may refuse it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kv_store::{BoxError, MaybeSend, MaybeSync};

/// A record that is about to be migrated, or was.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Migration<'a> {
    /// The entity's name.
    pub entity: &'static str,
    /// The record's key, a secret id as a hash.
    pub key: &'a str,
    /// The record's version.
    pub from: u32,
    /// The version that it becomes.
    pub to: u32,
}

/// How a migration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigrationOutcome {
    /// The record was read as the newer version.
    Migrated,
    /// A step failed, or what came of it does not decode.
    Failed,
}

/// A hook that is called for every migration; see
/// [`Kv::with_migration_hook`](crate::Kv::with_migration_hook). Reads wait for it, so it should be
/// quick.
pub trait MigrationHook: MaybeSend + MaybeSync + 'static {
    /// Asked before a record is migrated. An error refuses it: the read fails with
    /// [`Error::MigrationFailed`](crate::Error::MigrationFailed), and the record stays as it is.
    fn before(&self, migration: &Migration<'_>) -> Result<(), BoxError> {
        let _ = migration;
        Ok(())
    }

    /// Called after a migration, with the time that it took, including decoding, and its outcome.
    fn after(&self, migration: &Migration<'_>, took: Duration, outcome: MigrationOutcome) {
        let _ = (migration, took, outcome);
    }
}

/// The hook that was set, if one was.
#[derive(Clone, Default)]
pub(crate) struct Hook(pub(crate) Option<Arc<dyn MigrationHook + Send + Sync>>);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Hook(..)" } else { "None" })
    }
}
