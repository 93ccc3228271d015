//! The values of a whole index: of one field or several.

use std::marker::PhantomData;

use super::parts::IndexParts;
use super::value::IndexValue;

/// The values of an index, or the rest of them: the type of a field, or a tuple of two to six.
pub trait IndexKey: 'static {
    /// The form in which calls take the values: that of [`IndexValue::Ref`], or a tuple of these.
    /// The value of an `Option` alone is that in the `Option`, because a missing one has no entry.
    type Ref<'a>;

    /// The first value.
    type Next: IndexValue;

    /// The function that is applied to each value.
    type Normaliser: Copy + Send + Sync + 'static;

    /// Appends the values.
    fn write_ref(value: Self::Ref<'_>, normaliser: Option<Self::Normaliser>, parts: &mut IndexParts);
}

/// The values of an index over several fields.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is the only field of the index, so there is nothing to go into",
    label = "`within` takes one of several fields",
    note = "use `equal`, `range` or `starts_with`"
)]
pub trait Composite: IndexKey {
    /// The others, of one at least.
    type Rest: IndexKey;
}

/// The function that is applied to a value of type `V`.
pub type Normaliser<V> = fn(&<V as IndexValue>::Inner) -> <V as IndexValue>::Inner;

#[diagnostic::do_not_recommend]
impl<V: IndexValue> IndexKey for V {
    type Ref<'a> = <V::Inner as IndexValue>::Ref<'a>;
    type Next = V;
    type Normaliser = Normaliser<V>;

    fn write_ref(value: Self::Ref<'_>, normaliser: Option<Self::Normaliser>, parts: &mut IndexParts) {
        match normaliser {
            Some(normaliser) => V::write_inner(&normaliser(&V::Inner::owned(value)), parts),
            None => V::write_inner_ref(&value, parts),
        }
    }
}

/// Appends a value that a function is applied to. Generated code calls it.
pub fn write_normalised<V: IndexValue>(value: &V, normaliser: Normaliser<V>, parts: &mut IndexParts) {
    match value.inner() {
        Some(inner) => V::write_inner(&normaliser(inner), parts),
        None => value.write(parts),
    }
}

/// There is no function for several fields.
#[derive(Clone, Copy, Debug)]
pub enum NoNormaliser {}

macro_rules! tuple_keys {
    ($($($name:ident $at:tt),+;)*) => {$(
        impl<$($name: IndexValue),+> IndexKey for ($($name,)+) {
            type Ref<'a> = ($($name::Ref<'a>,)+);
            type Next = tuple_keys!(@first $($name)+);
            type Normaliser = NoNormaliser;

            fn write_ref(value: Self::Ref<'_>, _: Option<NoNormaliser>, parts: &mut IndexParts) {
                $($name::write_ref(&value.$at, parts);)+
            }
        }
    )*};
    (@first $first:ident $($rest:ident)*) => { $first };
}

tuple_keys! {
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
}

/// The last of several fields, whose missing value has an entry.
#[doc(hidden)]
#[derive(Debug)]
pub struct Last<V>(PhantomData<V>);

impl<V: IndexValue> IndexKey for Last<V> {
    type Ref<'a> = V::Ref<'a>;
    type Next = V;
    type Normaliser = NoNormaliser;

    fn write_ref(value: V::Ref<'_>, _: Option<NoNormaliser>, parts: &mut IndexParts) {
        V::write_ref(&value, parts);
    }
}

macro_rules! composites {
    ($($first:ident $($name:ident)+ => $rest:ty;)*) => {$(
        impl<$first: IndexValue, $($name: IndexValue),+> Composite for ($first, $($name,)+) {
            type Rest = $rest;
        }
    )*};
}

composites! {
    A B => Last<B>;
    A B C => (B, C);
    A B C D => (B, C, D);
    A B C D E => (B, C, D, E);
    A B C D E F => (B, C, D, E, F);
}
