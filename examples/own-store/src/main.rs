//! Your own store, and the suite that tests it: `cargo run -p own-store`.
//!
//! Its engine is a map of bytes. So metadata and expiry are stored in an envelope before the value.
//!
//! It prints the following. At each `...` some of it is left out:
//!
//! ```text
//! own: 66 passed, 6 skipped, 0 failed
//!   passed   capabilities_stay                        capabilities MUST always be the same
//!   passed   absent_is_none                           what was never written is absent, ...
//!   passed   get_after_put                            a record MUST come back as it was written
//! ...
//! ```

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kv_runtime::conformance::{self, Foreign, Harness, Unfit};
use kv_runtime::key::Key;
use kv_runtime::record::{NewRecord, Record, Revision, envelope};
use kv_runtime::store::{
    Batch, Capabilities, Content, Cursor, Entry, EntryRef, GetOptions, ListPage, ListQuery, Sharing, Store,
    StoreExt, StoreInfo, Write,
};
use kv_runtime::{Clock, Error, Location, ManualClock, MaybeSend, Result, Timestamp};

struct OwnStore {
    info: StoreInfo,
    records: Mutex<BTreeMap<Key, Vec<u8>>>,
}

impl OwnStore {
    fn new(clock: &ManualClock, records: BTreeMap<Key, Vec<u8>>) -> Self {
        let info = StoreInfo::new("own", Capabilities::new(Sharing::Exclusive).ordered());
        Self { info: info.with_clock(Clock::from(clock)), records: Mutex::new(records) }
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<Key, Vec<u8>>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The record in these bytes, unless it has expired.
    fn open(&self, key: &Key, bytes: &[u8]) -> Result<Option<Record>> {
        let opened = envelope::open(bytes.to_vec().into());
        let record = opened.map_err(|error| error.into_error(Location::of(self.name(), key)))?;
        Ok(Some(record).filter(|record| record.expires_at.is_none_or(|at| at > self.clock().now())))
    }

    fn apply(&self, write: Write) -> Result<()> {
        match write {
            Write::Put(key, record) => {
                let bytes = self.sealed(&key, &record)?;
                self.records().insert(key, bytes);
                Ok(())
            }
            Write::Delete(key) => {
                self.records().remove(&key);
                Ok(())
            }
            other => {
                Err(Error::Unsupported { at: self.info.at(Some(other.key())), capability: "conditions" })
            }
        }
    }

    fn sealed(&self, key: &Key, record: &NewRecord) -> Result<Vec<u8>> {
        let expires_at = record.expiry.at(self.clock().now());
        let (mut bytes, token) = (Vec::new(), Revision::random().token().unwrap_or_default());
        let too_long =
            |len| Error::MetadataTooLong { at: self.info.at(Some(key)), len, max: u16::MAX.into() };
        envelope::write(&record.metadata, expires_at, token, &mut bytes).map_err(too_long)?;
        bytes.extend_from_slice(&record.value);
        Ok(bytes)
    }
}

impl Store for OwnStore {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, key: &Key, _: GetOptions) -> Result<Option<Record>> {
        self.records().get(key).map_or(Ok(None), |bytes| self.open(key, bytes))
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        batch.one_by_one(&self.info, |write| ready(self.apply(write))).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        let after = query.position(self.name())?;
        let (mut page, mut bytes) = (ListPage::default(), 0);
        let is_ahead = |key: &str| after.is_none_or(|after| key > after) && query.matches(key);
        for (key, stored) in self.records().iter().filter(|(key, _)| is_ahead(key.as_str())) {
            let entry = match (self.open(key, stored), query.content()) {
                (Ok(None), _) => continue,
                (Ok(Some(_)), Content::Keys) => Entry::Key,
                (Ok(Some(record)), Content::Heads) => Entry::Head(record.into()),
                (Ok(Some(record)), _) => Entry::Record(record),
                (Err(error), _) => Entry::Failed(error),
            };
            page.push(key.as_str(), entry);
            bytes += key.len() + stored.len();
            if page.len() == query.limit() || bytes >= query.max_bytes() {
                page.cursor = Some(query.cursor_at(key.as_str()));
                break;
            }
        }
        Ok(page.lend(each).await)
    }
}

/// `conformance::ManualHarness` would do, except for the tests of records of other programs.
struct OwnHarness(ManualClock);

impl Harness for OwnHarness {
    type Store = OwnStore;

    async fn store(&self) -> Result<OwnStore> {
        Ok(OwnStore::new(&self.0, BTreeMap::new()))
    }

    async fn pass(&self, time: Duration) {
        self.0.advance(time);
    }

    async fn store_holding(&self, records: &[(Key, Foreign)]) -> Result<Option<OwnStore>> {
        let bytes = |foreign: &Foreign| match foreign {
            Foreign::Plain(value) => value.to_vec(),
            _ => envelope::MAGIC.to_vec(),
        };
        let records = records.iter().map(|(key, foreign)| (key.clone(), bytes(foreign))).collect();
        Ok(Some(OwnStore::new(&self.0, records)))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Unfit> {
    let harness = OwnHarness(ManualClock::new(Timestamp::from_millis(1_763_900_000_000)));
    let report = conformance::store(&harness).await;
    println!("{report}");
    report.require(60)
}
