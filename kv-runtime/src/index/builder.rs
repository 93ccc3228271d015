//! What is looked up in an index: within which values, how much, and from where on.

use std::fmt;
use std::ops::{Bound, RangeBounds};

use kv_store::index::{Composite, IndexKey, IndexParts, IndexText, IndexValue};
use kv_store::store::{Cursor, IndexStore};

use super::range::Selected;
use super::state::schema_of;
use crate::collection::Collection;
use crate::collection::indexed::parts_of;
use crate::entity::{Handle, KvEntity};

/// The lookup form of the next value: of an `Option`, what it holds.
type Next<'a, V> = <<<V as IndexKey>::Next as IndexValue>::Inner as IndexValue>::Ref<'a>;

/// Lookups of an index: [`Collection::by`](crate::Collection::by).
///
/// Without further calls it selects all entities that the index has. `within` selects those with a
/// value of the first field, and leads to the fields behind it; `equal`, `range` and `starts_with`
/// select by the next field. Then `page`, `stream` or `count` reads. Results come in the order of
/// their values, and those with equal values in the order of their ids.
#[must_use = "a lookup does nothing until `page`, `stream` or `count` is called"]
pub struct ByIndex<E, S, V: IndexKey> {
    pub(super) lookup: Lookup<E, S>,
    normaliser: Option<V::Normaliser>,
}

/// A lookup that returns ids: [`ByIndex::ids`].
#[must_use = "a lookup does nothing until `page` or `stream` is called"]
pub struct ByIndexIds<E, S>(pub(super) Lookup<E, S>);

/// A lookup without the types of its values.
pub(super) struct Lookup<E, S> {
    pub(super) collection: Collection<E, S>,
    pub(super) number: usize,
    pub(super) selected: Selected,
    pub(super) is_reverse: bool,
    pub(super) limit: Option<usize>,
    pub(super) cursor: Option<Cursor>,
}

impl<E: KvEntity, S: IndexStore, V: IndexKey> ByIndex<E, S, V> {
    pub(super) fn new(collection: Collection<E, S>, handle: Handle<E, V>) -> Self {
        let lookup = Lookup {
            collection,
            number: handle.number,
            selected: Selected::all(parts_of::<E>(schema_of::<E>(handle.number))),
            is_reverse: false,
            limit: None,
            cursor: None,
        };
        Self { lookup, normaliser: handle.normaliser }
    }

    /// Selects the entities with this value, or these values if the index has several fields. Of
    /// `equal`, `range` and `starts_with` the last one counts.
    pub fn equal(mut self, value: V::Ref<'_>) -> Self {
        let normaliser = self.normaliser;
        self.lookup.selected.equal(|parts| V::write_ref(value, normaliser, parts));
        self
    }

    /// Selects the entities whose first field has this value. What follows is about the other
    /// fields.
    pub fn within(mut self, value: <V::Next as IndexValue>::Ref<'_>) -> ByIndex<E, S, V::Rest>
    where
        V: Composite,
    {
        self.lookup.selected.within(|parts| <V::Next as IndexValue>::write_ref(&value, parts));
        ByIndex { lookup: self.lookup, normaliser: None }
    }

    /// Selects the entities whose next field is in this range: `range(1..10)`, `range("A".."M")`,
    /// `range(monday..)`. A missing value is in no range. If the index has a function for its
    /// values, the bounds are not passed to it.
    ///
    /// It does not compile for an enum, whose values have no order:
    ///
    /// ```compile_fail
    /// # use kv_runtime::{Kv, KvEntity, KvId, store::MemoryStore};
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(KvId, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    /// enum Plan {
    ///     Free,
    ///     Paid,
    /// }
    ///
    /// #[derive(KvEntity)]
    /// #[kv(prefix = "user")]
    /// struct User {
    ///     #[kv(id)]
    ///     id: u64,
    ///     #[kv(index)]
    ///     plan: Plan,
    /// }
    ///
    /// let users = Kv::new(MemoryStore::new()).collection::<User>();
    /// let _ = users.by(User::PLAN).range(Plan::Free..);
    /// ```
    pub fn range<'a>(mut self, range: impl RangeBounds<Next<'a, V>>) -> Self {
        const {
            assert!(
                <V::Next as IndexValue>::KIND.is_ordered(),
                "the values of an enum have no order, so there is no range of them: use `equal`"
            );
        }
        let (from, to) = (written::<V>(range.start_bound()), written::<V>(range.end_bound()));
        self.lookup.selected.range(from, to, V::Next::IS_OPTIONAL, false);
        self
    }

    /// Selects the entities whose next field is a text with this beginning. If the index has a
    /// function for its values, the beginning is not passed to it.
    pub fn starts_with<'a>(mut self, beginning: Next<'a, V>) -> Self
    where
        V::Next: IndexText,
    {
        let (from, to) =
            (written::<V>(Bound::Included(&beginning)), written::<V>(Bound::Included(&beginning)));
        self.lookup.selected.range(from, to, V::Next::IS_OPTIONAL, true);
        self
    }

    /// Returns the greatest values first.
    pub fn rev(mut self) -> Self {
        self.lookup.is_reverse = !self.lookup.is_reverse;
        self
    }

    /// Sets the maximum number of entities: of a page, which otherwise holds up to 1,000, or of a
    /// whole stream, which otherwise returns all. A page with a limit of 0 is
    /// [`Error::InvalidOptions`](crate::Error::InvalidOptions).
    pub fn limit(mut self, entities: usize) -> Self {
        self.lookup.limit = Some(entities);
        self
    }

    /// Begins after an earlier page of the same lookup. With `None` it begins at the start.
    ///
    /// A cursor names a place in the index and no entity, so it holds however many entities come and
    /// go meanwhile.
    pub fn cursor(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.lookup.cursor = cursor.into();
        self
    }

    /// Returns the same lookup of ids alone. It reads the entities all the same, because only they
    /// tell whether they still have the value.
    pub fn ids(self) -> ByIndexIds<E, S> {
        ByIndexIds(self.lookup)
    }
}

/// Returns a bound as an entry has it, but not shortened.
fn written<V: IndexKey>(bound: Bound<&Next<'_, V>>) -> Bound<IndexParts> {
    bound.map(|value| {
        let mut parts = IndexParts::whole();
        V::Next::write_inner_ref(value, &mut parts);
        parts
    })
}

impl<E, S> Clone for Lookup<E, S> {
    fn clone(&self) -> Self {
        Self {
            collection: self.collection.clone(),
            number: self.number,
            selected: self.selected.clone(),
            is_reverse: self.is_reverse,
            limit: self.limit,
            cursor: self.cursor.clone(),
        }
    }
}

impl<E, S, V: IndexKey> Clone for ByIndex<E, S, V> {
    fn clone(&self) -> Self {
        Self { lookup: self.lookup.clone(), normaliser: self.normaliser }
    }
}

/// Shows the index, and none of the values.
impl<E: KvEntity, S> fmt::Debug for Lookup<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup")
            .field("index", &schema_of::<E>(self.number).name())
            .field("is_reverse", &self.is_reverse)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<E: KvEntity, S, V: IndexKey> fmt::Debug for ByIndex<E, S, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByIndex").field(&self.lookup).finish()
    }
}

impl<E: KvEntity, S> fmt::Debug for ByIndexIds<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByIndexIds").field(&self.0).finish()
    }
}
