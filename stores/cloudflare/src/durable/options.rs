//! How a store inside an object is set up.

use std::fmt;

use kv_store::{Clock, Error, Location, Result, Timer};
use worker::State;

use super::NAME;
use super::store::DurableStore;
use super::table::Table;

/// How a [`DurableStore`] is set up; [`DurableStore::options`] gives one.
#[must_use]
pub struct DurableOptions<'a> {
    state: &'a State,
    table: String,
    clock: Clock,
    sets_alarm: bool,
}

/// The table of a store, unless the options name another one.
const TABLE: &str = "kv_records";

impl<'a> DurableOptions<'a> {
    pub(super) fn new(state: &'a State) -> Self {
        let clock = Clock::system().with_timer(Timer::new(worker::Delay::from));
        Self { state, table: TABLE.to_owned(), clock, sets_alarm: true }
    }

    /// The table that holds the records, instead of `kv_records`: ASCII letters, digits and `_`,
    /// not a digit first, at most 64. An object may have several stores, each with its own table;
    /// one of them may set the alarm.
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = name.into();
        self
    }

    /// The clock of expiry, instead of the runtime's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Leaves the object's alarm to the application, which has to call [`DurableStore::sweep`]
    /// from time to time. Without it, expired records are invisible, and keep their place.
    pub fn without_alarm(mut self) -> Self {
        self.sets_alarm = false;
        self
    }

    /// Sets up the store. A name that is none of a table is [`Error::InvalidOptions`].
    pub fn open(self) -> Result<DurableStore> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let name = &self.table;
        let starts = name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
        if !starts || name.len() > 64 || !name.bytes().all(is_part) {
            let what =
                "the table's name has to be ASCII letters, digits and `_`, not a digit first, at most 64";
            return Err(Error::InvalidOptions { at: Location::store(NAME), what: what.into() });
        }
        Ok(self.build())
    }

    /// The store of a table whose name is known to be one.
    pub(super) fn build(self) -> DurableStore {
        DurableStore::of(Table::new(self.state, &self.table), self.clock, self.sets_alarm)
    }
}

impl fmt::Debug for DurableOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DurableOptions")
            .field("table", &self.table)
            .field("sets_alarm", &self.sets_alarm)
            .finish_non_exhaustive()
    }
}

impl DurableStore {
    /// The store of this object, in the table `kv_records`. Nothing is read or written yet.
    ///
    /// The class has to be one with SQLite: `new_sqlite_classes` in wrangler.toml. With any other
    /// each call is an error. The store sets the object's alarm, whose handler must call
    /// [`sweep`](Self::sweep).
    #[must_use]
    pub fn new(state: &State) -> Self {
        Self::options(state).build()
    }

    /// How a store is set up that needs another table or clock, or leaves the alarm alone.
    pub fn options(state: &State) -> DurableOptions<'_> {
        DurableOptions::new(state)
    }
}
