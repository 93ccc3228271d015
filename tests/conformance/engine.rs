//! A store that can be given a fault: it hands every call on to a sound one, and does one thing
//! wrong on the way.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Mutex;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use kv_runtime::key::Key;
use kv_runtime::record::{Expiry, Metadata, NewRecord, Record, Revision};
use kv_runtime::store::{
    AtomicStore, Batch, ClaimQuery, Claimed, Commit, Condition, Content, Cursor, Entry, EntryPage,
    EntryQuery, EntryRef, EntryShards, Expect, GetOptions, IndexStore, Lease, ListPage, ListQuery,
    MemoryStore, Store, StoreExt, StoreInfo, Write,
};
use kv_runtime::{Clock, Error, Location, ManualClock, MaybeSend, Result, Timestamp};

/// What the store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    ExpiredInGet,
    ExpiredInHead,
    ExpiredInGetMany,
    ExpiredInLists,
    ExpiredInConditions,
    PastExpiryIsNone,
    PutKeepsExpiry,
    UpdateReplacesExpiry,
    TouchDoesNothing,
    TouchOfNothingWrites,
    ForeignMembersLost,
    MigratedAtLost,
    EmptyValueIsAbsent,
    KeysIgnoreCase,
    DeleteDoesNothing,
    /// Of a batch that also puts records.
    DeletesBesidePutsLost,
    /// `replace` writes unconditionally.
    ReplaceLooksAtNothing,
    GetManyAnswersOnce,
    GetManyOfManyMoments,
    PutManyBackwards,
    PutInTwoSteps,
    BatchInManySteps,
    LimitIgnored,
    OnePageOnly,
    LongListsEnd,
    PrefixTooWide,
    SuffixIgnored,
    OutOfOrder,
    AnyCursorTaken,
    CursorCounts,
    /// As a wrapper around a namespace that does not pass `locate` on.
    NamespaceForgotten,
    /// It takes memory for as many records as the limit says.
    PanicsAtALimit,
    /// After the caller's code has panicked, lists return nothing.
    PanicsPoison,
    ConditionsIgnored,
    ConditionsBeforehand,
    ConflictWritesFirst,
    ConflictAtZero,
    ConflictAtTheLast,
    ConditionsAloneHold,
    RevisionOfValue,
    CommitInManySteps,
    /// A condition's lease is not looked at.
    LeaseIgnored,
    LeasesBackwards,
    EntriesBackwards,
    EntriesOfAnyRange,
    EntryLimitIgnored,
    EntryPagesOverlap,
    EntriesRemain,
    EntriesAlone,
    ShardsForgotten,
    ClaimAlone,
    ClaimOfOthers,
}

pub struct FaultyStore {
    fault: Fault,
    info: StoreInfo,
    clock: Clock,
    /// The time that the sound store sees. A fault of expiry holds it back.
    inner_time: ManualClock,
    inner: MemoryStore,
    /// What a store must not hold that lends its records.
    lent: Mutex<()>,
}

const LONG_AGO: Timestamp = Timestamp::from_millis(0);

async fn let_others_run() {
    let mut first = true;
    poll_fn(|context| {
        context.waker().wake_by_ref();
        if std::mem::take(&mut first) { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}

impl FaultyStore {
    pub fn new(fault: Fault, clock: Clock) -> Self {
        let inner_time = ManualClock::new(clock.now());
        let inner = MemoryStore::with_clock(Clock::from(&inner_time));
        let info = StoreInfo::new("faulty", *inner.capabilities()).with_clock(clock.clone());
        Self { fault, info, clock, inner_time, inner, lent: Mutex::default() }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// The sound store, at the present moment, or long before if this call has the fault of showing
    /// what has expired.
    fn inner(&self, fault_of_time: Fault) -> &MemoryStore {
        let held_back = fault_of_time != Fault::None && self.has(fault_of_time);
        self.inner_time.set(if held_back { LONG_AGO } else { self.clock.now() });
        &self.inner
    }

    fn key(&self, key: &Key) -> Key {
        if self.has(Fault::KeysIgnoreCase) {
            Key::from_text(key.as_str().to_lowercase())
        } else {
            key.clone()
        }
    }

    fn shown(&self, mut record: Record) -> Option<Record> {
        if self.has(Fault::RevisionOfValue) {
            record.revision = Revision::from_plain(record.value.0.clone());
        }
        (!self.has(Fault::EmptyValueIsAbsent) || !record.value.is_empty()).then_some(record)
    }

    async fn written(&self, key: &Key, mut record: NewRecord) -> Result<NewRecord> {
        if self.has(Fault::ForeignMembersLost) || self.has(Fault::MigratedAtLost) {
            let mut kept = Metadata::new(record.metadata.version, record.metadata.codec);
            kept.min_reader = record.metadata.min_reader;
            kept.created_at = record.metadata.created_at;
            if self.has(Fault::ForeignMembersLost) {
                kept.migrated_at = record.metadata.migrated_at;
            } else {
                for (name, value) in record.metadata.foreign_members() {
                    kept.set_foreign(name, value.clone()).expect("is not ours");
                }
            }
            record.metadata = kept;
        }
        if self.has(Fault::PastExpiryIsNone) && record.expiry.at(self.clock.now()) <= Some(self.clock.now()) {
            record.expiry = Expiry::Never;
        }
        if self.has(Fault::PutKeepsExpiry)
            && let Some(standing) = self.inner(Fault::None).read(key).await?
        {
            record.expiry = standing.expires_at.map_or(record.expiry, Expiry::At);
        }
        Ok(record)
    }

    /// The correct store's condition for one of the faulty store.
    async fn condition(&self, mut condition: Condition) -> Result<Condition> {
        if let (true, Expect::Revision(told)) = (self.has(Fault::RevisionOfValue), &condition.expect) {
            let standing = self.inner.read(&condition.key).await?;
            let same = standing.filter(|record| Some(&record.value.0) == told.plain());
            condition.expect = Expect::Revision(same.map_or_else(Revision::random, |record| record.revision));
        }
        if self.has(Fault::LeaseIgnored) {
            condition.lease = None;
        }
        Ok(condition)
    }

    fn changed(&self, write: Write) -> Option<Write> {
        match write {
            Write::Update(key, record) if self.has(Fault::UpdateReplacesExpiry) => {
                Some(Write::Put(key, record))
            }
            Write::Touch(..) if self.has(Fault::TouchDoesNothing) => None,
            Write::Touch(key, expiry) if self.has(Fault::TouchOfNothingWrites) => {
                Some(Write::Put(key, NewRecord::new("null", Metadata::default()).with_expiry(expiry)))
            }
            Write::RemoveEntry(_) if self.has(Fault::EntriesRemain) => None,
            write => Some(write),
        }
    }
}

impl Store for FaultyStore {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        let fault = if options.value { Fault::ExpiredInGet } else { Fault::ExpiredInHead };
        let record = self.inner(fault).get(&self.key(key), options).await?;
        Ok(record.and_then(|record| self.shown(record)))
    }

    async fn get_many(&self, keys: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
        let mut keys: Vec<Key> = keys.iter().map(|key| self.key(key)).collect();
        if self.has(Fault::GetManyAnswersOnce) {
            keys.dedup();
        }
        let mut found = Vec::new();
        if self.has(Fault::GetManyOfManyMoments) {
            for key in &keys {
                found.push(self.inner(Fault::None).get(key, options).await?);
                let_others_run().await;
            }
        } else {
            found = self.inner(Fault::ExpiredInGetMany).get_many(&keys, options).await?;
        }
        Ok(found.into_iter().map(|record| record.and_then(|record| self.shown(record))).collect())
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        let is_mixed = batch.iter().any(|write| matches!(write, Write::Put(..)));
        let mut writes = Vec::new();
        for write in batch {
            match write {
                Write::Put(key, record) => {
                    let key = self.key(&key);
                    let record = self.written(&key, record).await?;
                    writes.push(Write::Put(key, record));
                }
                Write::Delete(_) if self.has(Fault::DeleteDoesNothing) => {}
                Write::Delete(_) if is_mixed && self.has(Fault::DeletesBesidePutsLost) => {}
                write => {
                    let key = self.key(write.key());
                    writes.push(write.with_key(key));
                }
            }
        }
        if self.has(Fault::PutManyBackwards) {
            writes.reverse();
        }
        if self.has(Fault::PutInTwoSteps)
            && let [Write::Put(key, record)] = writes.as_slice()
        {
            let half = record.value.0.slice(record.value.len() / 2..);
            let half = NewRecord::new(half, record.metadata.clone());
            self.inner(Fault::None).put(key.clone(), half).await?;
            let_others_run().await;
        }
        if self.has(Fault::BatchInManySteps) && writes.len() > 1 {
            for write in writes {
                self.inner(Fault::None).write(write.into()).await?;
                let_others_run().await;
            }
            return Ok(());
        }
        self.inner(Fault::None).write(writes.into()).await
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        self.committed(conditions, batch.into_vec()).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        let page = self.listed(query).await?;
        let poisoned =
            || Error::store(Location::store("faulty"), "list", false, std::io::Error::other("poisoned"));
        let lock = self.lent.lock().map_err(|_| poisoned())?;
        let lock = self.has(Fault::PanicsPoison).then_some(lock);
        // It yields for the sake of others alone, so it can go on at once.
        let mut lending = pin!(page.lend(each));
        let cursor = loop {
            if let Some(cursor) = lending.as_mut().now_or_never() {
                break cursor;
            }
        };
        drop(lock);
        Ok(cursor)
    }

    async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        let keys: Vec<Key> = keys.iter().map(|key| self.key(key)).collect();
        let mut leases = self.inner(Fault::None).lease(&keys, life).await?;
        if self.has(Fault::LeasesBackwards) {
            leases.reverse();
        }
        Ok(leases)
    }
}

impl FaultyStore {
    async fn listed(&self, query: &ListQuery) -> Result<ListPage> {
        let inner = self.inner(Fault::ExpiredInLists);
        let mut asked = query.clone();
        match self.fault {
            Fault::LimitIgnored => asked = asked.with_limit(1_000),
            Fault::SuffixIgnored => asked = asked.with_suffix(""),
            Fault::AnyCursorTaken => {
                if matches!(inner.page(query).await, Err(Error::InvalidCursor { .. })) {
                    asked = asked.with_cursor(None);
                }
            }
            Fault::PrefixTooWide => {
                let shorter = query.prefix().as_str().trim_end_matches(':');
                asked =
                    ListQuery::new(Key::from_text(shorter)).with_limit(100_000).with_content(query.content());
                asked = asked.with_suffix(query.suffix().unwrap_or_default());
            }
            Fault::PanicsAtALimit => drop(Vec::<Record>::with_capacity(query.limit())),
            Fault::CursorCounts => return self.list_by_count(query).await,
            Fault::NamespaceForgotten => {
                let told = |mut error: Error| {
                    if let Error::InvalidCursor { at } = &mut error {
                        at.namespace = Some("tenant".to_owned());
                    }
                    error
                };
                return inner.page(query).await.map_err(told);
            }
            _ => {}
        }
        let mut page = inner.page(&asked).await?;
        let ends = match self.fault {
            Fault::OnePageOnly => true,
            Fault::LongListsEnd => page.len() >= 1_000,
            _ => false,
        };
        if ends {
            page.cursor = None;
        }
        if self.has(Fault::OutOfOrder) {
            page = reversed(page);
        }
        Ok(page)
    }
}

impl FaultyStore {
    /// A cursor that says how many were shown loses its place when something is written before it.
    async fn list_by_count(&self, query: &ListQuery) -> Result<ListPage> {
        let shown = query.position("faulty")?;
        let shown: usize = shown.map_or(0, |shown| shown.parse().expect("is the number that was sealed"));
        let all = query.clone().with_cursor(None).with_limit(100_000).with_content(Content::Records);
        let (mut page, mut place) = (ListPage::default(), 0);
        let everything = self.inner(Fault::None).page(&all).await?;
        let count = everything.len();
        everything.for_each(|key, entry| {
            if (shown..shown.saturating_add(query.limit())).contains(&place) {
                page.push(key, as_asked(entry, query.content()));
            }
            place += 1;
        });
        let next = shown.saturating_add(query.limit());
        page.cursor = (next < count).then(|| query.cursor_at(&next.to_string()));
        Ok(page)
    }
}

fn as_asked(entry: Entry, content: Content) -> Entry {
    match (entry, content) {
        (Entry::Record(_), Content::Keys) => Entry::Key,
        (Entry::Record(record), Content::Heads) => Entry::Head(record.into()),
        (entry, _) => entry,
    }
}

fn reversed(mut page: ListPage) -> ListPage {
    let (mut turned, mut entries) = (ListPage::default(), Vec::new());
    turned.cursor = page.cursor.take();
    page.for_each(|key, entry| entries.push((key.to_owned(), entry)));
    entries.into_iter().rev().for_each(|(key, entry)| turned.push(&key, entry));
    turned
}

impl AtomicStore for FaultyStore {}

impl IndexStore for FaultyStore {
    async fn entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        let mut query = query.clone();
        if self.has(Fault::EntriesBackwards) {
            query.is_reverse = !query.is_reverse;
        }
        if self.has(Fault::EntriesOfAnyRange) {
            let all = EntryQuery::new(query.index.clone());
            query = query.with_range(all.from, all.to);
        }
        if self.has(Fault::EntryLimitIgnored) {
            query = query.with_limit(usize::MAX);
        }
        let mut page = self.inner(Fault::None).entries(&query).await?;
        if self.has(Fault::EntryPagesOverlap) && page.len() > 1 && page.next.is_some() {
            let first = page.keys().next().map(str::to_owned);
            page.next = first;
        }
        if self.has(Fault::EntriesAlone) {
            page.also = None;
        }
        Ok(page)
    }

    async fn entry_shards(&self, index: &Key, after: Option<&Key>) -> Result<EntryShards> {
        let mut shards = self.inner(Fault::None).entry_shards(index, after).await?;
        if self.has(Fault::ShardsForgotten) {
            shards.indexes.clear();
        }
        Ok(shards)
    }

    async fn claim(&self, query: &ClaimQuery) -> Result<Claimed> {
        let inner = self.inner(Fault::None);
        let mut found = inner.claim(query).await?;
        if self.has(Fault::ClaimAlone) {
            found.also = None;
        }
        if self.has(Fault::ClaimOfOthers) && found.claim.is_some() {
            // By the key of the first test, whatever the claim says.
            let keys: Vec<Key> =
                query.behind.iter().map(|behind| Key::from_text(format!("user:7{behind}"))).collect();
            found.records = Some(inner.get_many(&keys, GetOptions::new()).await?);
        }
        Ok(found)
    }
}

impl FaultyStore {
    async fn committed(&self, conditions: Vec<Condition>, writes: Vec<Write>) -> Result<Commit> {
        if self.has(Fault::ReplaceLooksAtNothing)
            && let [Write::Update(key, record)] = writes.as_slice()
        {
            self.inner(Fault::None).put(key.clone(), record.clone()).await?;
            return Ok(Commit::Done);
        }
        let inner = self.inner(Fault::ExpiredInConditions);
        let mut tested = Vec::new();
        for condition in conditions {
            tested.push(self.condition(condition).await?);
        }
        let writes: Vec<Write> = writes.into_iter().filter_map(|write| self.changed(write)).collect();
        if self.has(Fault::ConditionsIgnored) || (self.has(Fault::ConditionsAloneHold) && writes.is_empty()) {
            tested.clear();
        }
        if self.has(Fault::ConflictAtTheLast) {
            for place in (0..tested.len()).rev() {
                let alone = vec![tested[place].clone()];
                if inner.commit(alone, Vec::new().into()).await? != Commit::Done {
                    return Ok(Commit::Conflict(place));
                }
            }
        }
        if self.has(Fault::ConditionsBeforehand) {
            let commit = inner.commit(std::mem::take(&mut tested), Vec::new().into()).await?;
            let_others_run().await;
            if commit != Commit::Done {
                return Ok(commit);
            }
        }
        if self.has(Fault::CommitInManySteps) {
            let commit = inner.commit(tested, Vec::new().into()).await?;
            for write in if commit == Commit::Done { writes } else { Vec::new() } {
                assert_eq!(inner.commit(Vec::new(), write.into()).await?, Commit::Done);
                let_others_run().await;
            }
            return Ok(commit);
        }
        let first = writes.first().cloned();
        let commit = inner.commit(tested, writes.into()).await?;
        match (commit, first) {
            (Commit::Conflict(_), Some(first)) if self.has(Fault::ConflictWritesFirst) => {
                assert_eq!(inner.commit(Vec::new(), first.into()).await?, Commit::Done);
            }
            (Commit::Conflict(_), _) if self.has(Fault::ConflictAtZero) => return Ok(Commit::Conflict(0)),
            _ => {}
        }
        Ok(commit)
    }
}
