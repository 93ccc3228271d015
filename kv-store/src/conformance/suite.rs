//! What the tests share: a fresh store, checks, and sample records.

use std::future::Future;
use std::time::Duration;

use super::harness::{Foreign, Harness};
use super::report::{Failure, Outcome, Report, TestRun};
use crate::catch_unwind::catch_unwind;
use crate::codec::Codec;
use crate::error::Error;
use crate::key::{IdSchema, Key, KeyBuilder, KvId};
use crate::record::{Expiry, Metadata, NewRecord, Record};
use crate::store::{Capabilities, Entry, ListQuery, Sharing, StoreExt};
use crate::timestamp::Timestamp;

/// Fails the test unless the condition holds.
macro_rules! check {
    ($holds:expr, $($what:tt)+) => {
        if !$holds {
            return Err($crate::conformance::suite::Ended::failed(format!($($what)+)));
        }
    };
}

/// Runs tests. Each names the rule of the store's docs that it tests.
macro_rules! run_all {
    ($suite:expr; $($test:ident: $rule:literal,)+) => {
        $($suite.run(stringify!($test), $rule, $test).await;)+
    };
}

/// The outcome of a test that did not pass.
pub(super) enum Ended {
    Skipped(&'static str),
    Failed(Failure),
}

pub(super) type Checked<T = ()> = std::result::Result<T, Ended>;

impl Ended {
    #[track_caller]
    pub(super) fn failed(what: String) -> Self {
        Self::Failed(Failure::new(what))
    }
}

impl From<Error> for Ended {
    #[track_caller]
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs one test after the other, and collects the outcomes.
pub(super) struct Suite<'h, H> {
    harness: &'h H,
    store: &'static str,
    runs: Vec<TestRun>,
}

impl<'h, H: Harness> Suite<'h, H> {
    pub(super) fn new(harness: &'h H) -> Self {
        Self { harness, store: "store", runs: Vec::new() }
    }

    pub(super) fn into_report(self) -> Report {
        Report::new(self.store, self.runs)
    }

    pub(super) async fn run<F, T>(&mut self, name: &'static str, rule: &'static str, test: F)
    where
        F: FnOnce(Test<'h, H>) -> T,
        T: Future<Output = Checked>,
    {
        let ended = match self.harness.store().await {
            Ok(store) => {
                self.store = store.name();
                // In a box: a test thread's stack holds one test of many wrappers, and not all.
                let mut ended = Box::pin(test(Test::new(self.harness, store)));
                catch_unwind(ended.as_mut())
                    .await
                    .unwrap_or_else(|| Err(Ended::failed("it panicked".to_owned())))
            }
            Err(error) => Err(error.into()),
        };
        let outcome = match ended {
            Ok(()) => Outcome::Passed,
            Err(Ended::Skipped(reason)) => Outcome::Skipped(reason),
            Err(Ended::Failed(failure)) => Outcome::Failed(failure),
        };
        self.runs.push(TestRun { name, rule, outcome });
    }
}

/// The store of one test, and its capabilities.
pub(super) struct Test<'h, H: Harness> {
    harness: &'h H,
    pub(super) store: H::Store,
    pub(super) can: Capabilities,
}

impl<'h, H: Harness> Test<'h, H> {
    fn new(harness: &'h H, store: H::Store) -> Self {
        let can = *store.capabilities();
        Self { harness, store, can }
    }

    /// Returns the same test with a store that already holds records of another program.
    pub(super) async fn holding(self, records: &[(Key, Foreign)]) -> Checked<Self> {
        match self.harness.store_holding(records).await? {
            Some(store) => Ok(Self::new(self.harness, store)),
            None => Err(Ended::Skipped("the harness cannot write past the store")),
        }
    }

    /// Skips the test unless the store has the capability.
    pub(super) fn needs(&self, can: bool, otherwise: &'static str) -> Checked {
        if can { Ok(()) } else { Err(Ended::Skipped(otherwise)) }
    }

    pub(super) fn ttl(&self) -> Duration {
        self.harness.ttl().max(self.can.limits.least_ttl.unwrap_or_default())
    }

    pub(super) fn largest_batch(&self) -> usize {
        self.harness.largest_batch()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.store.clock().now()
    }

    pub(super) async fn pass(&self, time: Duration) {
        self.harness.pass(time).await;
    }

    /// Waits until writes are visible. Tests call it between writes and reads.
    pub(super) async fn settle(&self) {
        if self.can.sharing == Sharing::Eventual {
            self.harness.settle().await;
        }
    }

    pub(super) async fn put(&self, key: &Key, record: &NewRecord) -> Checked {
        self.store.put(key.clone(), record.clone()).await?;
        self.settle().await;
        Ok(())
    }

    pub(super) async fn put_all(&self, records: &[(Key, NewRecord)]) -> Checked {
        for chunk in records.chunks(self.can.limits.batch_write.max(1)) {
            self.store.put_many(chunk.to_vec()).await?;
        }
        self.settle().await;
        Ok(())
    }

    pub(super) async fn delete(&self, key: &Key) -> Checked {
        self.store.delete(key.clone()).await?;
        self.settle().await;
        Ok(())
    }

    /// Returns the record under `key`. Fails if there is none.
    pub(super) async fn standing(&self, key: &Key) -> Checked<Record> {
        match self.store.read(key).await? {
            Some(record) => Ok(record),
            None => Err(Ended::failed(format!("`{key}` is absent"))),
        }
    }

    /// Checks that the record exists, with the value and metadata that were written.
    pub(super) async fn holds(&self, key: &Key, written: &NewRecord) -> Checked<Record> {
        let record = self.standing(key).await?;
        check!(is_written(&record, written), "`{key}` came back as {record:?}, and {written:?} was written");
        Ok(record)
    }

    pub(super) async fn is_absent(&self, key: &Key) -> Checked {
        let record = self.store.read(key).await?;
        check!(record.is_none(), "`{key}` should be absent and is {record:?}");
        Ok(())
    }

    /// Checks the expiry, as far as the store reports it. A server may round it, or not return it.
    pub(super) fn expires(
        &self,
        expiry: Option<Timestamp>,
        earliest: Timestamp,
        latest: Timestamp,
    ) -> Checked {
        let slack = match self.can.sharing {
            Sharing::Exclusive => 0,
            Sharing::Shared | Sharing::Eventual => 2_000,
        };
        match expiry.map(Timestamp::as_millis) {
            Some(expiry) => {
                let (earliest, latest) =
                    (earliest.as_millis().saturating_sub(slack), latest.as_millis() + slack);
                check!(
                    (earliest..=latest).contains(&expiry),
                    "it expires at {expiry}, which is not between {earliest} and {latest}"
                );
            }
            None => check!(self.can.sharing != Sharing::Exclusive, "the expiry was lost"),
        }
        Ok(())
    }

    /// Returns every entry of a list, page by page.
    pub(super) async fn list(&self, query: &ListQuery) -> Checked<Vec<(String, Entry)>> {
        let mut entries = Vec::new();
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let mut page = self.store.page(&query.clone().with_cursor(cursor)).await?;
            let (len, limit) = (page.len(), query.limit());
            check!(len <= limit, "a page of at most {limit} has {len} entries");
            cursor = page.cursor.take();
            page.for_each(|key, entry| entries.push((key.to_owned(), entry)));
            if cursor.is_none() {
                return Ok(entries);
            }
        }
        Err(Ended::failed(format!("the list goes on after {MOST_PAGES} pages")))
    }

    /// Returns the keys of a list, page by page.
    pub(super) async fn list_keys(&self, query: &ListQuery) -> Checked<Vec<String>> {
        Ok(self.list(query).await?.into_iter().map(|(key, _)| key).collect())
    }
}

/// More pages than any list of the tests has.
pub(super) const MOST_PAGES: usize = 20_000;

pub(super) fn key(text: &str) -> Key {
    Key::from_text(text)
}

/// Returns the key of one group of an entity. A store must be able to commit the groups of one
/// entity together.
pub(super) fn group(entity: &str, group: &str) -> Key {
    Key::from_text(entity).with_group(Some(group))
}

/// The ids of entities that share a shard: the shard, and a number.
const SHARDED: &[IdSchema] =
    &[IdSchema::new("shard", <String as KvId>::KIND).shard(), IdSchema::new("number", <u32 as KvId>::KIND)];

/// Returns the key of an entity in a shard. A store whose scope is one shard must be able to commit all
/// keys of a shard together.
pub(super) fn in_shard(prefix: &'static str, shard: &str, number: u32, group: Option<&'static str>) -> Key {
    let mut key = KeyBuilder::new(prefix, SHARDED);
    key.push_text(shard);
    key.push(&number);
    key.finish(group)
}

/// Returns what the keys of all entities with this prefix begin with, or those of one shard.
pub(super) fn prefix_of_shards(prefix: &'static str, shard: Option<&str>) -> Key {
    let mut key = KeyBuilder::new(prefix, SHARDED);
    if let Some(shard) = shard {
        key.push_text(shard);
    }
    key.finish_prefix()
}

/// Returns a record whose value and metadata differ from those of every other number.
pub(super) fn sample(number: u32) -> NewRecord {
    let created_at = Some(Timestamp::from_millis(1_700_000_000_000 + u64::from(number)));
    let metadata = Metadata::new(number.saturating_add(1), Codec::Json).with_created_at(created_at);
    NewRecord::new(format!("{{\"number\":{number}}}"), metadata)
}

pub(super) fn expiring(number: u32, ttl: Duration) -> NewRecord {
    sample(number).with_expiry(Expiry::After(ttl))
}

pub(super) fn is_written(record: &Record, written: &NewRecord) -> bool {
    record.value == written.value && record.metadata == written.metadata
}
