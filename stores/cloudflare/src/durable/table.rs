//! A table of the object's SQLite: the calls of `message`, each in one step.
//!
//! No call awaits anything, and an object has one thread, so no other call runs between the
//! statements of one call. The runtime commits what one step wrote as one transaction. A call of several writes
//! also asks for `transactionSync`, so that a statement that fails undoes those before it.

mod list;
mod statements;

use std::cell::Cell;

use kv_store::Timestamp;
use kv_store::record::Expiry;
use worker::js_sys::{Function, Reflect};
use worker::wasm_bindgen::closure::Closure;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{SqlStorage, SqlStorageValue as Sql, State, Storage};

use super::message::{Change, ChangeKind, Check, Expected, Failure, FailureKind, Request, Response, Row};
use statements::Statements;

pub(super) struct Table {
    storage: Storage,
    sql: SqlStorage,
    statements: Statements,
    /// Whether the table is known to be there.
    is_open: Cell<bool>,
    /// Whether a record was written that expires, since this was last asked.
    expires: Cell<bool>,
}

/// A statement and its parameters.
struct Bound<'a>(&'a str, Vec<Sql>);

/// The most expired rows that one sweep removes.
const SWEPT_AT_ONCE: f64 = 1_000.0;

impl Table {
    pub(super) fn new(state: &State, name: &str) -> Self {
        let storage = state.storage();
        let sql = storage.sql();
        let statements = Statements::of(name);
        Self { storage, sql, statements, is_open: Cell::new(false), expires: Cell::new(false) }
    }

    pub(super) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Whether a record was written since the last call that expires.
    pub(super) fn take_expires(&self) -> bool {
        self.expires.take()
    }

    /// Makes a call, at one moment.
    pub(super) fn answer(&self, request: Request, now: Timestamp) -> Response {
        self.try_answer(request, now).unwrap_or_else(Response::Failed)
    }

    fn try_answer(&self, request: Request, now: Timestamp) -> Result<Response, Failure> {
        Ok(match request {
            Request::Get(keys) => {
                let rows = keys.iter().map(|key| self.get(key, now));
                Response::Rows(rows.collect::<Result<_, _>>()?)
            }
            Request::Write(changes) => {
                self.write(changes, now)?;
                Response::Done
            }
            Request::Commit(checks, changes) => match self.commit(&checks, changes, now)? {
                Some(position) => Response::Conflict(position as u32),
                None => Response::Done,
            },
            Request::List(range) => self.list(&range, now)?,
        })
    }

    pub(super) fn get(&self, key: &str, now: Timestamp) -> Result<Option<Row>, Failure> {
        let found = self.first(&self.statements.get, vec![key.into(), at(now)])?;
        found.map(|[record, expires_at]| row(record, &expires_at)).transpose()
    }

    pub(super) fn write(&self, changes: Vec<Change>, now: Timestamp) -> Result<(), Failure> {
        let bound: Vec<_> = changes.into_iter().map(|change| self.bind(change, now)).collect();
        self.run_all(bound)
    }

    /// Makes the changes if all conditions hold; the place of the first that does not.
    pub(super) fn commit(
        &self,
        checks: &[Check],
        mut changes: Vec<Change>,
        now: Timestamp,
    ) -> Result<Option<usize>, Failure> {
        if let ([check], 1) = (checks, changes.len())
            && let Some(change) = changes.pop()
        {
            match self.bind_checked(check, change, now) {
                Ok(Bound(statement, values)) => {
                    // A counter of the cursor costs less than a row that says it.
                    let is_done = self.exec(statement, values)?.rows_written() > 0;
                    return Ok(if is_done { None } else { Some(0) });
                }
                Err(change) => changes.push(change),
            }
        }
        for (position, check) in checks.iter().enumerate() {
            if !self.holds(check, now)? {
                return Ok(Some(position));
            }
        }
        self.write(changes, now)?;
        Ok(None)
    }

    fn holds(&self, Check { key, expect }: &Check, now: Timestamp) -> Result<bool, Failure> {
        let statements = &self.statements;
        let mut values = vec![key.as_str().into(), at(now)];
        let statement = match expect {
            Expected::Absent | Expected::Present => &statements.is_present,
            Expected::Token(token) => {
                values.push(Sql::Blob(token.to_le_bytes().to_vec()));
                &statements.has_token
            }
            Expected::Plain(record) => {
                values.push(Sql::Blob(record.clone()));
                &statements.is_plain
            }
        };
        let found = self.first::<1>(statement, values)?.is_some();
        Ok(found != (*expect == Expected::Absent))
    }

    /// The usual commits in one statement: an update of what was read, and an insert. Gives other
    /// changes back.
    fn bind_checked(&self, check: &Check, change: Change, now: Timestamp) -> Result<Bound<'_>, Change> {
        if check.key != change.key {
            return Err(change);
        }
        let Change { key, kind } = change;
        match (&check.expect, kind) {
            (Expected::Token(token), ChangeKind::Update(record, _)) => {
                let token = Sql::Blob(token.to_le_bytes().to_vec());
                let values = vec![key.into(), at(now), Sql::Blob(record), token];
                Ok(Bound(&self.statements.update_checked, values))
            }
            (Expected::Absent, ChangeKind::Put(record, expiry) | ChangeKind::Update(record, expiry)) => {
                let values = vec![key.into(), at(now), Sql::Blob(record), self.expires_at(expiry, now)];
                Ok(Bound(&self.statements.insert, values))
            }
            (_, kind) => Err(Change { key, kind }),
        }
    }

    fn bind(&self, Change { key, kind }: Change, now: Timestamp) -> Bound<'_> {
        let statements = &self.statements;
        let key = Sql::String(key);
        match kind {
            ChangeKind::Put(record, expiry) => {
                Bound(&statements.put, vec![key, Sql::Blob(record), self.expires_at(expiry, now)])
            }
            ChangeKind::Update(record, expiry) => {
                let values = vec![key, at(now), Sql::Blob(record), self.expires_at(expiry, now)];
                Bound(&statements.update, values)
            }
            ChangeKind::Touch(expiry) => {
                let extends = matches!(expiry, Expiry::AtLeast(_));
                let statement = if extends { &statements.extend } else { &statements.touch };
                Bound(statement, vec![key, at(now), self.expires_at(expiry, now)])
            }
            ChangeKind::Delete => Bound(&statements.delete, vec![key]),
        }
    }

    fn expires_at(&self, expiry: Expiry, now: Timestamp) -> Sql {
        match expiry.at(now) {
            Some(expires_at) => {
                self.expires.set(true);
                at(expires_at)
            }
            None => Sql::Null,
        }
    }

    /// When the first record expires, if one does.
    pub(super) fn first_expiry(&self) -> Result<Option<Timestamp>, Failure> {
        match self.first(&self.statements.first_expiry, Vec::new())? {
            Some([expires_at]) => time(&expires_at),
            None => Ok(None),
        }
    }

    /// Removes records that have expired, a bounded number.
    pub(super) fn sweep(&self, now: Timestamp) -> Result<(), Failure> {
        self.run(Bound(&self.statements.sweep, vec![at(now), Sql::Float(SWEPT_AT_ONCE)]))
    }

    /// All statements or none.
    fn run_all(&self, mut bound: Vec<Bound<'_>>) -> Result<(), Failure> {
        if bound.len() <= 1 {
            return bound.pop().map_or(Ok(()), |bound| self.run(bound));
        }
        self.open()?;
        let sql = self.sql.clone();
        let owned: Vec<_> = bound.into_iter().map(|Bound(text, values)| (text.to_owned(), values)).collect();
        let run = Closure::once(move || -> Result<JsValue, JsValue> {
            for (text, values) in owned {
                sql.exec(&text, values).map_err(JsValue::from)?;
            }
            Ok(JsValue::UNDEFINED)
        });
        let storage: &JsValue = self.storage.as_raw().as_ref();
        let transact = Reflect::get(storage, &"transactionSync".into()).map_err(thrown)?;
        let transact: Function = transact.dyn_into().map_err(thrown)?;
        // The runtime calls it before it returns.
        transact.call1(storage, run.as_ref()).map(drop).map_err(thrown)
    }

    fn run(&self, Bound(statement, values): Bound<'_>) -> Result<(), Failure> {
        self.exec(statement, values).map(drop)
    }

    /// The first row of a statement that has one at the most.
    fn first<const COLUMNS: usize>(
        &self,
        statement: &str,
        values: Vec<Sql>,
    ) -> Result<Option<[Sql; COLUMNS]>, Failure> {
        match self.exec(statement, values)?.raw().next() {
            Some(row) => columns(row).map(Some),
            None => Ok(None),
        }
    }

    fn exec(&self, statement: &str, values: Vec<Sql>) -> Result<worker::SqlCursor, Failure> {
        self.open()?;
        self.sql.exec(statement, values).map_err(failed)
    }

    /// Makes the table with the first call, so that an object that is never used stores nothing.
    fn open(&self) -> Result<(), Failure> {
        if !self.is_open.get() {
            for statement in &self.statements.open {
                self.sql.exec(statement, None).map_err(failed)?;
            }
            self.is_open.set(true);
        }
        Ok(())
    }
}

fn at(time: Timestamp) -> Sql {
    Sql::Float(time.as_millis() as f64)
}

fn time(column: &Sql) -> Result<Option<Timestamp>, Failure> {
    match column {
        Sql::Null => Ok(None),
        Sql::Integer(millis) => Ok(Some(Timestamp::from_millis(u64::try_from(*millis).unwrap_or(0)))),
        Sql::Float(millis) => Ok(Some(Timestamp::from_millis(*millis as u64))),
        _ => Err(foreign()),
    }
}

fn row(record: Sql, expires_at: &Sql) -> Result<Row, Failure> {
    match record {
        Sql::Blob(record) => Ok(Row { record, expires_at: time(expires_at)? }),
        _ => Err(foreign()),
    }
}

fn columns<const COLUMNS: usize>(row: worker::Result<Vec<Sql>>) -> Result<[Sql; COLUMNS], Failure> {
    row.map_err(failed)?.try_into().map_err(|_| foreign())
}

/// Something else made a table of this name.
fn foreign() -> Failure {
    let message = "the table has columns of another type than this store's".to_owned();
    Failure { kind: FailureKind::Engine, message }
}

fn failed(error: worker::Error) -> Failure {
    let message = match error {
        worker::Error::UnknownJsError { message, .. } => message,
        error => error.to_string(),
    };
    let kind = if message.contains("SQLITE_FULL") {
        FailureKind::Full
    } else if message.contains("free tier") {
        FailureKind::Quota
    } else {
        FailureKind::Engine
    };
    Failure { kind, message }
}

fn thrown(thrown: JsValue) -> Failure {
    failed(thrown.into())
}
