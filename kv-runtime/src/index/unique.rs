//! Lookups of a unique value.

use std::fmt;

use futures_util::future::join;
use kv_store::index::IndexKey;
use kv_store::key::Key;
use kv_store::record::{Record, Revision};
use kv_store::store::{ClaimQuery, Claimed, Commit, IndexStore, Store, StoreExt};
use kv_store::{BoxFuture, Error, Result};

use super::state::{Reading, schema_of};
use crate::collection::indexed::{Of, holder_of, index_key, parts_of};
#[cfg(feature = "cache")]
use crate::collection::indexed::{entry_of, id_of};
use crate::collection::{Collection, span};
use crate::entity::{Handle, KvEntity};
use crate::small::Instrument;

/// How often a lookup follows a value that moves from entity to entity.
const MAX_ATTEMPTS: u32 = 32;

/// Lookups of a unique index: [`Collection::by`](crate::Collection::by).
///
/// Calls take the value as ids are taken: numbers and moments by value, text as `&str`, and the
/// values of several fields as a tuple.
///
/// A call reads the claim of the value and then the entity. It returns an entity only if that has the
/// value, and none only if no entity had it at some moment of the call.
#[must_use = "a lookup does nothing until `get` is called, `get_many`, `exists` or `delete`"]
pub struct ByUnique<E, S, V: IndexKey> {
    collection: Collection<E, S>,
    handle: Handle<E, V>,
}

/// What a claim leads to.
enum Led<E> {
    To(E, Key),
    /// To an entity that is gone or has another value.
    Astray,
    Nowhere,
}

impl<E: KvEntity, S: IndexStore, V: IndexKey> ByUnique<E, S, V> {
    pub(super) const fn new(collection: Collection<E, S>, handle: Handle<E, V>) -> Self {
        Self { collection, handle }
    }

    /// Returns the entity with this value, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::IndexNotReady`] if the index was not built yet. Otherwise as
    /// [`Collection::get`](crate::Collection::get).
    pub fn get(&self, value: V::Ref<'_>) -> impl Future<Output = Result<Option<E>>> + use<'_, E, S, V> {
        let claim = self.claim(value);
        async move {
            let span = self.span("get_by", &claim);
            async { Ok(self.find(&claim).await?.map(|(entity, _)| entity)) }.instrument(span).await
        }
    }

    /// Returns one answer for each value, in their order.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get). One entity that cannot be read fails the call.
    pub fn get_many<'v>(
        &self,
        values: impl IntoIterator<Item = V::Ref<'v>>,
    ) -> BoxFuture<'_, Result<Vec<Option<E>>>> {
        let each = self.get_each(values);
        // Boxed, as the type of an `impl Future` would repeat the bound.
        Box::pin(async move { each.await?.into_iter().collect() })
    }

    /// Returns one answer for each value, in their order: the entity, `None`, or the error of an entity
    /// that cannot be read, as [`Collection::get_each`](crate::Collection::get_each).
    ///
    /// # Errors
    ///
    /// [`Error::IndexNotReady`] if the index was not built yet, and the store's errors. These fail the
    /// call.
    pub fn get_each<'v>(
        &self,
        values: impl IntoIterator<Item = V::Ref<'v>>,
    ) -> BoxFuture<'_, Result<Vec<Result<Option<E>>>>> {
        let claims: Vec<Key> = values.into_iter().map(|value| self.claim(value)).collect();
        Box::pin(async move {
            let mut found = Vec::with_capacity(claims.len());
            for claim in &claims {
                let span = self.span("get_by", claim);
                found.push(match async { self.find(claim).await }.instrument(span).await {
                    Ok(one) => Ok(one.map(|(entity, _)| entity)),
                    Err(error) if error.is_of_an_entity() || error.is_of_a_read() => Err(error),
                    Err(error) => return Err(error),
                });
            }
            Ok(found)
        })
    }

    /// Returns whether an entity has this value. It reads the entity.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    pub fn exists(&self, value: V::Ref<'_>) -> impl Future<Output = Result<bool>> + use<'_, E, S, V> {
        let found = self.get(value);
        async move { Ok(found.await?.is_some()) }
    }

    /// Removes the entity with this value, all of its groups, and returns whether there was one. An
    /// entity that gets another value meanwhile stays.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), and [`Error::Conflict`] if other writers were faster each time.
    pub fn delete(&self, value: V::Ref<'_>) -> impl Future<Output = Result<bool>> + use<'_, E, S, V> {
        let claim = self.claim(value);
        async move {
            let span = self.span("delete_by", &claim);
            self.delete_at(&claim).instrument(span).await
        }
    }

    async fn delete_at(&self, claim: &Key) -> Result<bool> {
        for attempt in 0..MAX_ATTEMPTS {
            let Some((_, anchor)) = self.find(claim).await? else { return Ok(false) };
            if let Some(Commit::Done) =
                self.collection.delete_holder(&anchor, self.handle.number, claim).await?
            {
                return Ok(true);
            }
            let longest = std::time::Duration::from_millis(1 << attempt.min(6));
            self.collection.info().clock().timer().pause(longest.mul_f64(fastrand::f64())).await;
        }
        Err(self.lost(claim))
    }

    /// The key of the claim of a value.
    pub(crate) fn claim(&self, value: V::Ref<'_>) -> Key {
        let schema = schema_of::<E>(self.handle.number);
        let mut parts = parts_of::<E>(schema);
        V::write_ref(value, self.handle.normaliser, &mut parts);
        index_key::<E>(schema, &parts)
    }

    pub(crate) async fn find(&self, claim: &Key) -> Result<Option<(E, Key)>> {
        let reading = Reading::new(&self.collection, self.handle.number)?;
        let (mut found, mut begun) = self.read_claim(&reading, claim).await?;
        for _ in 0..MAX_ATTEMPTS {
            let records = found.records.take();
            let is_of_one_moment = records.is_some();
            let follow = self.follow(claim, found.claim.as_ref(), records);
            let led = match &begun {
                None => follow.await?,
                Some(since) => {
                    let (led, was_ready) = join(follow, reading.was_ready_since(since)).await;
                    if !was_ready? {
                        (found, begun) = self.read_claim(&reading, claim).await?;
                        continue;
                    }
                    led?
                }
            };
            match led {
                Led::To(entity, anchor) => return Ok(Some((entity, anchor))),
                Led::Nowhere => return Ok(None),
                // An entity that gets a value claims it in the same commit.
                Led::Astray if is_of_one_moment => return Ok(None),
                Led::Astray => {}
            }
            // The value may have moved after the claim was read and before the entity was.
            let before = found.claim.map(|claim| claim.revision);
            (found, begun) = self.read_claim(&reading, claim).await?;
            if before == found.claim.as_ref().map(|claim| claim.revision.clone()) {
                return Ok(None);
            }
        }
        Err(self.lost(claim))
    }

    /// Reads the claim of a value, and with it the records of its entity if the store can do that in
    /// one round trip. Fails if the index was not ready then.
    ///
    /// The reads of some stores are not of one moment. Then it returns a revision of the state from
    /// before, and the caller asks whether the index was [ready since](Reading::was_ready_since).
    async fn read_claim(
        &self,
        reading: &Reading<'_, E, S>,
        claim: &Key,
    ) -> Result<(Claimed, Option<Revision>)> {
        let store = self.collection.store();
        if !store.capabilities().snapshot_reads {
            let begun = reading.begin().await?;
            let claim = store.read(claim).await.map_err(|error| error.of_entity(E::SCHEMA.name))?;
            return Ok((Claimed::new(claim, None), Some(begun)));
        }
        let query = Collection::<E, S>::claim_query(claim, &reading.state);
        // State and claim are read at one moment. A claim that was read before the index became ready
        // says nothing.
        let found = self.read(&query).await?;
        if reading.is_ready(found.also.as_ref()) {
            return Ok((found, None));
        }
        reading.ready(found.also.as_ref()).await?;
        let found = self.read(&query).await?;
        if reading.is_ready(found.also.as_ref()) { Ok((found, None)) } else { Err(reading.not_ready()) }
    }

    async fn read(&self, query: &ClaimQuery) -> Result<Claimed> {
        let found = self.collection.store().claim(query).await;
        found.map_err(|error| error.of_entity(E::SCHEMA.name))
    }

    /// Follows a claim to its entity, whose records may have been read with it.
    async fn follow(
        &self,
        key: &Key,
        claim: Option<&Record>,
        records: Option<Vec<Option<Record>>>,
    ) -> Result<Led<E>> {
        let Some(claim) = claim else { return Ok(Led::Nowhere) };
        let anchor = holder_of(&Of(self.collection.clone()), key, claim)?;
        Ok(match self.collection.find_entered(&anchor, self.handle.number, records).await? {
            Some((entity, Some(entry))) if entry == *key => Led::To(entity, anchor),
            _ => Led::Astray,
        })
    }

    fn lost(&self, claim: &Key) -> Error {
        Error::Conflict { at: self.collection.at(claim), attempts: MAX_ATTEMPTS, why: None }
    }

    fn span(&self, operation: &'static str, claim: &Key) -> tracing::Span {
        span(operation, E::SCHEMA.name, self.collection.info().name(), claim)
    }
}

/// What a cache asks.
#[cfg(feature = "cache")]
impl<E: KvEntity, S: IndexStore, V: IndexKey> ByUnique<E, S, V> {
    /// Returns the id of the entity that has claimed a value, whether or not it still has it.
    pub(crate) async fn holder(&self, claim: &Key) -> Result<Option<E::Id>> {
        let reading = Reading::new(&self.collection, self.handle.number)?;
        for _ in 0..MAX_ATTEMPTS {
            let (found, begun) = self.read_claim(&reading, claim).await?;
            if let Some(begun) = begun
                && !reading.was_ready_since(&begun).await?
            {
                continue;
            }
            let Some(found) = found.claim else { return Ok(None) };
            return Ok(id_of::<E>(&holder_of(&Of(self.collection.clone()), claim, &found)?));
        }
        Err(self.lost(claim))
    }

    /// Whether an entity alone shows whether it has a value. Where the group may be absent, its
    /// fields have values all the same, and only the records show it.
    pub(crate) fn is_decided_by_value(&self) -> bool {
        let group = E::SCHEMA.groups.get(schema_of::<E>(self.handle.number).group());
        group.is_some_and(|group| !group.is_optional())
    }

    /// Whether the entity has the value of this claim.
    pub(crate) fn has_claim(&self, entity: &E, claim: &Key) -> bool {
        entry_of(entity, self.handle.number).as_ref() == Some(claim)
    }
}

impl<E: KvEntity, S: Store, V: IndexKey> fmt::Debug for ByUnique<E, S, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = schema_of::<E>(self.handle.number).name();
        f.debug_struct("ByUnique").field("collection", &self.collection).field("index", &index).finish()
    }
}
