//! Checks a schema against `kv-schema.lock`, and records it there.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::compare::{compare, pairs};
use super::describe::{EntityShape, GroupShape, Schema};
use super::difference::Difference;
use super::release::{FORMAT, Lock, LockMode, Release};
use super::seal::seal;

/// The environment variable that lets [`Schema::check_lock`] write.
const VARIABLE: &str = "KV_SCHEMA_LOCK";

/// The error of a check. `Debug` is as readable as `Display`, because a test that returns the error
/// prints it.
#[non_exhaustive]
pub enum LockError {
    /// The schema and the lock differ.
    Differs {
        /// The lock.
        path: PathBuf,
        /// The differences.
        differences: Vec<Difference>,
    },
    /// The lock file does not exist.
    Missing {
        /// The path of the lock.
        path: PathBuf,
    },
    /// The file is not a lock.
    Malformed {
        /// The lock.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A newer version of this library wrote the lock.
    Format {
        /// The lock.
        path: PathBuf,
        /// The format's number.
        found: u32,
    },
    /// The lock is not what this library wrote: it was edited or merged.
    Edited {
        /// The lock.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The environment variable has an unknown value.
    Mode(String),
    /// The lock cannot be read or written.
    Io {
        /// The lock.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
}

impl Schema {
    /// Compares the schema with the lock at `path`, in a test:
    ///
    /// ```
    /// # use kv_runtime::KvEntity;
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "user")]
    /// # struct User { #[kv(id)] id: u64, name: String }
    /// # kv_runtime::schema! { App: User }
    /// # /*
    /// #[test]
    /// # */
    /// fn the_schema_is_what_was_released() -> Result<(), kv_runtime::schema::LockError> {
    ///     App::schema().check_lock(concat!(env!("CARGO_MANIFEST_DIR"), "/kv-schema.lock"))
    /// }
    /// ```
    ///
    /// With `KV_SCHEMA_LOCK=update` in the environment it creates the lock, and records new
    /// entries. A changed shape of a released version still fails. With `KV_SCHEMA_LOCK=overwrite`
    /// it records that, too: for versions that were never released.
    ///
    /// # Errors
    ///
    /// [`LockError::Differs`] names each difference and how to resolve it. The other errors
    /// are about the file.
    pub fn check_lock(&self, path: impl AsRef<Path>) -> Result<(), LockError> {
        let mode = match std::env::var(VARIABLE).unwrap_or_default().as_str() {
            "" | "check" => LockMode::Check,
            "update" => LockMode::Update,
            "overwrite" => LockMode::Overwrite,
            other => return Err(LockError::Mode(other.to_owned())),
        };
        self.check_lock_as(path, mode)
    }

    /// Checks the lock as [`check_lock`](Self::check_lock) does, with this mode instead of the
    /// environment's.
    pub fn check_lock_as(&self, path: impl AsRef<Path>, mode: LockMode) -> Result<(), LockError> {
        let path = path.as_ref();
        let (text, lock) = match std::fs::read_to_string(path) {
            Ok(text) => {
                let lock = Lock::parse(&text, path, mode)?;
                (Some(text), Some(lock))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (None, None),
            Err(source) => return Err(LockError::Io { path: path.to_owned(), source }),
        };
        let old = match lock {
            None if mode == LockMode::Check => return Err(LockError::Missing { path: path.to_owned() }),
            lock => lock.unwrap_or_default(),
        };
        let mut lock = old;
        if mode != LockMode::Check {
            lock.record(self, mode);
            let written = lock.to_string();
            if text != Some(written.clone()) {
                std::fs::write(path, written)
                    .map_err(|source| LockError::Io { path: path.to_owned(), source })?;
            }
        }
        let differences = self.compare(&lock);
        if differences.is_empty() {
            Ok(())
        } else {
            Err(LockError::Differs { path: path.to_owned(), differences })
        }
    }

    /// Returns the differences between the schema and a lock.
    #[must_use]
    pub fn compare(&self, lock: &Lock) -> Vec<Difference> {
        pairs(self, &lock.releases).iter().flat_map(compare).collect()
    }
}

impl Lock {
    /// Returns a lock with this schema as the first release.
    #[must_use]
    pub fn of(schema: &Schema) -> Self {
        let mut lock = Self::default();
        lock.record(schema, LockMode::Update);
        lock
    }

    fn parse(text: &str, path: &Path, mode: LockMode) -> Result<Self, LockError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let malformed = |source| LockError::Malformed { path: path.to_owned(), source };
        let Format { format } = serde_json::from_str(text).map_err(malformed)?;
        if format != FORMAT {
            return Err(LockError::Format { path: path.to_owned(), found: format });
        }
        let lock: Self = serde_json::from_str(text).map_err(malformed)?;
        match lock.flaw(text, mode) {
            Some(what) => Err(LockError::Edited { path: path.to_owned(), what }),
            None => Ok(lock),
        }
    }

    /// Records a schema, as far as `mode` allows. Groups with an unacceptable difference stay as
    /// they are.
    pub(super) fn record(&mut self, schema: &Schema, mode: LockMode) {
        let overwrites = mode == LockMode::Overwrite;
        let old = std::mem::take(&mut self.releases);
        for pair in pairs(schema, &old) {
            let kept = || pair.releases.iter().map(|it| (*it).clone());
            let Some(today) = pair.today else {
                self.releases.extend(kept().map(|it| Release { retired: true, ..it }));
                continue;
            };
            let refused: Vec<Difference> =
                compare(&pair).into_iter().filter(|it| !overwrites && !it.effect.is_acceptable()).collect();
            if refused.iter().any(|it| it.group.is_none()) {
                self.releases.extend(kept());
                continue;
            }
            let mut releases: Vec<Release> = kept().map(|it| as_of(today, it)).collect();
            for group in &today.groups {
                if !refused.iter().any(|it| it.group.as_deref() == Some(group.segment())) {
                    record_group(today, group, overwrites, &mut releases);
                }
            }
            self.releases.extend(releases);
        }
        let key =
            |it: &Release| (it.entity.clone(), it.prefix.clone(), it.shape.name.clone(), it.shape.version);
        self.releases.sort_by_key(key);
        seal(&mut self.releases);
    }
}

/// A release under the current name and keys. It is retired if its group is gone.
fn as_of(today: &EntityShape, release: Release) -> Release {
    let is_there = today.groups.iter().any(|it| it.name == release.shape.name);
    Release {
        entity: today.name.clone(),
        prefix: today.prefix.clone(),
        ids: today.ids.clone(),
        retired: !is_there,
        shape: release.shape,
        after: None,
        digest: String::new(),
    }
}

fn record_group(today: &EntityShape, group: &GroupShape, overwrites: bool, releases: &mut Vec<Release>) {
    let mut shapes = vec![group];
    let mut previous = group.previous.as_deref();
    while let Some(shape) = previous.and_then(|entity| entity.groups.first()) {
        shapes.push(shape);
        previous = shape.previous.as_deref();
    }
    if overwrites {
        releases.retain(|it| it.shape.name != group.name || it.shape.version <= group.version);
    }
    for (at, shape) in shapes.into_iter().enumerate() {
        let shape =
            GroupShape { previous: None, anchor: group.anchor, name: group.name.clone(), ..shape.clone() };
        let known =
            releases.iter_mut().find(|it| it.shape.name == shape.name && it.shape.version == shape.version);
        match known {
            // A predecessor's shape was released long ago: of it only what was never recorded is.
            Some(known) if at == 0 || overwrites => known.shape = shape,
            Some(_) => {}
            None => releases.push(Release {
                entity: today.name.clone(),
                prefix: today.prefix.clone(),
                ids: today.ids.clone(),
                retired: false,
                shape,
                after: None,
                digest: String::new(),
            }),
        }
    }
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs { path, differences } => {
                writeln!(f, "the schema is not what {} says was released", path.display())?;
                for difference in differences {
                    writeln!(f, "\n  {difference}")?;
                }
                if differences.iter().any(|it| !it.effect.is_acceptable()) {
                    let hint = "a version that was never released may change: KV_SCHEMA_LOCK=overwrite records the new shape";
                    writeln!(f, "\n  {hint}")?;
                }
                Ok(())
            }
            Self::Missing { path } => {
                write!(
                    f,
                    "there is no {}; {VARIABLE}=update makes it, and it belongs into version control",
                    path.display()
                )
            }
            Self::Malformed { path, .. } => write!(f, "{} is no schema lock", path.display()),
            Self::Format { path, found } => {
                write!(
                    f,
                    "{} has the format {found}; this version of kv-runtime knows {FORMAT}",
                    path.display()
                )
            }
            Self::Edited { path, what } => write!(f, "{} is not what was written: {what}", path.display()),
            Self::Mode(found) => {
                write!(f, "{VARIABLE} is {found:?}; it can be `update` or `overwrite`, or be left unset")
            }
            Self::Io { path, .. } => write!(f, "{} can be neither read nor written", path.display()),
        }
    }
}

impl fmt::Debug for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        match std::error::Error::source(self) {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for LockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed { source, .. } => Some(source),
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
