//! The types that can be indexed.

use super::parts::IndexParts;
use crate::key::{ByReference, IdKind, KvId, Lookup};
use crate::maybe_send::{MaybeSend, MaybeSync};
use crate::timestamp::Timestamp;

/// A type whose values can be indexed: the types of ids ([`KvId`]: integers, `bool`, `char`, text,
/// `Uuid`, newtypes of these and unit enums), [`Timestamp`], and an `Option` of one of these.
///
/// The order of an index is that of its values: numbers and moments by size, text by its bytes,
/// `false` before `true`, `None` before all others. Enums have no order, only equality.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be indexed",
    label = "not a type with an index",
    note = "integers, `bool`, `char`, `String`, `Box<str>`, `Arc<str>`, `Uuid` (feature `uuid`), `Timestamp` and `Option`s of these can be indexed",
    note = "a newtype of these or an enum of unit variants joins in by `#[derive(KvId)]`"
)]
pub trait IndexValue: MaybeSend + MaybeSync + Sized + 'static {
    /// What its parts of an entry look like.
    const KIND: IndexKind;

    /// Whether a value may be missing: whether it is an `Option`.
    const IS_OPTIONAL: bool;

    /// The type itself, or what an `Option` holds.
    type Inner: IndexValue;

    /// The form in which calls take a value: numbers, moments and enums by value, text as `&str`.
    type Ref<'a>: MaybeSend + MaybeSync;

    /// Returns the value in the form that calls take.
    fn pass(&self) -> Self::Ref<'_>;

    /// Returns the value of a form that calls take.
    fn owned(value: Self::Ref<'_>) -> Self;

    /// Returns the value, or what is in the `Option`.
    fn inner(&self) -> Option<&Self::Inner>;

    /// Appends the value as one part.
    fn write(&self, parts: &mut IndexParts);

    /// Appends a value in the form that calls take.
    fn write_ref(value: &Self::Ref<'_>, parts: &mut IndexParts);

    /// Appends a value that is not missing, as one part of this type.
    fn write_inner(value: &Self::Inner, parts: &mut IndexParts);

    /// Appends a value that is not missing, in the form that calls take.
    fn write_inner_ref(value: &<Self::Inner as IndexValue>::Ref<'_>, parts: &mut IndexParts);
}

/// What the parts of a type look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexKind {
    /// The type of an id.
    Id(IdKind),
    /// A moment.
    Timestamp,
}

impl IndexKind {
    /// Returns whether the values have an order, so that a range of them means something.
    #[must_use]
    pub const fn is_ordered(self) -> bool {
        !matches!(self, Self::Id(IdKind::Enum(_)))
    }
}

/// Text that is indexed, which can be looked up by its beginning.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not text, so it has no prefix to look up",
    label = "`starts_with` works on text",
    note = "use `range` for numbers and moments"
)]
pub trait IndexText: IndexValue {}

#[diagnostic::do_not_recommend]
impl<I: KvId<Passing = ByReference>> IndexText for I {}
#[diagnostic::do_not_recommend]
impl<T: IndexText + IndexValue<Inner = T>> IndexText for Option<T> {}

#[diagnostic::do_not_recommend]
impl<I: KvId> IndexValue for I {
    const KIND: IndexKind = IndexKind::Id(I::KIND);
    const IS_OPTIONAL: bool = false;

    type Inner = I;
    type Ref<'a> = <I as KvId>::Ref<'a>;

    fn pass(&self) -> Self::Ref<'_> {
        KvId::pass(self)
    }

    fn owned(value: Self::Ref<'_>) -> I {
        value.into_id()
    }

    fn inner(&self) -> Option<&I> {
        Some(self)
    }

    fn write(&self, parts: &mut IndexParts) {
        parts.part(|key| key.push(self));
    }

    fn write_ref(value: &Self::Ref<'_>, parts: &mut IndexParts) {
        parts.part(|key| Lookup::write(value, key));
    }

    fn write_inner(value: &I, parts: &mut IndexParts) {
        IndexValue::write(value, parts);
    }

    fn write_inner_ref(value: &Self::Ref<'_>, parts: &mut IndexParts) {
        Self::write_ref(value, parts);
    }
}

impl IndexValue for Timestamp {
    const KIND: IndexKind = IndexKind::Timestamp;
    const IS_OPTIONAL: bool = false;

    type Inner = Self;
    type Ref<'a> = Self;

    fn pass(&self) -> Self {
        *self
    }

    fn owned(value: Self) -> Self {
        value
    }

    fn inner(&self) -> Option<&Self> {
        Some(self)
    }

    fn write(&self, parts: &mut IndexParts) {
        parts.moment(*self);
    }

    fn write_ref(value: &Self, parts: &mut IndexParts) {
        parts.moment(*value);
    }

    fn write_inner(value: &Self, parts: &mut IndexParts) {
        parts.moment(*value);
    }

    fn write_inner_ref(value: &Self, parts: &mut IndexParts) {
        parts.moment(*value);
    }
}

impl<T: IndexValue<Inner = T>> IndexValue for Option<T> {
    const KIND: IndexKind = T::KIND;
    const IS_OPTIONAL: bool = true;

    type Inner = T;
    type Ref<'a> = Option<T::Ref<'a>>;

    fn pass(&self) -> Self::Ref<'_> {
        self.as_ref().map(IndexValue::pass)
    }

    fn owned(value: Self::Ref<'_>) -> Self {
        value.map(T::owned)
    }

    fn inner(&self) -> Option<&T> {
        self.as_ref()
    }

    fn write(&self, parts: &mut IndexParts) {
        match self {
            Some(value) => Self::write_inner(value, parts),
            None => parts.missing(),
        }
    }

    fn write_ref(value: &Self::Ref<'_>, parts: &mut IndexParts) {
        match value {
            Some(value) => Self::write_inner_ref(value, parts),
            None => parts.missing(),
        }
    }

    fn write_inner(value: &T, parts: &mut IndexParts) {
        parts.present();
        value.write(parts);
    }

    fn write_inner_ref(value: &T::Ref<'_>, parts: &mut IndexParts) {
        parts.present();
        T::write_ref(value, parts);
    }
}
