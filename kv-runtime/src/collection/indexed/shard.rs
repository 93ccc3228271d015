//! Which indexes a store can keep that commits one shard at a time, and where it keeps them.
//!
//! An index whose first field is the shard id has all entries and claims of an entity in the shard of
//! that entity. They are placed there in every store that knows shards, so an index survives if the
//! data moves from one server to a cluster.

use std::collections::HashMap;
use std::fmt::Write as _;

use kv_store::Error;
use kv_store::Result;
use kv_store::index::IndexParts;
use kv_store::key::{IdSchema, Key, KeyBuilder};
use kv_store::store::{CommitScope, Store, StoreExt};

use super::super::Collection;
use crate::entity::{IndexPart, IndexSchema, KvEntity};

/// Returns the shard id of an entity, if it has one.
fn shard_id<E: KvEntity>() -> Option<&'static IdSchema> {
    E::SCHEMA.ids.first().filter(|id| id.is_shard())
}

/// Whether all entries of an index are in the shards of their entities: whether its first field is
/// the shard id.
fn is_in_shard<E: KvEntity>(schema: &IndexSchema) -> bool {
    let first = schema.parts().first().map(IndexPart::field);
    shard_id::<E>().is_some_and(|id| first == Some(id.name()))
}

/// Begins the values of an index. Keys that are placed by them are in the shard of the first value,
/// if that is the shard id.
pub(crate) fn parts_of<E: KvEntity>(schema: &IndexSchema) -> IndexParts {
    if is_in_shard::<E>(schema) { IndexParts::in_shard() } else { IndexParts::new() }
}

/// Fails if the store commits one shard at a time, and the entity has an index with entries of
/// several shards.
pub(super) fn check_scope<E: KvEntity, S: Store>(collection: &Collection<E, S>) -> Result<()> {
    if collection.store().capabilities().limits.commit_scope == CommitScope::AnyKeys {
        return Ok(());
    }
    let Some(index) = E::INDEXES.iter().find(|index| !is_in_shard::<E>(index)) else { return Ok(()) };
    let at = collection.at(&named_index_key::<E>(index.name));
    Err(Error::IndexAcrossShards { at, index: index.name, advice: advice::<E>(index) })
}

/// Says by which attributes the index would be within shards.
fn advice<E: KvEntity>(index: &IndexSchema) -> String {
    // A shard of one entity would make every value unique.
    let can_be_shard = E::SCHEMA.ids.first().filter(|_| E::SCHEMA.ids.len() > 1);
    let first = shard_id::<E>().or(can_be_shard).map_or("tenant", IdSchema::name);
    let mut fields = first.to_owned();
    for part in index.parts().iter().filter(|part| part.field() != first) {
        let _ = write!(fields, ", {}", part.field());
    }
    let unique = if index.is_unique() { ", unique" } else { "" };
    let begin = format!("`#[kv(index(name = \"{}\", on({fields}){unique}))]`", index.name);
    match (shard_id::<E>(), can_be_shard) {
        (Some(_), _) => format!("begin it with the shard id on the struct: {begin}"),
        (None, Some(_)) => format!(
            "mark the first id, `{first}`, as `#[kv(id, shard)]`, and begin the index with it on the struct: {begin}"
        ),
        (None, None) => format!(
            "give the entity a first id that many share, such as a tenant, mark it `#[kv(id, shard)]`, and begin the index with \
             it on the struct: {begin}"
        ),
    }
}

/// Fails if a lookup is in no shard, and the store keeps the entries of each shard apart.
pub(crate) fn check_within<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    schema: &IndexSchema,
    index: &Key,
) -> Result<()> {
    let is_apart = collection.store().capabilities().indexes_by_shard && is_in_shard::<E>(schema);
    if !is_apart || index.shard().is_some() {
        return Ok(());
    }
    let id = shard_id::<E>().map_or("", IdSchema::name);
    let what = format!(
        "the store keeps the entries of `{}` apart for each `{id}`: select one by `within({id})`",
        schema.name
    );
    Err(Error::InvalidOptions { at: collection.at(index), what: what.into() })
}

/// Returns what the keys of all entries of an index begin with.
pub(crate) fn named_index_key<E: KvEntity>(index: &str) -> Key {
    KeyBuilder::entry(E::SCHEMA.prefix, index, "", true, &[]).finish_entry()
}

/// Returns what the keys of all entries and claims of an index begin with, once for each way in which
/// the store may have placed them. The index may have had other fields before.
pub(crate) fn index_keys<E: KvEntity, S: Store>(collection: &Collection<E, S>, index: &str) -> Vec<Key> {
    let key = named_index_key::<E>(index);
    let capabilities = collection.store().capabilities();
    if !capabilities.indexes_by_shard || shard_id::<E>().is_none() {
        return vec![key];
    }
    let sharded = IndexParts::in_shard().place(key.clone());
    match capabilities.limits.commit_scope {
        CommitScope::AnyKeys => vec![key, sharded],
        _ => vec![sharded],
    }
}

/// Splits what one call writes into parts that one commit may have, in the order in which their first
/// items come.
pub(crate) fn by_scope<T>(scope: CommitScope, items: Vec<T>, key: impl Fn(&T) -> &Key) -> Vec<Vec<T>> {
    if scope == CommitScope::AnyKeys {
        return if items.is_empty() { Vec::new() } else { vec![items] };
    }
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut parts: Vec<Vec<T>> = Vec::new();
    for item in items {
        let key = key(&item);
        let place = if scope == CommitScope::OneShard { key.placement() } else { key.entity_part() };
        let part = *places.entry(place.to_owned()).or_insert(parts.len());
        match parts.get_mut(part) {
            Some(part) => part.push(item),
            None => parts.push(vec![item]),
        }
    }
    parts
}
