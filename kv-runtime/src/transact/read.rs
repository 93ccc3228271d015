//! Reads that are of one moment with all reads before them.

use std::time::Duration;

use super::limits::check_reads;
use super::locate::{located, named, no_such_condition, unchecked};
use super::state::{Answered, End, Question, State};
use super::tx::Tx;
use kv_store::Timestamp;
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{Commit, Condition, Expect, Store, StoreExt};
use kv_store::{Error, Location, MaybeSend, MaybeSync, Result};

/// Of a read: the closure gets to know the records.
pub(super) const WHOLE: bool = true;
/// Of a read: the closure gets to know only whether there are records.
pub(super) const PRESENCE: bool = false;

/// How long a new transaction lets others begin before it.
const LONGEST_FIRST_WAIT: Duration = Duration::from_secs(2);

impl<S: Store> Tx<S> {
    /// Returns the records under these keys as the transaction sees them.
    pub(super) async fn records(&self, keys: &[Key], entity: &'static str) -> Result<Vec<Option<Record>>> {
        loop {
            if let Some(records) = self.lock().current(keys, || self.now()) {
                return Ok(records);
            }
            self.learn(keys, WHOLE, entity).await?;
        }
    }

    /// Returns whether there is a record under this key, as the transaction sees it.
    pub(super) async fn is_there(&self, key: &Key, entity: &'static str) -> Result<bool> {
        loop {
            if let Some(is_there) = self.lock().is_there(key, || self.now()) {
                return Ok(is_there);
            }
            self.learn(std::slice::from_ref(key), PRESENCE, entity).await?;
        }
    }

    /// Reads what is not known of these keys, and all that was read before in the same call. If that
    /// has changed, the attempt is lost: the closure gets an error, and runs again whatever it makes
    /// of it.
    async fn learn(&self, keys: &[Key], is_whole: bool, entity: &'static str) -> Result<()> {
        self.learn_of(|state| state.unknown(keys, is_whole), is_whole, entity).await
    }

    /// Reads the keys that `wanted` returns as [`learn`](Self::learn) does.
    pub(super) async fn learn_of(
        &self,
        wanted: impl Fn(&State) -> Vec<Key> + MaybeSend + MaybeSync,
        is_whole: bool,
        entity: &'static str,
    ) -> Result<()> {
        let question = self.question(wanted, is_whole, entity)?;
        if question.wanted == 0 {
            return Ok(());
        }
        self.wait_for_others(&question).await;
        let records = match self.ask(&question).await {
            Ok(Asked::Records(records)) => records,
            Ok(Asked::Torn(key)) => return Err(self.lost(key)),
            Err(error) => return Err(self.failed(error, entity)),
        };
        let answered = self.lock().answer(question, records, entity);
        match answered {
            Ok(Answered::Done | Answered::Again) => Ok(()),
            Err(key) => Err(self.lost(key)),
        }
    }

    /// Returns what to ask the store, if the attempt can go on and the store takes so many keys.
    fn question(
        &self,
        wanted: impl Fn(&State) -> Vec<Key>,
        is_whole: bool,
        entity: &'static str,
    ) -> Result<Question> {
        let state = self.lock();
        match state.end.clone() {
            Some(End::Failed(error)) => return Err(error),
            Some(End::Lost(key)) => return Err(self.conflict(&key, state.entity_of(&key))),
            None => {}
        }
        let unknown = wanted(&state);
        let limits = self.kv.store().capabilities().limits;
        if let Err((key, refused)) = check_reads(&state, &unknown, &limits) {
            return Err(refused.into_error(self.at(key, Some(entity))));
        }
        Ok(state.ask(unknown, is_whole))
    }

    /// A first attempt begins behind those that have lost a race for its records.
    async fn wait_for_others(&self, question: &Question) {
        if !self.is_first {
            return;
        }
        let wanted = question.keys.iter().take(question.wanted);
        let Some(place) = self.kv.fair_queue().place_if_written(wanted) else { return };
        let clock = self.kv.store().clock();
        let begin = clock.monotonic();
        let waited = || clock.monotonic().saturating_sub(begin);
        let longest = self.kv.transaction_options().deadline.min(LONGEST_FIRST_WAIT);
        place.wait(clock.timer(), || longest.saturating_sub(waited())).await;
        self.lock().waited += waited();
    }

    /// Reads records of one moment.
    async fn ask(&self, question: &Question) -> Result<Asked> {
        let (store, keys) = (self.kv.store(), &question.keys);
        if let [key] = keys.as_slice() {
            return Ok(Asked::Records(vec![store.read(key).await?]));
        }
        let capabilities = store.capabilities();
        let batch = capabilities.limits.batch_read.max(1);
        let (first, others) = keys.split_at(batch.min(keys.len()));
        let mut records = store.read_many(first).await?;
        for keys in others.chunks(batch) {
            records.extend(store.read_many(keys).await?);
        }
        if capabilities.snapshot_reads && keys.len() <= batch {
            return Ok(Asked::Records(records));
        }
        let unchanged = keys.iter().zip(&records).map(|(key, record)| {
            let expect = record.as_ref().map_or(Expect::Absent, |it| Expect::Revision(it.revision.clone()));
            Condition::new(key.clone(), expect)
        });
        match store.commit(unchanged.collect(), Vec::new().into()).await.map_err(unchecked)? {
            Commit::Done => Ok(Asked::Records(records)),
            Commit::Conflict(place) => match keys.get(place) {
                Some(key) => Ok(Asked::Torn(key.clone())),
                None => Err(no_such_condition(store)),
            },
        }
    }

    /// Ends the attempt after another writer has changed what it read.
    fn lost(&self, key: Key) -> Error {
        let mut state = self.lock();
        let error = self.conflict(&key, state.entity_of(&key));
        state.end.get_or_insert(End::Lost(key));
        error
    }

    /// Ends the attempt after a read of an entity that failed.
    pub(super) fn failed(&self, error: Error, entity: &'static str) -> Error {
        let mut state = self.lock();
        // It may be about a record of another entity, which was read before.
        let error = named(&state, error).of_entity(entity);
        state.end.get_or_insert(End::Failed(error.clone()));
        error
    }

    /// What the closure gets if the attempt is lost. Nobody else sees it.
    fn conflict(&self, key: &Key, entity: Option<&'static str>) -> Error {
        Error::Conflict { at: self.at(key, entity), attempts: 1, why: None }
    }

    pub(super) fn at(&self, key: &Key, entity: Option<&'static str>) -> Box<Location> {
        located(self.kv.store(), key, entity)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.kv.store().clock().now()
    }
}

/// What the store had.
enum Asked {
    Records(Vec<Option<Record>>),
    /// The record under this key was changed between the reads of several records.
    Torn(Key),
}
