//! Every method of a store through every wrapper. A wrapper treats all methods alike, and its
//! errors name the caller's keys.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::layer::{
    Fault, FaultStore, NamespaceStore, ObservedStore, Operation, RetryStore, StoreStats, TimeoutStore,
};
use kv_runtime::record::{Metadata, NewRecord, Record, RecordRef, Revision};
use kv_runtime::store::{
    AtomicStore, Capabilities, Commit, Condition, Cursor, Entry, Expect, ListPage, ListQuery, MemoryStore,
    Store, Write,
};
use kv_runtime::{Clock, Error, Location, ManualClock, Result, Timestamp};

type Outcome = std::result::Result<(), Box<dyn std::error::Error>>;

const SECOND: Duration = Duration::from_secs(1);

fn key(text: &str) -> Key {
    Key::from_text(text)
}

fn record() -> NewRecord {
    NewRecord::new("1", Metadata::default())
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
        ("get", Operation::Get, store.get(&both[0]).await.map(drop)),
        ("get_with_expiry", Operation::Get, store.get_with_expiry(&both[0]).await.map(drop)),
        ("get_many", Operation::GetMany, store.get_many(&both).await.map(drop)),
        ("get_many_with_expiry", Operation::GetMany, store.get_many_with_expiry(&both).await.map(drop)),
        ("head", Operation::Head, store.head(&both[0]).await.map(drop)),
        ("list", Operation::List, store.list(&query).await.map(drop)),
        ("list_each", Operation::List, store.list_each(&query, |_, _| ()).await.map(drop)),
        (
            "replace",
            Operation::Replace,
            store.replace(key("a"), Revision::random(), record()).await.map(drop_commit),
        ),
        (
            "commit",
            Operation::Commit,
            store.commit(present, vec![Write::Put(key("a"), record())]).await.map(drop_commit),
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
#[derive(Default)]
struct Failing {
    clock: Clock,
    /// Whether batches fail after their first record.
    in_part: bool,
}

impl Failing {
    fn at(&self, key: &Key) -> Error {
        Error::store(Location::of(self.name(), key), "answer", false, std::io::Error::other("full"))
    }

    fn batch(&self, key: &Key) -> Error {
        if !self.in_part {
            return self.at(key);
        }
        let at = Location::of(self.name(), key);
        Error::Partial { at, written: 1, also: Vec::new(), source: Box::new(self.at(key)) }
    }
}

impl Store for Failing {
    fn name(&self) -> &'static str {
        "failing"
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn capabilities(&self) -> Capabilities {
        MemoryStore::new().capabilities()
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        Err(self.at(key))
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        Err(self.at(&keys[0]))
    }

    async fn put(&self, key: Key, _: NewRecord) -> Result<()> {
        Err(self.at(&key))
    }

    async fn put_many(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        Err(self.batch(&records[0].0))
    }

    async fn replace(&self, key: Key, _: Revision, _: NewRecord) -> Result<Commit> {
        Err(self.at(&key))
    }

    async fn delete(&self, key: Key) -> Result<()> {
        Err(self.at(&key))
    }

    async fn delete_many(&self, keys: Vec<Key>) -> Result<()> {
        Err(self.batch(&keys[0]))
    }

    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        Err(self.at(query.prefix()))
    }
}

impl AtomicStore for Failing {
    async fn commit(&self, _: Vec<Condition>, writes: Vec<Write>) -> Result<Commit> {
        Err(self.at(writes[0].key()))
    }
}

#[tokio::test]
async fn a_tenants_errors_tell_its_own_keys() {
    for in_part in [false, true] {
        let store = NamespaceStore::new(Failing { in_part, ..Failing::default() }, "acme");
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
    fn name(&self) -> &'static str {
        "damaged"
    }

    fn clock(&self) -> &Clock {
        self.0.clock()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.0.get(key).await
    }

    async fn put(&self, key: Key, record: NewRecord) -> Result<()> {
        self.0.put(key, record).await
    }

    async fn delete(&self, key: Key) -> Result<()> {
        self.0.delete(key).await
    }

    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        let prefix = query.prefix().as_str();
        let mut page = ListPage::default();
        let good = Record::new("1", Metadata::default(), Revision::random());
        page.push(&format!("{prefix}good"), Entry::Record(good));
        let bad = format!("{prefix}bad");
        page.push(&bad, Entry::Failed(Self::error(&bad)));
        // A key of another tenant, which no engine should return.
        page.push("other:user:9", Entry::Key);
        page.cursor = Some(Cursor::from_text("next"));
        Ok(page)
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
    let page = store.list(&query).await?;
    assert_eq!(page.cursor.as_ref().map(Cursor::as_str), Some("next"));
    page.for_each(|key, entry| match entry {
        Entry::Failed(error) => listed.add(key, Some(&error)),
        _ => listed.add(key, None),
    });
    let each = |key: &str, found: Result<RecordRef<'_>>| lent.add(key, found.err().as_ref());
    let cursor = store.list_each(&query, each).await?;
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
    ("list", 2),
    ("put", 1),
    ("put_many", 1),
    ("replace", 1),
    ("delete", 1),
    ("delete_many", 1),
    ("commit", 1),
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
    assert_eq!(counted(&stats, |it| it.conflicts), [("replace", 1)]);
    let store = ObservedStore::new(Failing::default());
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
    let (found, ()) = tokio::join!(store.get(&key), script);
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
