//! Every method of a store through every wrapper. A wrapper treats all methods alike, and its
//! errors name the caller's keys.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::layer::{
    Fault, FaultStore, NamespaceStore, ObservedStore, Operation, RetryStore, StoreStats, TimeoutStore,
};
use kv_runtime::record::{Metadata, NewRecord, Record, Revision};
use kv_runtime::store::{
    AtomicStore, Batch, Commit, CommitScope, Condition, Cursor, Entry, EntryRef, Expect, GetOptions,
    ListPage, ListQuery, MemoryStore, Store, StoreExt, StoreInfo, Write,
};
use kv_runtime::{Clock, Error, Location, ManualClock, MaybeSend, Result, Timestamp};

type Outcome = std::result::Result<(), Box<dyn std::error::Error>>;

const SECOND: Duration = Duration::from_secs(1);

fn key(text: &str) -> Key {
    Key::from_text(text)
}

fn record() -> NewRecord {
    NewRecord::new("1", Metadata::default())
}

/// Which keys one commit may have is a part of the capabilities, which wrappers pass on.
#[test]
fn every_wrapper_has_the_scope_of_the_store_inside() {
    for scope in [CommitScope::AnyKeys, CommitScope::OneShard, CommitScope::OneEntity] {
        let store = MemoryStore::new();
        let capabilities = store.capabilities().limits(store.capabilities().limits.commit_scope(scope));
        let store = FaultStore::new(store).pretending(capabilities);
        let store = NamespaceStore::new(NamespaceStore::new(store, "eu"), "acme");
        let store = RetryStore::new(TimeoutStore::new(ObservedStore::new(store), SECOND));
        assert_eq!(store.capabilities().limits.commit_scope, scope);
        assert_eq!(FaultStore::new(store).capabilities().limits.commit_scope, scope);
    }
}

/// One call of a store: how it is called, and how it ended.
type Call = (&'static str, Operation, Result<()>);

/// Every method of a store, each of the records `a` and `b`, or of `a` alone.
async fn every_call<S: AtomicStore>(store: &S) -> Vec<Call> {
    let both = [key("a"), key("b")];
    let query = ListQuery::new(key("a"));
    let present = vec![Condition::new(key("a"), Expect::Present)];
    vec![
        ("put", Operation::Put, store.put(key("a"), record()).await),
        (
            "put_many",
            Operation::PutMany,
            store.put_many(both.clone().map(|key| (key, record())).into()).await,
        ),
        ("get", Operation::Get, store.read(&both[0]).await.map(drop)),
        (
            "get_with_expiry",
            Operation::Get,
            store.get(&both[0], GetOptions::new().with_expiry()).await.map(drop),
        ),
        ("get_many", Operation::GetMany, store.read_many(&both).await.map(drop)),
        (
            "get_many_with_expiry",
            Operation::GetMany,
            store.get_many(&both, GetOptions::new().with_expiry()).await.map(drop),
        ),
        ("head", Operation::Head, store.head(&both[0]).await.map(drop)),
        ("list", Operation::List, store.page(&query).await.map(drop)),
        (
            "replace",
            Operation::Commit,
            store.replace(key("a"), Revision::random(), record()).await.map(drop_commit),
        ),
        (
            "write",
            Operation::Write,
            store.write(vec![Write::Put(key("a"), record()), Write::Delete(key("b"))].into()).await,
        ),
        (
            "commit",
            Operation::Commit,
            store.commit(present, Write::Put(key("a"), record()).into()).await.map(drop_commit),
        ),
        ("delete", Operation::Delete, store.delete(key("a")).await),
        ("delete_many", Operation::DeleteMany, store.delete_many(both.into()).await),
    ]
}

fn drop_commit(_: Commit) {}

fn place(error: &Error) -> &Location {
    error.location().expect("an error has a place")
}

/// A store that fails each call with the key that it was given, as an engine does.
struct Failing {
    info: StoreInfo,
    /// Whether batches fail after their first record.
    in_part: bool,
}

impl Failing {
    fn new(in_part: bool) -> Self {
        Self { info: StoreInfo::new("failing", *MemoryStore::new().capabilities()), in_part }
    }

    fn at(&self, key: &Key) -> Error {
        Error::store(Location::of(self.name(), key), "answer", false, std::io::Error::other("full"))
    }

    fn batch(&self, key: &Key) -> Error {
        if !self.in_part {
            return self.at(key);
        }
        let at = Location::of(self.name(), key);
        let (also, unknown, source) = (Vec::new(), Vec::new(), Box::new(self.at(key)));
        Error::Partial { at, written: 1, also, unknown, source }
    }
}

impl Store for Failing {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, key: &Key, _: GetOptions) -> Result<Option<Record>> {
        Err(self.at(key))
    }

    async fn get_many(&self, keys: &[Key], _: GetOptions) -> Result<Vec<Option<Record>>> {
        Err(self.at(&keys[0]))
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        let first = batch.first().expect("no call writes nothing").key();
        Err(if batch.len() == 1 { self.at(first) } else { self.batch(first) })
    }

    async fn commit(&self, _: Vec<Condition>, batch: Batch) -> Result<Commit> {
        Err(self.at(batch.first().expect("no call writes nothing").key()))
    }

    async fn list(
        &self,
        query: &ListQuery,
        _: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        Err(self.at(query.prefix()))
    }
}

impl AtomicStore for Failing {}

#[tokio::test]
async fn a_tenants_errors_tell_its_own_keys() {
    for in_part in [false, true] {
        let store = NamespaceStore::new(Failing::new(in_part), "acme");
        for (call, _, result) in every_call(&store).await {
            let error = result.expect_err(call);
            let at = place(&error);
            assert_eq!((at.key.as_deref(), at.namespace.as_deref()), (Some("a"), Some("acme")), "{call}");
            if let Error::Partial { source, .. } = &error {
                let at = place(source);
                assert_eq!((at.key.as_deref(), at.namespace.as_deref()), (Some("a"), Some("acme")), "{call}");
            }
        }
    }
}

/// A store whose lists have one good record, and one that cannot be read.
#[derive(Default)]
struct Damaged(MemoryStore);

impl Damaged {
    fn error(key: &str) -> Error {
        let at = Location::of("damaged", &Key::from_text(key));
        Error::Malformed { at, what: "it is cut short".into() }
    }
}

impl Store for Damaged {
    fn info(&self) -> &StoreInfo {
        self.0.info()
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.0.get(key, options).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        self.0.write(batch).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        let prefix = query.prefix().as_str();
        let mut page = ListPage::default();
        let good = Record::new("1", Metadata::default(), Revision::random());
        page.push(&format!("{prefix}good"), Entry::Record(good));
        let bad = format!("{prefix}bad");
        page.push(&bad, Entry::Failed(Self::error(&bad)));
        // A key of another tenant, which no engine should return.
        page.push("other:user:9", Entry::Key);
        page.cursor = Some(Cursor::from_text("next"));
        Ok(page.lend(each).await)
    }
}

/// What a list shows: keys, and errors of records that cannot be read.
#[derive(Default, Debug, PartialEq)]
struct Shown(Vec<(String, Option<String>)>);

impl Shown {
    fn add(&mut self, key: &str, failed: Option<&Error>) {
        self.0.push((key.to_owned(), failed.map(ToString::to_string)));
    }
}

#[tokio::test]
async fn a_tenants_lists_tell_its_own_keys_of_what_cannot_be_read() -> Outcome {
    let store = NamespaceStore::new(Damaged::default(), "acme");
    let expected = [
        ("user:good".to_owned(), None),
        ("user:bad".to_owned(), Some("`user:bad` in damaged (namespace `acme`): the record cannot be read")),
    ];
    let query = ListQuery::new(key("user:"));
    let (mut listed, mut lent) = (Shown::default(), Shown::default());
    let page = store.page(&query).await?;
    assert_eq!(page.cursor.as_ref().map(Cursor::as_str), Some("next"));
    page.for_each(|key, entry| match entry {
        Entry::Failed(error) => listed.add(key, Some(&error)),
        _ => listed.add(key, None),
    });
    let each = |key: &str, entry: EntryRef<'_>| match entry {
        EntryRef::Failed(error) => lent.add(key, Some(&error)),
        _ => lent.add(key, None),
    };
    let cursor = store.list(&query, each).await?;
    assert_eq!(cursor.as_ref().map(Cursor::as_str), Some("next"));
    for shown in [listed, lent] {
        assert_eq!(shown.0.len(), expected.len(), "{shown:?}");
        for ((key, failed), (expected, begins)) in shown.0.iter().zip(&expected) {
            assert_eq!(key, expected);
            assert_eq!(failed.is_some(), begins.is_some(), "{failed:?}");
            let begins = begins.unwrap_or_default();
            assert!(failed.iter().all(|failed| failed.starts_with(begins)), "{failed:?}");
        }
    }
    Ok(())
}

/// Each call that has ended, by its name.
fn counted(stats: &StoreStats, of: impl Fn(&kv_runtime::layer::OperationStats) -> u64) -> Vec<(&str, u64)> {
    stats.iter().map(|(operation, it)| (operation.name(), of(it))).filter(|(_, count)| *count > 0).collect()
}

const EACH_CALL: [(&str, u64); 10] = [
    ("get", 2),
    ("get_many", 2),
    ("head", 1),
    ("list", 1),
    ("put", 1),
    ("put_many", 1),
    ("delete", 1),
    ("delete_many", 1),
    ("write", 1),
    ("commit", 2),
];

#[tokio::test]
async fn every_call_is_counted_as_what_it_is() {
    let store = ObservedStore::new(MemoryStore::new());
    for (call, _, result) in every_call(&store).await {
        assert!(result.is_ok(), "{call}: {result:?}");
    }
    let stats = store.stats();
    assert_eq!(counted(&stats, |it| it.calls()), EACH_CALL);
    assert_eq!(counted(&stats, |it| it.latencies.buckets().map(|(_, calls)| calls).sum()), EACH_CALL);
    // Nobody has written this random revision.
    assert_eq!(counted(&stats, |it| it.conflicts), [("commit", 1)]);
    let store = ObservedStore::new(Failing::new(false));
    drop(every_call(&store).await);
    let stats = store.stats();
    assert_eq!(counted(&stats, |it| it.failed), EACH_CALL);
    assert_eq!(counted(&stats, |it| it.calls()), EACH_CALL);
}

#[tokio::test]
async fn a_call_takes_as_long_as_the_clock_says() {
    let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
    let slow = FaultStore::new(MemoryStore::with_clock(Clock::from(&clock)));
    slow.faults().add(Fault::delay(3 * SECOND));
    let store = ObservedStore::new(slow);
    let key = key("a");
    let script = async {
        tokio::task::yield_now().await;
        clock.advance(3 * SECOND);
    };
    let (found, ()) = tokio::join!(store.read(&key), script);
    assert!(found.is_ok_and(|found| found.is_none()));
    let stats = store.stats();
    let latencies = &stats.of(Operation::Get).latencies;
    assert_eq!((latencies.max(), latencies.sum()), (3 * SECOND, 3 * SECOND));
}

/// A call of a hanging store ends with an error that names its first key. A write's outcome is
/// unknown.
#[tokio::test(start_paused = true)]
async fn every_call_ends_in_time() {
    let hanging = FaultStore::new(MemoryStore::new());
    hanging.faults().add(Fault::hang());
    let store = TimeoutStore::new(hanging, SECOND).writes(2 * SECOND);
    for (call, operation, result) in every_call(&store).await {
        let error = result.expect_err(call);
        assert_eq!(place(&error).key.as_deref(), Some("a"), "{call}");
        match error {
            Error::TimedOut { limit, .. } => assert!(!operation.is_write() && limit == SECOND, "{call}"),
            Error::OutcomeUnknown { .. } => assert!(operation.is_write(), "{call}"),
            error => panic!("{call}: {error:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_commit_of_conditions_alone_names_the_first() {
    let hanging = FaultStore::new(MemoryStore::new());
    hanging.faults().add(Fault::hang());
    let store = TimeoutStore::new(hanging, SECOND);
    let absent = ["a", "b"].map(|text| Condition::new(key(text), Expect::Absent));
    let late = store.commit(absent.to_vec(), Batch::new()).await.expect_err("it hangs");
    assert_eq!(place(&late).key.as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn every_call_is_made_as_often_as_it_says() {
    for attempts in [1, 2, 5] {
        let failing = FaultStore::new(MemoryStore::new());
        failing.faults().add(Fault::fail());
        let store = RetryStore::new(failing).attempts(attempts);
        let calls = every_call(&store).await;
        let made = calls.len() * attempts;
        assert!(calls.iter().all(|(_, _, result)| result.is_err()));
        assert_eq!(store.inner().faults().struck(), made as u64);
        // A call that no retry can help is made once.
        store.inner().faults().clear();
        store.inner().faults().add(Fault::fail_for_good());
        let calls = every_call(&store).await.len();
        assert_eq!(store.inner().faults().struck(), (made + calls) as u64);
    }
}
