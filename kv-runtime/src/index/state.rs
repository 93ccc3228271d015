//! Whether an index has an entry for each entity.

use kv_store::index::IndexParts;
use kv_store::key::Key;
use kv_store::record::{Record, Revision};
use kv_store::store::{GetOptions, Store};
use kv_store::{Error, Result};

use crate::collection::Collection;
use crate::collection::indexed::{IndexState, check_supported, index_key, state_key, state_of};
use crate::entity::{IndexSchema, KvEntity};

/// An index of a collection, to be read.
pub(super) struct Reading<'a, E, S> {
    pub(super) collection: &'a Collection<E, S>,
    pub(super) schema: &'static IndexSchema,
    /// The key of the record that says whether the index is ready.
    pub(super) state: Key,
}

/// The state of an index, if something else that was read brought it along.
pub(super) enum Seen {
    Was(Option<Record>),
    Not,
}

/// An index that is read as if it had no entries. No constant of generated code has its number.
const NO_INDEX: IndexSchema = IndexSchema::new("", 0, &[]);

/// Returns the schema of the index with this number.
pub(super) fn schema_of<E: KvEntity>(number: usize) -> &'static IndexSchema {
    E::INDEXES.get(number).unwrap_or(const { &NO_INDEX })
}

/// Returns whether a state says that the index is ready.
fn is_ready(schema: &IndexSchema, state: Option<&Record>) -> bool {
    state_of(state) == Some(IndexState::Ready { generation: schema.generation_number() })
}

/// Returns whether each index of a collection is ready.
pub(super) async fn ready_states<E: KvEntity, S: Store>(collection: &Collection<E, S>) -> Result<Vec<bool>> {
    let keys: Vec<Key> = E::INDEXES.iter().map(state_key::<E>).collect();
    let states = collection.store().get_many(&keys, GetOptions::new()).await;
    let states = states.map_err(|error| error.of_entity(E::SCHEMA.name))?;
    Ok(E::INDEXES.iter().zip(&states).map(|(schema, state)| is_ready(schema, state.as_ref())).collect())
}

impl<'a, E: KvEntity, S: Store> Reading<'a, E, S> {
    pub(super) fn new(collection: &'a Collection<E, S>, number: usize) -> Result<Self> {
        check_supported(collection)?;
        let schema = schema_of::<E>(number);
        Ok(Self { collection, schema, state: state_key::<E>(schema) })
    }

    /// Returns the revision of a state that was read before this call returned, and by which the index
    /// was ready. An earlier lookup of this program may have read it.
    pub(super) async fn begin(&self) -> Result<Revision> {
        let known = self.collection.known_indexes();
        if let Some(revision) = known.ready_at::<E>(self.schema.name) {
            return Ok(revision);
        }
        let state = self.read_state().await?;
        let revision = self.ready(state.as_ref()).await?;
        known.saw_ready::<E>(self.schema.name, revision.clone());
        Ok(revision)
    }

    /// Returns whether the index was ready all the time since it had the state of this revision. If it
    /// has become ready again meanwhile, a further attempt may find that. Fails if it is not ready now.
    pub(super) async fn was_ready_since(&self, begun: &Revision) -> Result<bool> {
        let state = self.read_state().await?;
        let now = self.ready(state.as_ref()).await?;
        let was_ready = now == *begun;
        if !was_ready {
            self.collection.known_indexes().saw_ready::<E>(self.schema.name, now);
        }
        Ok(was_ready)
    }

    /// Fails if the index is no longer ready, or was built again since `begun`.
    pub(super) async fn end(&self, begun: &Revision, seen: Seen) -> Result<()> {
        let state = match seen {
            Seen::Was(state) => state,
            Seen::Not => self.read_state().await?,
        };
        match state {
            Some(state) if state.revision == *begun => Ok(()),
            _ => Err(self.not_ready()),
        }
    }

    /// Returns the revision of a state if it says that the index is ready. That of a collection
    /// which was always empty becomes ready here.
    pub(super) async fn ready(&self, state: Option<&Record>) -> Result<Revision> {
        if let Some(revision) = self.revision(state) {
            return Ok(revision);
        }
        if state.is_none() && self.collection.make_ready_again().await.is_ok() {
            let state = self.read_state().await?;
            return self.revision(state.as_ref()).ok_or_else(|| self.not_ready());
        }
        Err(self.not_ready())
    }

    /// Returns the revision of a state if it says that the index is ready.
    pub(super) fn revision(&self, state: Option<&Record>) -> Option<Revision> {
        state.filter(|_| is_ready(self.schema, state)).map(|state| state.revision.clone())
    }

    pub(super) fn is_ready(&self, state: Option<&Record>) -> bool {
        is_ready(self.schema, state)
    }

    async fn read_state(&self) -> Result<Option<Record>> {
        let state = self.collection.store().get(&self.state, GetOptions::new()).await;
        state.map_err(|error| error.of_entity(E::SCHEMA.name))
    }

    pub(super) fn not_ready(&self) -> Error {
        let key = index_key::<E>(self.schema, &IndexParts::new());
        Error::IndexNotReady { at: self.collection.at(&key), index: self.schema.name }
    }
}
