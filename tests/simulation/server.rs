//! What the store of a run does with what it is asked: records in memory, and leases of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::record::{Expiry, Record};
use kv_runtime::store::{
    AtomicStore, Batch, ClaimQuery, Claimed, Commit, Condition, Cursor, EntryPage, EntryQuery, EntryRef,
    GetOptions, IndexStore, LONGEST_LEASE, Lease, ListQuery, MemoryStore, Store, StoreExt, StoreInfo, Write,
};
use kv_runtime::{Clock, MaybeSend, Result, Timestamp};

#[derive(Clone)]
pub struct Server {
    memory: MemoryStore,
    leases: Leases,
    /// Whether a lookup of a claim also returns the records of its entity, as Redis does.
    follows_claims: bool,
}

/// How the store tells that a record was written and deleted meanwhile.
#[derive(Clone)]
pub enum Leases {
    /// It does not.
    None,
    /// One process has it for itself: any write voids a lease.
    Local,
    /// By numbers, as Redis: a write voids a lease only if its record may be gone before the lease.
    Numbers(Arc<Mutex<Numbers>>),
}

#[derive(Default)]
pub struct Numbers {
    last: u64,
    held: HashMap<String, (u64, Timestamp)>,
}

impl Numbers {
    fn holds(&self, key: &Key, lease: &Lease, now: Timestamp) -> bool {
        let held = self.held.get(key.as_str()).filter(|(_, until)| *until > now);
        held.is_some_and(|(number, _)| Some(*number) == lease.number())
    }

    fn take(&mut self, key: &Key, life: Duration, now: Timestamp) -> u64 {
        let least = life.min(LONGEST_LEASE);
        match self.held.get(key.as_str()) {
            Some((number, until)) if *until >= now.saturating_add(least) => *number,
            _ => {
                self.last += 1;
                let until = now.saturating_add((2 * least).min(LONGEST_LEASE));
                self.held.insert(key.as_str().to_owned(), (self.last, until));
                self.last
            }
        }
    }

    fn note(&mut self, write: &Write, now: Timestamp) {
        let longest = now.saturating_add(LONGEST_LEASE);
        let is_short = |expiry: Expiry| expiry.at(now).is_some_and(|at| at < longest);
        let ends = match write {
            Write::Put(_, record) | Write::Update(_, record) => is_short(record.expiry),
            Write::Touch(_, Expiry::AtLeast(_)) => false,
            Write::Touch(_, expiry) => is_short(*expiry),
            Write::Delete(_) => true,
            Write::AddEntry(_) | Write::RemoveEntry(_) => false,
        };
        if ends {
            self.held.remove(write.key().as_str());
        }
    }
}

impl Server {
    pub fn new(clock: Clock, leases: Leases) -> Self {
        Self { memory: MemoryStore::with_clock(clock), leases, follows_claims: false }
    }

    pub fn with_leases(&self, leases: Leases) -> Self {
        Self { leases, ..self.clone() }
    }

    pub fn following_claims(self) -> Self {
        Self { follows_claims: true, ..self }
    }

    fn numbers(&self) -> Option<MutexGuard<'_, Numbers>> {
        match &self.leases {
            Leases::Numbers(numbers) => Some(numbers.lock().expect("nobody panics with it")),
            Leases::None | Leases::Local => None,
        }
    }

    fn note<'w>(&self, writes: impl IntoIterator<Item = &'w Write>) {
        let now = self.clock().now();
        if let Some(mut numbers) = self.numbers() {
            writes.into_iter().for_each(|write| numbers.note(write, now));
        }
    }
}

impl Store for Server {
    fn info(&self) -> &StoreInfo {
        self.memory.info()
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.memory.get(key, options).await
    }

    async fn get_many(&self, keys: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
        self.memory.get_many(keys, options).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        self.note(batch.iter());
        self.memory.write(batch).await
    }

    async fn commit(&self, mut conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        if let Some(numbers) = self.numbers() {
            let now = self.clock().now();
            for (place, condition) in conditions.iter_mut().enumerate() {
                if condition.lease.take().is_some_and(|lease| !numbers.holds(&condition.key, &lease, now)) {
                    return Ok(Commit::Conflict(place));
                }
            }
        }
        let commit = self.memory.commit(conditions, batch.clone()).await?;
        if commit == Commit::Done {
            self.note(batch.iter());
        }
        Ok(commit)
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.memory.list(query, each).await
    }

    async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        match self.leases {
            Leases::None => return Ok(Vec::new()),
            Leases::Local => return self.memory.lease(keys, life).await,
            Leases::Numbers(_) => {}
        }
        let (mut leases, now) = (Vec::new(), self.clock().now());
        for key in keys {
            let is_there = self.memory.read(key).await?.is_some();
            let number = self.numbers().filter(|_| !is_there).map(|mut it| it.take(key, life, now));
            leases.push(Lease::new(number.unwrap_or(0)));
        }
        Ok(leases)
    }
}

impl AtomicStore for Server {}

impl IndexStore for Server {
    async fn entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        self.memory.entries(query).await
    }

    async fn claim(&self, query: &ClaimQuery) -> Result<Claimed> {
        let found = self.memory.claim(query).await?;
        if !self.follows_claims {
            return Ok(found);
        }
        let entity = found.claim.as_ref().map(|claim| serde_json::from_slice::<String>(&claim.value));
        let Some(Ok(entity)) = entity else { return Ok(found) };
        let key = |behind: &String| Key::from_text([query.before.as_str(), &entity, behind].concat());
        let keys: Vec<Key> = query.behind.iter().map(key).collect();
        Ok(found.with_records(self.memory.get_many(&keys, GetOptions::new()).await?))
    }
}
