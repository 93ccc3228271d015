//! The suite's report: what passed, was skipped, or failed.

use std::error::Error as _;
use std::fmt;
use std::panic::Location;

use crate::error::Error;

/// The outcome of every test of the suite, in the order in which they ran. `Display` prints a
/// table.
#[derive(Clone, Debug)]
#[must_use = "a report is not a test's result: call `require`"]
pub struct Report {
    store: &'static str,
    runs: Vec<TestRun>,
}

/// One test of a [`Report`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TestRun {
    /// The test's name.
    pub name: &'static str,
    /// The rule of the store's docs that it tests.
    pub rule: &'static str,
    /// Its outcome.
    pub outcome: Outcome,
}

/// The outcome of a test.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The rule held.
    Passed,
    /// The rule does not apply, for this reason.
    Skipped(&'static str),
    /// The rule was broken.
    Failed(Failure),
}

/// How a store broke a rule.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what} ({location})")]
pub struct Failure {
    what: String,
    location: &'static Location<'static>,
}

/// A store that broke a rule, or a suite that ran too few tests. `Debug` prints the whole table as
/// well, because a test that returns this error shows it.
pub struct Unfit(String);

impl Report {
    pub(super) fn new(store: &'static str, runs: Vec<TestRun>) -> Self {
        Self { store, runs }
    }

    /// Fails if a test failed, or if fewer than this many passed. A suite that skipped most tests
    /// has shown nothing.
    pub fn require(&self, at_least: usize) -> Result<(), Unfit> {
        if self.failures().next().is_some() {
            return Err(Unfit(format!("the store breaks its contract\n{self}")));
        }
        if self.passed() < at_least {
            return Err(Unfit(format!("only {} tests ran, not {at_least}\n{self}", self.passed())));
        }
        Ok(())
    }

    /// Returns every test of the suite, in the order in which they ran.
    #[must_use]
    pub fn runs(&self) -> &[TestRun] {
        &self.runs
    }

    /// Returns how many tests passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.runs.iter().filter(|run| matches!(run.outcome, Outcome::Passed)).count()
    }

    /// Returns the tests that were skipped, and why.
    pub fn skipped(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.runs.iter().filter_map(|run| match run.outcome {
            Outcome::Skipped(reason) => Some((run.name, reason)),
            _ => None,
        })
    }

    /// Returns the tests that failed, and how.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, &Failure)> {
        self.runs.iter().filter_map(|run| match &run.outcome {
            Outcome::Failed(failure) => Some((run.name, failure)),
            _ => None,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (skipped, failed) = (self.skipped().count(), self.failures().count());
        write!(f, "{}: {} passed, {skipped} skipped, {failed} failed", self.store, self.passed())?;
        let width = self.runs.iter().map(|run| run.name.len()).max().unwrap_or_default();
        for TestRun { name, rule, outcome } in &self.runs {
            match outcome {
                Outcome::Passed => write!(f, "\n  passed   {name:width$}  {rule}")?,
                Outcome::Skipped(reason) => write!(f, "\n  skipped  {name:width$}  {reason}")?,
                Outcome::Failed(failure) => {
                    write!(f, "\n  FAILED   {name:width$}  {rule}\n           {failure}")?;
                }
            }
        }
        Ok(())
    }
}

impl Failure {
    #[track_caller]
    pub(super) fn new(what: String) -> Self {
        Self { what, location: Location::caller() }
    }
}

/// Returns a failure for an unexpected error of a store, with its causes.
impl From<Error> for Failure {
    #[track_caller]
    fn from(error: Error) -> Self {
        let mut what = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            what.push_str(": ");
            what.push_str(&source.to_string());
            cause = source.source();
        }
        Self::new(what)
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unfit {}
