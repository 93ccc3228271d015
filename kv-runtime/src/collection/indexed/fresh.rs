//! Whether an index has an entry for each entity, which a record beside the entries says.
//!
//! A new index of a collection with entities has to be built. One of a group without records, as in a
//! collection that is empty, is ready at once, but only where nobody else can write meanwhile: another program may know
//! nothing of the index. Before a program writes by a newer definition of an index, it makes the
//! older one unready.

use kv_store::Result;
use kv_store::key::{Key, KeyBuilder};
use kv_store::record::{Metadata, NewRecord, Record};
use kv_store::store::{
    Commit, Condition, Content, Expect, GetOptions, ListQuery, Sharing, Store, StoreExt, Write,
};
use kv_store::{Codec, Error};
use serde::{Deserialize, Serialize};

use super::super::{Collection, named};
use super::shard::by_scope;
use super::typed::check_supported;
use crate::entity::{GroupSchema, IndexSchema, KvEntity};

/// How many pages of keys are looked at for a record of a group.
const PASSES: usize = 4;

/// The state of an index, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub(crate) enum IndexState {
    /// Each entity has its entry.
    Ready { generation: u32 },
    /// The entities up to this cursor have their entries.
    Building {
        generation: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
        /// Values that several entities had, and entities that could not be read.
        #[serde(default)]
        unfit: u64,
    },
}

/// Returns the key of the record that says whether an index is ready. No entry has it, because an
/// index has a name.
pub(crate) fn state_key<E: KvEntity>(schema: &IndexSchema) -> Key {
    named_state_key::<E>(schema.name)
}

pub(crate) fn named_state_key<E: KvEntity>(index: &str) -> Key {
    KeyBuilder::entry(E::SCHEMA.prefix, "", &format!("{index}!"), true, &[]).finish_entry()
}

/// Returns the state in a record. One that is unknown is none: newer code may have written it.
pub(crate) fn state_of(record: Option<&Record>) -> Option<IndexState> {
    serde_json::from_slice(&record?.value.0).ok()
}

/// Returns the generation of a state.
fn generation_of(record: Option<&Record>) -> Option<u32> {
    match state_of(record)? {
        IndexState::Ready { generation } | IndexState::Building { generation, .. } => Some(generation),
    }
}

/// Returns the record of a state.
pub(crate) fn state_record(state: &IndexState) -> Result<NewRecord> {
    let value = serde_json::to_vec(state).map_err(|error| Error::Encode {
        at: Box::default(),
        codec: Codec::Json,
        source: kv_store::codec::CodecError::new(error.to_string()),
    })?;
    Ok(NewRecord::new(value, Metadata::new(1, Codec::Json)))
}

/// Writes states, as one commit if the store can do that. Otherwise those before one that conflicts
/// are written.
pub(crate) async fn commit_states<S: Store>(store: &S, states: Vec<(Condition, Write)>) -> Result<Commit> {
    let scope = store.capabilities().limits.commit_scope;
    for part in by_scope(scope, states, |(condition, _)| &condition.key) {
        let (conditions, writes): (Vec<_>, Vec<_>) = part.into_iter().unzip();
        let commit = store.commit(conditions, writes.into()).await?;
        if commit != Commit::Done {
            return Ok(commit);
        }
    }
    Ok(Commit::Done)
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Makes the indexes of an empty collection ready, and those of an older definition unready, once for
    /// each handle. Fails if the store keeps no indexes.
    pub(crate) async fn make_ready(&self) -> Result<()> {
        check_supported(self)?;
        let indexes = self.kv.indexes();
        if indexes.is_known::<E>() {
            return Ok(());
        }
        Box::pin(self.make_fresh_ready()).await.map_err(named::<E>)?;
        indexes.learn::<E>();
        Ok(())
    }

    pub(super) async fn make_fresh_ready(&self) -> Result<()> {
        let store = self.store();
        let keys: Vec<Key> = E::INDEXES.iter().map(state_key::<E>).collect();
        let states = store.get_many(&keys, GetOptions::new()).await?;
        let is_alone = store.capabilities().sharing == Sharing::Exclusive;
        let is_new = |(schema, state): (&IndexSchema, &Option<Record>)| match generation_of(state.as_ref()) {
            Some(generation) => generation < schema.generation_number(),
            None => is_alone && state.is_none(),
        };
        if !E::INDEXES.iter().zip(&states).any(is_new) {
            return Ok(());
        }
        let mut new_states = Vec::new();
        for ((schema, key), state) in E::INDEXES.iter().zip(keys).zip(&states) {
            if !is_new((schema, state)) {
                continue;
            }
            let generation = schema.generation_number();
            let is_empty = is_alone && !self.has_records(schema).await?;
            let expect = match state {
                // Lookups of the older definition would miss what is written from now on.
                Some(record) => Expect::Revision(record.revision.clone()),
                None if is_empty => Expect::Absent,
                None => continue,
            };
            let new = match is_empty {
                true => IndexState::Ready { generation },
                false => IndexState::Building { generation, cursor: None, unfit: 0 },
            };
            new_states.push((Condition::new(key.clone(), expect), Write::Put(key, state_record(&new)?)));
        }
        // If another handle was faster, its state holds.
        match commit_states(store, new_states).await {
            // Only a later call finds out. This one has not written its entity, and may be repeated.
            Err(Error::OutcomeUnknown { at, source }) => Err(Error::Store {
                at,
                action: "make its indexes ready",
                why: Some("nothing of the entity was written"),
                retryable: true,
                source,
            }),
            done => done.map(drop),
        }
    }

    /// Whether there is any record of the group that has the index. After many keys of other groups
    /// it says yes.
    async fn has_records(&self, schema: &IndexSchema) -> Result<bool> {
        let prefix = KeyBuilder::new(E::SCHEMA.prefix, E::SCHEMA.ids).finish_prefix();
        let mut query = ListQuery::new(prefix).with_content(Content::Keys).with_limit(1);
        if let Some(name) = E::SCHEMA.groups.get(schema.group()).and_then(GroupSchema::name) {
            query = query.with_suffix(format!(":{name}"));
        }
        for _ in 0..PASSES {
            let mut is_found = false;
            let cursor = self.store().list(&query, |_, _| is_found = true).await?;
            if is_found || cursor.is_none() {
                return Ok(is_found);
            }
            query = query.with_cursor(cursor);
        }
        Ok(true)
    }
}
