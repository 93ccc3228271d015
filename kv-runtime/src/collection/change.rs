//! Writes on a condition, built on [`AtomicStore::commit`]: insert, update, try_update, upsert.

use std::pin::pin;

use kv_store::key::Key;
use kv_store::record::{Expiry, Record};
use kv_store::store::{AtomicStore, Commit, Condition, Expect, GetOptions, Store, Write};
use kv_store::{Clock, Error, Result, Timestamp};

use super::attempts::Attempts;
use super::changing::{Changing, NotChanged};
use super::difference::Before;
use super::indexed::{Requires, check_supported};
use super::{Collection, IdRef, StoredEntity, always, keys_of_groups, named};
use crate::entity::{GroupSchema, KvEntity};
use crate::small::{Instrument, apart};

/// The maximum number of attempts. After one lost race an update queues up among this process's
/// updates. So it loses further races only to other processes, or to updates that were not kept
/// waiting any longer.
const MAX_ATTEMPTS: u32 = 32;

/// Writes on a condition. They do not compile on a store without compare-and-swap: see
/// [`put`](Self::put) and the calls whose names end with `_last_write_wins`.
// The bound is on the impl block and not on each method. There the compiler would repeat it for the
// future that the method returns, and one mistake would be three errors.
impl<E: KvEntity, S: AtomicStore> Collection<E, S> {
    /// Writes the entity if there is none with its id.
    ///
    /// The first group alone decides whether there is one. A record of another group that was
    /// written without it, through the group's view, is overwritten. To keep such a record, insert
    /// the view of the first group instead of the entity.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`] if there is one; nothing is written. [`Error::Incomplete`] if its
    /// first group is there and a required group is not; `put` makes it whole. Otherwise as
    /// [`put`](Self::put).
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity, Clone, Debug, PartialEq)]
    /// # #[kv(prefix = "user")]
    /// # struct User {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     name: String,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let users = Kv::new(MemoryStore::new()).collection::<User>();
    /// let ada = User { id: 7, name: "Ada".to_owned() };
    /// users.insert(&ada).await?;
    /// assert!(matches!(users.insert(&ada).await, Err(kv_runtime::Error::AlreadyExists { .. })));
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn insert(&self, entity: &E) -> Result<()> {
        let key = self.key_of(entity);
        let span = self.span("insert", &key);
        async {
            let now = self.info().clock().now();
            let writes = self.writes_of_new(&key, entity, now)?;
            if const { !E::INDEXES.is_empty() } {
                let written =
                    apart(Box::pin(self.write_indexed(self.kv.writes(), &key, writes, Requires::Absence)));
                return match written.await? {
                    Commit::Done => Ok(()),
                    Commit::Conflict(_) => Err(self.not_inserted(&key).await),
                };
            }
            let absent = vec![Condition::new(key.clone(), Expect::Absent)];
            match self.kv.writes().commit(absent, writes.into()).await.map_err(named::<E>)? {
                Commit::Done => Ok(()),
                Commit::Conflict(_) => Err(self.not_inserted(&key).await),
            }
        }
        .instrument(span)
        .await
    }

    /// Changes an existing entity, and returns it as it was written.
    ///
    /// It reads the entity, applies `change`, and writes the result if nobody else wrote in the
    /// meantime. Otherwise it starts again, so `change` may run several times. No update is lost.
    /// The condition covers every group that was read. Groups that `change` leaves equal are not
    /// written. The remaining TTL and the metadata of other programs are kept.
    ///
    /// In JSON only the difference is written. Members that the struct does not name stay as they
    /// are, byte for byte, at every level of objects; a field
    /// `#[serde(flatten)] rest: BTreeMap<String, serde_json::Value>` shows them. [The
    /// guide](crate::guide::migrations#members-that-the-struct-does-not-name) has the exceptions.
    /// [`put`](Self::put) replaces the whole value.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such entity, [`Error::IdChanged`] if `change` changed the
    /// id, and [`Error::Conflict`] after 32 lost races. Otherwise as [`get`](Self::get) and
    /// [`put`](Self::put).
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
        F: FnMut(&mut E),
    {
        let (key, id) = self.key_and_id(id);
        async move {
            let options = GetOptions::new();
            Ok(self.change("update", key, id, always(change), None::<fn() -> E>, options).await?.entity)
        }
    }

    /// Changes an existing entity as [`update`](Self::update) does, but `change` may fail with the
    /// caller's own error. Then nothing is written, and the call returns that error.
    ///
    /// The error type must implement `From<kv_runtime::Error>`.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity, Clone, Debug, PartialEq)]
    /// # #[kv(prefix = "user")]
    /// # struct User {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     name: String,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let users = Kv::new(MemoryStore::new()).collection::<User>();
    /// #[derive(Debug)]
    /// enum Refused {
    ///     EmptyName,
    ///     Store(kv_runtime::Error),
    /// }
    ///
    /// impl From<kv_runtime::Error> for Refused {
    ///     fn from(error: kv_runtime::Error) -> Self {
    ///         Self::Store(error)
    ///     }
    /// }
    ///
    /// users.put(&User { id: 7, name: String::new() }).await?;
    /// let refused = users
    ///     .try_update(7, |user| if user.name.is_empty() { Err(Refused::EmptyName) } else { Ok(()) })
    ///     .await;
    /// assert!(matches!(refused, Err(Refused::EmptyName)));
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_update<F, X>(
        &self,
        id: IdRef<'_, E>,
        mut change: F,
    ) -> Changing<impl Future<Output = Result<E, NotChanged<X>>> + use<'_, E, S, F, X>>
    where
        F: FnMut(&mut E) -> Result<(), X>,
    {
        let (key, id) = self.key_and_id(id);
        let change = move |entity: &mut E| change(entity).map_err(NotChanged::Refused);
        Changing::new(async move {
            let options = GetOptions::new();
            Ok(self.change("try_update", key, id, change, None::<fn() -> E>, options).await?.entity)
        })
    }

    /// Changes an existing entity as [`update`](Self::update) does, or writes what `create` returns
    /// if there is none. Returns the entity as it was written. `change` is not applied to what
    /// `create` returned.
    ///
    /// # Errors
    ///
    /// [`Error::IdChanged`] if `create` returned an entity with another id. Otherwise as
    /// [`update`](Self::update), except `NotFound`.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity, Clone, Debug, PartialEq)]
    /// # #[kv(prefix = "user")]
    /// # struct User {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     name: String,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let users = Kv::new(MemoryStore::new()).collection::<User>();
    /// let new = || User { id: 7, name: "Ada".to_owned() };
    /// let ada = users.upsert(7, new, |user| user.name.push('!')).await?;
    /// assert_eq!(ada.name, "Ada");
    /// let ada = users.upsert(7, new, |user| user.name.push('!')).await?;
    /// assert_eq!(ada.name, "Ada!");
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn upsert<C, F>(
        &self,
        id: IdRef<'_, E>,
        create: C,
        change: F,
    ) -> impl Future<Output = Result<E>> + use<'_, E, S, C, F>
    where
        C: FnMut() -> E,
        F: FnMut(&mut E),
    {
        let (key, id) = self.key_and_id(id);
        async move {
            let options = GetOptions::new();
            Ok(self.change("upsert", key, id, always(change), Some(create), options).await?.entity)
        }
    }

    /// Returns why the entity was not inserted: it exists, or its anchor does and a required group
    /// does not.
    async fn not_inserted(&self, key: &Key) -> Error {
        if E::SCHEMA.groups.len() > 1
            && let Ok(records) =
                apart(self.records(std::slice::from_ref(key), GetOptions::new().with_expiry())).await
            && matches!(records.first(), Some(Some(_)))
        {
            let mut missing = E::SCHEMA
                .groups
                .iter()
                .zip(&records)
                .filter(|(group, record)| record.is_none() && !group.is_optional());
            if let Some((group, _)) = missing.next() {
                return Error::Incomplete { at: self.at(key), group: group.name.unwrap_or_default() };
            }
        }
        Error::AlreadyExists { at: self.at(key) }
    }

    /// Reads with these options, changes, compares and swaps, until no other writer intervened. An
    /// update keeps the expiry that the record has then, so only callers that return it have to read it.
    pub(crate) async fn change<X: From<Error>>(
        &self,
        operation: &'static str,
        key: Key,
        id: E::Id,
        change: impl FnMut(&mut E) -> Result<(), X>,
        create: Option<impl FnMut() -> E>,
        options: GetOptions,
    ) -> Result<StoredEntity<E>, X> {
        let span = self.span(operation, &key);
        self.change_at(key, id, change, create, options).instrument(span).await
    }

    async fn change_at<X: From<Error>>(
        &self,
        key: Key,
        id: E::Id,
        mut change: impl FnMut(&mut E) -> Result<(), X>,
        mut create: Option<impl FnMut() -> E>,
        options: GetOptions,
    ) -> Result<StoredEntity<E>, X> {
        if const { !E::INDEXES.is_empty() } {
            check_supported(self)?;
        }
        // A value may hold the expiry, too.
        let needs_expiry = const { Self::ADOPTS || !E::INDEXES.is_empty() };
        let options = if needs_expiry { options.with_expiry() } else { options };
        let mut attempts = Attempts::begin(self.kv.fair_queue(), &key, self.info().clock()).await;
        for _ in 0..MAX_ATTEMPTS {
            let stored = pin!(self.stored_records(std::slice::from_ref(&key), options));
            let stored = attempts.watch(stored).await?;
            let records = self.adopted(&key, &stored)?;
            let create = create.as_mut();
            let (entity, writes) = self.changed(&key, id.clone(), &records, &mut change, create)?;
            let found = found_after::<E>(entity, &records, &writes, self.info().clock());
            if writes.is_empty() {
                return Ok(found);
            }
            let unchanged = self.unchanged(&key, &stored);
            let done = if const { !E::INDEXES.is_empty() } {
                let commit =
                    apart(Box::pin(self.commit_indexed(self.kv.writes(), &key, &stored, unchanged, writes)));
                attempts.watch(pin!(commit)).await?
            } else {
                let commit = pin!(self.kv.writes().commit(unchanged, writes.into()));
                attempts.watch(commit).await.map_err(named::<E>)?
            };
            match done {
                Commit::Done => return Ok(found),
                Commit::Conflict(_) => attempts.lost().await,
            }
        }
        Err(Error::Conflict { at: self.at(&key), attempts: MAX_ATTEMPTS, why: None }.into())
    }
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns the entity that the change makes of these records, or that `create` makes if there
    /// is none, and the writes that bring the records to it.
    pub(super) fn changed<X: From<Error>>(
        &self,
        key: &Key,
        id: E::Id,
        records: &[Option<Record>],
        change: impl FnOnce(&mut E) -> Result<(), X>,
        create: Option<impl FnOnce() -> E>,
    ) -> Result<(E, Vec<Write>), X> {
        if let Some(mut entity) = self.decode(id, key, records)? {
            let before = self.values_before(key, &entity, records)?;
            change(&mut entity)?;
            self.check_id(key, &entity, false)?;
            let writes = self.writes_of_change(key, &entity, records, &before)?;
            return Ok((entity, writes));
        }
        let Some(create) = create else { return Err(Error::NotFound { at: self.at(key) }.into()) };
        let entity = create();
        self.check_id(key, &entity, true)?;
        let nothing = vec![None; records.len()];
        let writes = self.writes_of_change(key, &entity, &nothing, &Before::default())?;
        Ok((entity, writes))
    }

    pub(super) fn check_id(&self, key: &Key, entity: &E, created: bool) -> Result<()> {
        if self.key_of(entity) == *key { Ok(()) } else { Err(Error::IdChanged { at: self.at(key), created }) }
    }

    /// Returns the writes of a new entity, whose groups replace what is stored.
    pub(super) fn writes_of_new(&self, key: &Key, entity: &E, now: Timestamp) -> Result<Vec<Write>> {
        keys_of_groups::<E>(key)
            .enumerate()
            .map(|(group, key)| Ok(Write::Put(key.clone(), self.new_record(&key, entity, group, now)?)))
            .collect()
    }

    /// Returns the conditions that every group is as it was read, absent ones included.
    pub(crate) fn unchanged(&self, key: &Key, records: &[Option<Record>]) -> Vec<Condition> {
        keys_of_groups::<E>(key)
            .zip(records)
            .map(|(key, record)| match record {
                Some(record) => Condition::new(key, Expect::Revision(record.revision.clone())),
                None => Condition::new(key, Expect::Absent),
            })
            .collect()
    }
}

/// Returns the entity after these writes, which are made later.
fn found_after<E: KvEntity>(
    entity: E,
    records: &[Option<Record>],
    writes: &[Write],
    clock: &Clock,
) -> StoredEntity<E> {
    // The time is asked for only where it matters.
    let at = |expiry: Expiry| match expiry {
        Expiry::Never => None,
        Expiry::At(at) => Some(at),
        Expiry::After(_) | Expiry::AtLeast(_) => expiry.at(clock.now()),
    };
    let of = |write: &Write, group: &GroupSchema| write.key().group() == group.name;
    let written = |group: &GroupSchema| match writes.iter().find(|write| of(write, group)) {
        Some(Write::Put(_, new)) => Some(at(new.expiry)),
        Some(Write::Touch(_, expiry)) => Some(at(*expiry)),
        _ => None,
    };
    StoredEntity::after(entity, records, written)
}
