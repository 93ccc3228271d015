//! Builds the indexes of a collection that has entities already, while it is in use.

use std::fmt;

use kv_store::__private::Stopwatch;
use kv_store::key::{Key, KeyBuilder};
use kv_store::record::Record;
use kv_store::store::{
    Commit, Condition, Cursor, Expect, GetOptions, IndexStore, ListQuery, Store, StoreExt, Write,
};
use kv_store::{Error, Location, MaybeSend, Result};

use super::enter::{Mode, enter, of_entity};
use super::report::IndexReport;
use crate::backfill::Pass;
use crate::collection::indexed::{
    IndexState, check_supported, commit_states, state_key, state_of, state_record,
};
use crate::collection::{Collection, span};
use crate::entity::{IndexSchema, KvEntity};
use crate::list::raw;
use crate::small::Instrument;

/// How many entities are entered at a time.
const BATCH: usize = 1_000;

/// A build of the indexes of a collection: [`Collection::build_indexes`].
#[must_use = "a build does nothing until `run` is called"]
pub struct BuildIndexes<E, S> {
    collection: Collection<E, S>,
    is_confirmed: bool,
    passes_over_unreadable: bool,
    pass: Pass<IndexReport>,
}

impl<E: KvEntity, S: IndexStore> Collection<E, S> {
    /// Returns a build of all indexes that are not ready. It enters every entity that is stored, while
    /// others read and write, and then makes the indexes ready.
    ///
    /// Deploy the program that declares the index everywhere first. From then on every write keeps
    /// the index right, and lookups are [`Error::IndexNotReady`]. Then run the build once, and say by
    /// [`no_older_writers`](BuildIndexes::no_older_writers) that no program without the index writes
    /// any more: what such a program writes is not in the index.
    ///
    /// A build can be killed at any moment; the next one goes on where it was. Each batch is a commit
    /// on the condition that its entities have not changed. If several entities have one value of a
    /// unique index, the report says so, and the indexes do not become ready: change these entities,
    /// and build again.
    pub fn build_indexes(&self) -> BuildIndexes<E, S> {
        BuildIndexes {
            collection: self.clone(),
            is_confirmed: false,
            passes_over_unreadable: false,
            pass: Pass::new(BATCH),
        }
    }
}

impl<E: KvEntity, S: IndexStore> BuildIndexes<E, S> {
    /// Confirms that no program without the index writes entities any more. Without this word
    /// nothing is built.
    pub fn no_older_writers(mut self) -> Self {
        self.is_confirmed = true;
        self
    }

    /// Makes the indexes ready even if there are entities that cannot be read. They cannot be found
    /// by the index, and the value that they have in a unique one is not protected.
    pub fn pass_over_unreadable(mut self) -> Self {
        self.passes_over_unreadable = true;
        self
    }

    /// So many entities a batch at most, instead of 1,000.
    pub fn batch(mut self, entities: usize) -> Self {
        self.pass.set_batch(entities);
        self
    }

    /// At most so many entities a second, on average. It waits by the timer of the store's clock
    /// ([`Timer`](crate::Timer)). Without one the run ends with [`Error::NoTimer`] after a batch.
    pub fn rate(mut self, entities_per_second: u32) -> Self {
        self.pass.set_rate(entities_per_second);
        self
    }

    /// Passes what was done so far to `progress` after each batch.
    pub fn progress(mut self, progress: impl FnMut(&IndexReport) + MaybeSend + 'static) -> Self {
        self.pass.set_progress(progress);
        self
    }

    /// Builds the indexes that are not ready. If all are, it does nothing.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidOptions`] without [`no_older_writers`](Self::no_older_writers).
    /// - [`Error::Conflict`] if an index was dropped or built by somebody else meanwhile.
    /// - The store's error if the store fails. What was entered stays.
    pub async fn run(self) -> Result<IndexReport> {
        let prefix = KeyBuilder::new(E::SCHEMA.prefix, E::SCHEMA.ids).finish_prefix();
        let span = span("build_indexes", E::SCHEMA.name, self.collection.info().name(), &prefix);
        self.build(&prefix).instrument(span).await
    }

    async fn build(mut self, prefix: &Key) -> Result<IndexReport> {
        check_supported(&self.collection)?;
        if !self.is_confirmed {
            let what = "a program without the index may still write, whose entities would be missing: once none does, call `no_older_writers`";
            return Err(Error::InvalidOptions { at: self.collection.at(prefix), what: what.into() });
        }
        let building = self.begin().await?;
        let mut report = IndexReport::default();
        let Some((mut cursor, mut unfit)) = building else {
            return Ok(IndexReport { is_ready: true, ..report });
        };
        let started = Stopwatch::start(self.collection.info().clock());
        loop {
            let limit = self.pass.limit();
            let page = raw::page(&self.collection, prefix, cursor, limit, ListQuery::MAX_BYTES).await?;
            let before = self.unfit(&report);
            page.failed.into_iter().for_each(|error| report.unreadable(error));
            let anchors = page.anchors.into_iter().map(|anchor| anchor.key).collect();
            enter(&self.collection, anchors, Mode::Build, &mut report).await?;
            unfit += self.unfit(&report) - before;
            cursor = page.cursor;
            self.pass.report(&report);
            let Some(next) = &cursor else { break };
            self.write_states(|generation| IndexState::Building {
                generation,
                cursor: Some(next.as_str().to_owned()),
                unfit,
            })
            .await?;
            self.pass.keep_rate(&self.collection, &started, report.entities).await?;
        }
        report.is_ready = unfit == 0;
        let is_ready = report.is_ready;
        self.write_states(|generation| match is_ready {
            true => IndexState::Ready { generation },
            false => IndexState::Building { generation, cursor: None, unfit: 0 },
        })
        .await?;
        Ok(report)
    }

    /// Returns how many values and entities keep the indexes from being ready.
    const fn unfit(&self, report: &IndexReport) -> u64 {
        let unreadable = if self.passes_over_unreadable { 0 } else { report.unreadable };
        report.violations + report.contended + unreadable
    }

    /// Returns where to begin, and how many values and entities were unfit so far. `None` if all
    /// indexes are ready.
    async fn begin(&self) -> Result<Option<(Option<Cursor>, u64)>> {
        let states = self.states().await?;
        if states.is_empty() {
            return Ok(None);
        }
        let mut reached = states.iter().map(|(schema, _, record)| match state_of(record.as_ref()) {
            Some(IndexState::Building { generation, cursor, unfit })
                if generation == schema.generation_number() =>
            {
                Some((cursor, unfit))
            }
            _ => None,
        });
        // Several that are built together go on together. If one is added later, all start again.
        let first = reached.next().flatten();
        if let Some((cursor, unfit)) = first
            && reached.all(|other| other.as_ref() == Some(&(cursor.clone(), unfit)))
        {
            return Ok(Some((cursor.map(Cursor::from_text), unfit)));
        }
        self.write_states(|generation| IndexState::Building { generation, cursor: None, unfit: 0 }).await?;
        Ok(Some((None, 0)))
    }

    /// Returns the states of the indexes that are not ready.
    async fn states(&self) -> Result<Vec<(&'static IndexSchema, Key, Option<Record>)>> {
        let keys: Vec<Key> = E::INDEXES.iter().map(state_key::<E>).collect();
        let records = self.collection.store().get_many(&keys, GetOptions::new()).await;
        let states = E::INDEXES.iter().zip(keys).zip(records.map_err(of_entity::<E>)?);
        let is_ready = |schema: &IndexSchema, record: &Option<Record>| {
            let ready = IndexState::Ready { generation: schema.generation_number() };
            state_of(record.as_ref()) == Some(ready)
        };
        Ok(states
            .filter(|((schema, _), record)| !is_ready(schema, record))
            .map(|((schema, key), record)| (schema, key, record))
            .collect())
    }

    /// Writes the states of the indexes that are not ready.
    async fn write_states(&self, state: impl Fn(u32) -> IndexState) -> Result<()> {
        let mut states = Vec::new();
        for (schema, key, record) in self.states().await? {
            let expect = record.map_or(Expect::Absent, |record| Expect::Revision(record.revision));
            let new = state_record(&state(schema.generation_number()))?;
            states.push((Condition::new(key.clone(), expect), Write::Put(key, new)));
        }
        let store = self.collection.store();
        match commit_states(store, states).await.map_err(of_entity::<E>)? {
            Commit::Done => Ok(()),
            Commit::Conflict(_) => {
                let at = self.collection.located(Location::store(store.name()));
                Err(Error::Conflict { at, attempts: 1, why: Some("the indexes are built by somebody else") })
            }
        }
    }
}

impl<E: KvEntity, S: Store> fmt::Debug for BuildIndexes<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuildIndexes")
            .field("collection", &self.collection)
            .field("is_confirmed", &self.is_confirmed)
            .field("batch", &self.pass.batch())
            .field("rate", &self.pass.rate())
            .finish_non_exhaustive()
    }
}
