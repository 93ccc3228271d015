//! All entities of a collection under other keys.
//!
//! `route` (where an entity goes), `commit` (the commits of a move), `alone` (the move of one entity,
//! again as long as others write it), `report`.
//!
//! Where one commit takes the old and the new keys, an entity is under exactly one of them at any
//! moment. Elsewhere the copy is written first, on the condition that nothing is there, and the old
//! records are removed if they are still what was copied.

mod alone;
mod commit;
mod report;
mod route;

use std::collections::HashSet;
use std::fmt;

use futures_util::{StreamExt, stream};
use kv_store::__private::{Stopwatch, coop};
use kv_store::key::{Key, KeyBuilder};
use kv_store::store::{AtomicStore, CommitScope, Cursor, GetOptions, ListQuery, Store};
use kv_store::{MaybeSend, Result};

use super::report::Progress;
use super::{BATCH, Pass};
use crate::collection::{Collection, span};
use crate::entity::KvEntity;
use crate::list::Pace;
use crate::small::Instrument;
use alone::{Look, There};
use report::Outcome;
use route::{Moving, Ready, Route};

pub use report::KeyMigrationReport;

/// How many entities are moved at the same time where each one takes several commits.
const SIDE_BY_SIDE: usize = 64;

/// A migration of keys in the making: [`Collection::migrate_keys`].
#[must_use = "a migration of keys does nothing until it is `run`"]
pub struct MigrateKeys<P, E, T, S, F> {
    from: Collection<P, T>,
    into: Collection<E, S>,
    new_id: F,
    groups: Vec<(String, String)>,
    pass: Pass<Progress>,
    dry_run: bool,
    cursor: Option<Cursor>,
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns a migration of keys: it moves all entities of the collection `from` to this one, when
    /// it is `run`. `new_id` returns the id under which an entity is here. `None` leaves it where it
    /// is.
    ///
    /// Use it if the prefix has changed, the groups, the ids, or how the store spells keys. `from`
    /// describes the old keys: its entity needs the old prefix, ids and groups, and no other field,
    /// because no value is decoded. Groups of the same name belong together, and so do both first
    /// groups; [`group`](MigrateKeys::group) names others. `from` may be in another store.
    ///
    /// A move keeps the value byte for byte, the metadata and the remaining TTL. If the records of
    /// `from` are [plain](crate::guide::adopting) and those of this collection are not, or the other
    /// way round, they are written as those of this collection are. Entities with indexes keep right
    /// ones.
    ///
    /// It may be killed at any moment and run again:
    ///
    /// - Within one store that commits any keys together, a move is one commit, on the condition that
    ///   no old record has changed and nothing is under the new keys. All reads see the entity under
    ///   exactly one of its keys.
    /// - Between two stores, and on a cluster, the copy is one commit and the removal the next. An
    ///   entity that was written in between is copied again. A run that is killed in between leaves
    ///   both, and the next run removes the old one if both are equal. Let no program write the old
    ///   keys meanwhile: what it deletes in that moment may stay as the copy.
    ///
    /// An entity under whose new key there is another one stays where it is, and is reported as
    /// [`occupied`](KeyMigrationReport::occupied). A [`touch`](Self::touch) of an old key in the
    /// moment of its move may be lost.
    ///
    /// Old programs do not find what was moved, and new ones do not find what was not. So either stop
    /// the old ones first, or let the new ones look under both keys until the run is over.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// #[derive(KvEntity)]
    /// #[kv(prefix = "user")]
    /// struct OldKey {
    ///     #[kv(id)]
    ///     id: u64,
    /// }
    ///
    /// #[derive(KvEntity)]
    /// #[kv(prefix = "member")]
    /// struct Member {
    ///     #[kv(id)]
    ///     org: String,
    ///     #[kv(id)]
    ///     id: u64,
    ///     #[serde(default)]
    ///     name: String,
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let kv = Kv::new(MemoryStore::new());
    /// # kv.collection::<OldKey>().put_many((1..=3).map(|id| OldKey { id })).await?;
    /// let (old, members) = (kv.collection::<OldKey>(), kv.collection::<Member>());
    /// let report = members.migrate_keys(&old, |id| Some(("acme".to_owned(), id))).run().await?;
    /// assert_eq!((report.moved, report.occupied), (3, 0)); // user:1 is member:acme:1
    /// assert!(members.exists(("acme", 1)).await? && !old.exists(1).await?);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn migrate_keys<P, T, F>(&self, from: &Collection<P, T>, new_id: F) -> MigrateKeys<P, E, T, S, F>
    where
        P: KvEntity,
        T: AtomicStore,
        S: AtomicStore,
        F: FnMut(P::Id) -> Option<E::Id> + MaybeSend,
    {
        MigrateKeys {
            from: from.clone(),
            into: self.clone(),
            new_id,
            groups: Vec::new(),
            pass: Pass::new(BATCH),
            dry_run: false,
            cursor: None,
        }
    }
}

impl<P, E, T, S, F> MigrateKeys<P, E, T, S, F>
where
    P: KvEntity,
    E: KvEntity,
    T: AtomicStore,
    S: AtomicStore,
    F: FnMut(P::Id) -> Option<E::Id> + MaybeSend,
{
    /// Says that the records of the old group `old` become those of the group `new`.
    pub fn group(mut self, old: impl Into<String>, new: impl Into<String>) -> Self {
        self.groups.push((old.into(), new.into()));
        self
    }

    /// So many entities between two calls of [`progress`](Self::progress) at most, instead of 4,000.
    /// A commit has as many of them as the store takes, and at most 4 MiB are in memory.
    pub fn batch(mut self, entities: usize) -> Self {
        self.pass.set_batch(entities);
        self
    }

    /// At most so many entities a second, on average, as
    /// [`MigrateAll::rate`](super::MigrateAll::rate).
    pub fn rate(mut self, entities_per_second: u32) -> Self {
        self.pass.set_rate(entities_per_second);
        self
    }

    /// Reads what is under the old and the new keys, and writes nothing. The report says so:
    /// [`KeyMigrationReport::dry_run`]. Two entities with the same new key count as moved.
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// From where an earlier run was: [`Progress::cursor`]. Without it, a run passes over the keys that
    /// an earlier one has left.
    pub fn cursor(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.cursor = cursor.into();
        self
    }

    /// Calls `progress` after each batch.
    pub fn progress(mut self, progress: impl FnMut(&Progress) + MaybeSend + 'static) -> Self {
        self.pass.set_progress(progress);
        self
    }

    /// Runs it. A failing store ends it with its error; what was moved stays moved.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOptions`](crate::Error::InvalidOptions) if an old group has no new one, or if
    /// the new id of an entity is the old id of another that moves on: a run could not tell which of
    /// them it finds there. Otherwise the stores' errors.
    pub async fn run(self) -> Result<KeyMigrationReport> {
        let prefix = KeyBuilder::new(P::SCHEMA.prefix, P::SCHEMA.ids).finish_prefix();
        let span = span("migrate_keys", E::SCHEMA.name, self.into.info().name(), &prefix);
        self.run_within().instrument(span).await
    }

    async fn run_within(self) -> Result<KeyMigrationReport> {
        let Self { from, into, mut new_id, groups, mut pass, dry_run, mut cursor } = self;
        let route = Route::new(from, into, &groups)?;
        let mut report = KeyMigrationReport { dry_run, ..KeyMigrationReport::default() };
        let (started, mut entities) = (Stopwatch::start(route.into.info().clock()), 0_u64);
        loop {
            let page = route.from.list().limit(pass.limit()).cursor(cursor).ids().page().await?;
            report.skipped += page.skipped as u64;
            entities += page.ids.len() as u64;
            let mut moves = Vec::with_capacity(page.ids.len());
            for id in page.ids {
                match route.moving(id, &mut new_id)? {
                    Some(moving) => moves.push(moving),
                    None => report.in_place += 1,
                }
            }
            route.move_all(moves, &mut report).await?;
            pass.report(&report.progress(page.cursor.clone()));
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(report);
            }
            pass.keep_rate(&route.into, &started, entities).await?;
        }
    }
}

impl<P: KvEntity, E: KvEntity, T: AtomicStore, S: AtomicStore> Route<P, E, T, S> {
    async fn move_all(&self, moves: Vec<Moving>, report: &mut KeyMigrationReport) -> Result<()> {
        let scope = self.into.info().capabilities().limits.commit_scope;
        if report.dry_run || !self.is_one_store || scope != CommitScope::AnyKeys {
            return self.move_each(moves, report).await;
        }
        let mut pace = Pace::new(self.from.info().capabilities().sharing);
        let mut rest = moves.as_slice();
        while !rest.is_empty() {
            let (next, later) =
                rest.split_at(pace.next(rest.len(), ListQuery::MAX_BYTES).clamp(1, rest.len()));
            pace.saw(self.move_some(next, report).await?.into_iter());
            rest = later;
            coop::yield_now().await;
        }
        Ok(())
    }

    /// Moves entities by themselves, side by side.
    async fn move_each(&self, moves: Vec<Moving>, report: &mut KeyMigrationReport) -> Result<()> {
        let is_dry = report.dry_run;
        let mut each = stream::iter(moves)
            .map(|moving| async move {
                if is_dry { self.would_move(&moving).await } else { self.move_alone(&moving).await }
            })
            .buffer_unordered(SIDE_BY_SIDE);
        while let Some(outcome) = each.next().await {
            report.add(outcome?);
        }
        Ok(())
    }

    async fn would_move(&self, moving: &Moving) -> Result<Outcome> {
        Ok(match self.look(moving).await? {
            Look::Gone => Outcome::Gone,
            Look::Failed(error) => Outcome::Failed(error),
            Look::Found(_, There::Nothing | There::Copy(_)) => Outcome::Moved,
            Look::Found(..) => {
                Outcome::Failed(kv_store::Error::AlreadyExists { at: self.into.at(&moving.new) })
            }
        })
    }

    /// Moves entities by as few commits as the store takes, and returns how many bytes each has.
    async fn move_some(&self, moves: &[Moving], report: &mut KeyMigrationReport) -> Result<Vec<usize>> {
        let anchors: Vec<Key> = moves.iter().map(|moving| moving.old.clone()).collect();
        let options = GetOptions::new().with_expiry().while_moving();
        let read = self.from.records_of_each_with(&anchors, options).await?;
        let (mut alone, mut ready, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
        let mut taken = HashSet::new();
        for (moving, records) in moves.iter().zip(read) {
            match records.and_then(|records| self.ready(moving, records)) {
                Ok(Some(it)) => {
                    sizes.push(it.bytes());
                    // Of two entities with one new key the second finds the first there.
                    if taken.insert(&moving.new) { ready.push(it) } else { alone.push(moving.clone()) }
                }
                Ok(None) => report.add(Outcome::Gone),
                Err(error) => report.add(Outcome::Failed(error)),
            }
        }
        let limits = self.into.info().capabilities().limits;
        let indexes = 5 * (P::INDEXES.len() + E::INDEXES.len());
        let mut rest = ready.into_iter().peekable();
        while let Some(first) = rest.next() {
            let (mut parts, mut bytes) = (first.parts() + indexes, first.bytes());
            let mut together = vec![first];
            while let Some(next) = rest.next_if(|next| {
                parts += next.parts() + indexes;
                bytes += next.bytes();
                parts <= limits.commit && bytes <= limits.commit_bytes / 2
            }) {
                together.push(next);
            }
            self.try_together(together, &mut alone, report).await?;
        }
        self.move_each(alone, report).await?;
        Ok(sizes)
    }

    /// Moves entities by one commit. Those that others have written are put aside, to be moved alone.
    async fn try_together(
        &self,
        mut together: Vec<Ready>,
        alone: &mut Vec<Moving>,
        report: &mut KeyMigrationReport,
    ) -> Result<()> {
        for _ in 0..alone::ATTEMPTS {
            if together.is_empty() {
                return Ok(());
            }
            let changed = match self.move_together(&together).await {
                Ok(Ok(())) => {
                    together.iter().for_each(|_| report.add(Outcome::Moved));
                    return Ok(());
                }
                Ok(Err(changed)) => changed,
                Err(error) if error.is_of_an_entity() => None,
                Err(error) => return Err(error),
            };
            match changed {
                Some(changed) => alone.push(together.swap_remove(changed).moving),
                None => break,
            }
        }
        alone.extend(together.into_iter().map(|ready| ready.moving));
        Ok(())
    }
}

impl<P: KvEntity, E: KvEntity, T: Store, S: Store, F> fmt::Debug for MigrateKeys<P, E, T, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MigrateKeys")
            .field("from", &self.from)
            .field("into", &self.into)
            .field("groups", &self.groups)
            .field("batch", &self.pass.batch())
            .field("rate", &self.pass.rate())
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}
