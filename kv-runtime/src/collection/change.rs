//! Writes on a condition, built on [`AtomicStore::commit`]: insert, update, try_update, upsert, touch.

use std::pin::pin;

use tracing::Instrument;

use super::attempts::Attempts;
use super::difference::Before;
use super::read::TOLD;
use super::{Collection, Found, IdRef, always, groups, keys_of_groups, named};
use crate::clock::Timestamp;
use crate::entity::{KvEntity, Touch};
use crate::error::{ChangeError, Error, Result};
use crate::key::Key;
use crate::record::{Expiry, Record};
use crate::small::apart;
use crate::store::{AtomicStore, Commit, Condition, Expect, Store, Write};

/// After one lost race an update queues up among this process's, so more are lost to other
/// processes, or to those who were not kept waiting any longer.
const MAX_ATTEMPTS: u32 = 32;

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Writes the entity if none with its id is there; otherwise [`Error::AlreadyExists`], and nothing is written. If what is there lacks a
    /// required group, that is [`Error::Incomplete`]: `put` makes it whole.
    ///
    /// Whether it is there the anchor alone decides, the first group. Another group that was written without one, through its view, is
    /// overwritten. To keep it, insert the anchor's view in the place of the entity: that writes no other group.
    pub async fn insert(&self, entity: &E) -> Result<()>
    where
        S: AtomicStore,
    {
        let key = self.key_of(entity);
        let span = self.span("insert", &key);
        async {
            let now = self.store().clock().now();
            let writes = keys_of_groups::<E>(&key)
                .enumerate()
                .map(|(group, key)| Ok(Write::Put(key.clone(), self.new_record(&key, entity, group, now)?)))
                .collect::<Result<_>>()?;
            let absent = vec![Condition::new(key.clone(), Expect::Absent)];
            match self.store().commit(absent, writes).await.map_err(named::<E>)? {
                Commit::Done => Ok(()),
                Commit::Conflict(_) => Err(self.not_inserted(&key).await),
            }
        }
        .instrument(span)
        .await
    }

    /// Changes the entity that is there, and gives it as it was written; [`Error::NotFound`] if there is none.
    ///
    /// It reads, applies `change`, and writes if nobody wrote meanwhile, else it does so again: two writers never lose an update, so
    /// `change` may be called several times. The condition covers every group that was read. What `change` leaves as it is is not
    /// written; the remaining time and metadata of others are kept. A change of the id is [`Error::IdChanged`].
    ///
    /// Of JSON the difference is written. Members that the struct does not name stay as they are,
    /// byte for byte, at every level of objects; a field
    /// `#[serde(flatten)] rest: BTreeMap<String, serde_json::Value>` shows them. An enum with a tag
    /// that changes its variant is replaced as a whole, and so are changed elements of arrays. What
    /// would not be read back as the changed entity is not kept (a member under an `alias`, once
    /// the field is written under its own name). [`put`](Self::put) replaces the value.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// #[derive(KvEntity)]
    /// #[kv(prefix = "page")]
    /// struct Page {
    ///     #[kv(id)]
    ///     path: String,
    ///     views: u64,
    /// }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let pages = Kv::new(MemoryStore::new()).collection::<Page>();
    /// pages.insert(&Page { path: "/".to_owned(), views: 0 }).await?;
    /// let page = pages.update("/", |page| page.views += 1).await?;
    /// assert_eq!(page.views, 1);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update<F>(&self, id: IdRef<'_, E>, change: F) -> impl Future<Output = Result<E>> + use<'_, E, S, F>
    where
        S: AtomicStore,
        F: FnMut(&mut E),
    {
        let (key, id) = self.key_and_id(id);
        async move { Ok(self.change("update", key, id, always(change), None::<fn() -> E>).await?.entity) }
    }

    /// Changes the entity that is there as [`update`](Self::update) does, unless `change` gives up with an error of the
    /// caller's, which is handed through; then nothing is written.
    pub fn try_update<F, X>(
        &self,
        id: IdRef<'_, E>,
        change: F,
    ) -> impl Future<Output = Result<E, X>> + use<'_, E, S, F, X>
    where
        S: AtomicStore,
        F: FnMut(&mut E) -> Result<(), X>,
        X: ChangeError,
    {
        let (key, id) = self.key_and_id(id);
        async move { Ok(self.change("try_update", key, id, change, None::<fn() -> E>).await?.entity) }
    }

    /// Changes the entity that is there as [`update`](Self::update) does, or writes what `create` makes where there is none;
    /// gives it as it was written. `change` is not applied to what `create` made.
    pub fn upsert<C, F>(
        &self,
        id: IdRef<'_, E>,
        create: C,
        change: F,
    ) -> impl Future<Output = Result<E>> + use<'_, E, S, C, F>
    where
        S: AtomicStore,
        C: FnMut() -> E,
        F: FnMut(&mut E),
    {
        let (key, id) = self.key_and_id(id);
        async move { Ok(self.change("upsert", key, id, always(change), Some(create)).await?.entity) }
    }

    /// Gives what is there its full TTL again, without reading or writing its value, and says
    /// whether it is there. A group without TTL stays as it is, and so does a record that lives
    /// longer already, by [`with_ttl`](Self::with_ttl) or without an expiry: a touch never shortens
    /// a life, also if others touch at the same time.
    ///
    /// With [`with_touch_interval`](Self::with_touch_interval) a record that was extended a short while ago is left alone. A record that has
    /// been deleted or has expired stays so.
    pub fn touch(&self, id: IdRef<'_, E>) -> impl Future<Output = Result<bool>> + use<'_, E, S>
    where
        E: Touch,
        S: AtomicStore,
    {
        self.touch_at(self.key_for(&id))
    }

    /// As [`touch`](Self::touch), of the entity with this anchor.
    pub(crate) async fn touch_at(&self, key: Key) -> Result<bool>
    where
        S: AtomicStore,
    {
        let span = self.span("touch", &key);
        async {
            self.check_key(&key)?;
            let ttl = self.ttl_of(super::anchor::<E>());
            if ttl.is_none() || !self.touch_interval.is_zero() {
                let Some(head) = self.store().head(&key).await.map_err(named::<E>)? else { return Ok(false) };
                let now = self.store().clock().now();
                if self.was_just_touched(head.expires_at, now) {
                    return Ok(true);
                }
            }
            let mut writes = Vec::new();
            for (group, key) in groups::<E>().iter().zip(keys_of_groups::<E>(&key)) {
                if let Some(ttl) = self.ttl_of(group) {
                    self.check_ttl(&key, ttl)?;
                    writes.push(Write::Touch(key, Expiry::AtLeast(ttl)));
                }
            }
            if writes.is_empty() {
                return Ok(true);
            }
            let present = vec![Condition::new(key, Expect::Present)];
            let commit = self.store().commit(present, writes).await.map_err(named::<E>)?;
            Ok(commit == Commit::Done)
        }
        .instrument(span)
        .await
    }

    /// Whether so little of the TTL is used that the interval spares a touch.
    pub(super) fn was_just_touched(&self, expires_at: Option<Timestamp>, now: Timestamp) -> bool {
        let ttl = self.ttl_of(super::anchor::<E>());
        let used = expires_at.zip(ttl).map(|(at, ttl)| ttl.saturating_sub(at.saturating_since(now)));
        used.is_some_and(|used| used < self.touch_interval)
    }

    /// Why the entity was not inserted: it is there, or its anchor is and a required group is not.
    async fn not_inserted(&self, key: &Key) -> Error {
        if groups::<E>().len() > 1
            && let Ok(records) = apart(self.records::<TOLD>(std::slice::from_ref(key))).await
            && matches!(records.first(), Some(Some(_)))
        {
            let mut missing = groups::<E>()
                .iter()
                .zip(&records)
                .filter(|(group, record)| record.is_none() && !group.is_optional());
            if let Some((group, _)) = missing.next() {
                return Error::Incomplete { at: self.at(key), group: group.name().unwrap_or_default() };
            }
        }
        Error::AlreadyExists { at: self.at(key) }
    }

    /// Read, change, compare and swap, until nobody came between.
    pub(crate) async fn change<X: From<Error>>(
        &self,
        operation: &'static str,
        key: Key,
        id: E::Id,
        change: impl FnMut(&mut E) -> Result<(), X>,
        create: Option<impl FnMut() -> E>,
    ) -> Result<Found<E>, X>
    where
        S: AtomicStore,
    {
        let span = self.span(operation, &key);
        self.change_at(key, id, change, create).instrument(span).await
    }

    async fn change_at<X: From<Error>>(
        &self,
        key: Key,
        id: E::Id,
        mut change: impl FnMut(&mut E) -> Result<(), X>,
        mut create: Option<impl FnMut() -> E>,
    ) -> Result<Found<E>, X>
    where
        S: AtomicStore,
    {
        let mut attempts = Attempts::begin(self.kv.fair_queue(), &key, self.store().clock()).await;
        for _ in 0..MAX_ATTEMPTS {
            let now = self.store().clock().now();
            let records = pin!(self.records::<TOLD>(std::slice::from_ref(&key)));
            let records = attempts.watch(records).await?;
            let (entity, writes) = match self.decode(id.clone(), &key, &records)? {
                Some(mut entity) => {
                    let before = self.values_before(&key, &entity, &records)?;
                    change(&mut entity)?;
                    self.check_id(&key, &entity, false)?;
                    let writes = self.writes_of_change(&key, &entity, &records, &before)?;
                    (entity, writes)
                }
                None => {
                    let Some(create) = &mut create else {
                        return Err(Error::NotFound { at: self.at(&key) }.into());
                    };
                    let entity = create();
                    self.check_id(&key, &entity, true)?;
                    let nothing = vec![None; records.len()];
                    let writes = self.writes_of_change(&key, &entity, &nothing, &Before::default())?;
                    (entity, writes)
                }
            };
            let found = found_after::<E>(entity, &key, &records, &writes, now);
            if writes.is_empty() {
                return Ok(found);
            }
            let commit = pin!(self.store().commit(self.unchanged(&key, &records), writes));
            match attempts.watch(commit).await.map_err(named::<E>)? {
                Commit::Done => return Ok(found),
                Commit::Conflict(_) => attempts.lost().await,
            }
        }
        Err(Error::Conflict { at: self.at(&key), attempts: MAX_ATTEMPTS }.into())
    }

    pub(super) fn check_id(&self, key: &Key, entity: &E, created: bool) -> Result<()> {
        if self.key_of(entity) == *key { Ok(()) } else { Err(Error::IdChanged { at: self.at(key), created }) }
    }

    /// That every group is as it was read, absent ones included.
    pub(super) fn unchanged(&self, key: &Key, records: &[Option<Record>]) -> Vec<Condition> {
        keys_of_groups::<E>(key)
            .zip(records)
            .map(|(key, record)| match record {
                Some(record) => Condition::new(key, Expect::Revision(record.revision.clone())),
                None => Condition::new(key, Expect::Absent),
            })
            .collect()
    }
}

/// The entity after these writes, which are made at `now` or later.
fn found_after<E: KvEntity>(
    entity: E,
    anchor: &Key,
    records: &[Option<Record>],
    writes: &[Write],
    now: Timestamp,
) -> Found<E> {
    let written = |key: &Key| match writes.iter().find(|write| write.key() == key) {
        Some(Write::Put(_, new)) => Some(new.expiry.at(now)),
        Some(Write::Touch(_, expiry)) => Some(expiry.at(now)),
        _ => None,
    };
    Found::after(entity, keys_of_groups::<E>(anchor).zip(records), written)
}
