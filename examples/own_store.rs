//! A store of one's own, without compare-and-swap, and the suite that tells whether it is one.
//!
//! It keeps bytes in a hash map, as an engine without metadata, expiry or order would: metadata, expiry and revision stand in
//! the envelope before each value. Run it with `cargo run --example own_store`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use kv_runtime::conformance::{self, Foreign, Harness, Unfit};
use kv_runtime::key::Key;
use kv_runtime::record::{NewRecord, Record, Revision, envelope};
use kv_runtime::store::{Capabilities, Content, Cursor, Entry, ListPage, ListQuery, Sharing, Store};
use kv_runtime::{Clock, Error, Location, ManualClock, Result, Timestamp};

const NAME: &str = "own";

struct OwnStore {
    clock: Clock,
    records: Mutex<HashMap<String, Bytes>>,
}

impl OwnStore {
    fn records(&self) -> MutexGuard<'_, HashMap<String, Bytes>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The record in these bytes, unless it has expired. A cheap clone: the value is a slice of `bytes`.
    fn open(&self, key: &Key, bytes: &Bytes) -> Result<Option<Record>> {
        let record =
            envelope::open(bytes.clone()).map_err(|error| error.into_error(Location::of(NAME, key)))?;
        Ok(Some(record).filter(|record| record.expires_at.is_none_or(|at| at > self.clock.now())))
    }
}

impl Store for OwnStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::new(Sharing::Exclusive)
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        let bytes = self.records().get(key.as_str()).cloned();
        bytes.map_or(Ok(None), |bytes| self.open(key, &bytes))
    }

    async fn put(&self, key: Key, record: NewRecord) -> Result<()> {
        let now = self.clock.now();
        let expires_at = record.expiry.at(now);
        if expires_at.is_some_and(|at| at <= now) {
            return self.delete(key).await;
        }
        let token = Revision::random().token().unwrap_or_default();
        let mut bytes = Vec::with_capacity(record.value.len() + 32);
        envelope::write(&record.metadata, expires_at, token, &mut bytes).map_err(|len| {
            Error::MetadataTooLong { at: Location::of(NAME, &key), len, max: u16::MAX.into() }
        })?;
        bytes.extend_from_slice(&record.value);
        self.records().insert(key.into_string(), bytes.into());
        Ok(())
    }

    async fn delete(&self, key: Key) -> Result<()> {
        self.records().remove(key.as_str());
        Ok(())
    }

    /// A hash map has no order to go on from, so each page sorts: honest, and not fast.
    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        let after = query.cursor().map(|cursor| cursor.open(query, NAME)).transpose()?;
        let records = self.records();
        let mut keys: Vec<&String> = records.keys().filter(|key| query.matches(key)).collect();
        keys.sort_unstable();
        let mut page = ListPage::default();
        for text in keys.into_iter().filter(|key| after.is_none_or(|after| key.as_str() > after)) {
            let entry = match (self.open(&Key::from_text(text), &records[text]), query.content()) {
                (Ok(None), _) => continue,
                (Ok(Some(_)), Content::Keys) => Entry::Key,
                (Ok(Some(record)), Content::Heads) => Entry::Head(record.into()),
                (Ok(Some(record)), _) => Entry::Record(record),
                (Err(error), _) => Entry::Failed(error),
            };
            page.push(text, entry);
            if page.len() == query.limit() {
                page.cursor = Some(Cursor::seal(query, text));
                break;
            }
        }
        Ok(page)
    }
}

/// Makes the suite's stores. `conformance::ManualHarness` would do, but for the tests of what something else wrote.
struct OwnHarness(ManualClock);

impl Harness for OwnHarness {
    type Store = OwnStore;

    async fn store(&self) -> Result<OwnStore> {
        Ok(OwnStore { clock: Clock::from(&self.0), records: Mutex::default() })
    }

    async fn pass(&self, time: Duration) {
        self.0.advance(time);
    }

    async fn store_holding(&self, records: &[(Key, Foreign)]) -> Result<Option<OwnStore>> {
        let store = self.store().await?;
        for (key, foreign) in records {
            let bytes: &[u8] = if let Foreign::Plain(value) = foreign { value } else { &envelope::MAGIC };
            store.records().insert(key.as_str().to_owned(), Bytes::from_static(bytes));
        }
        Ok(Some(store))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Unfit> {
    let harness = OwnHarness(ManualClock::new(Timestamp::from_millis(1_763_900_000_000)));
    let report = conformance::store(&harness).await;
    println!("{report}");
    report.require(45)
}
