//! Limits on what bytes may ask of a reader: how deeply values nest, and how many there are.
//!
//! Some formats read a recursive type (`enum Tree { Leaf, Node(Box<Tree>) }`) as deeply as the
//! bytes say. A few thousand hostile bytes then overflow the stack, which ends the process.
//! serde_json has its own limit. And elements that take no bytes, as in a `Vec<()>`, may be as many
//! as a length can express, and would take years to read.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

/// serde_json's number, which is a few hundred KiB of stack in a debug build.
const LIMIT: u8 = 128;

/// How many elements a value may have that take no bytes.
const EMPTY_ELEMENTS: usize = 1 << 16;

#[derive(Debug, thiserror::Error)]
pub(super) enum Fault<E> {
    #[error("the value is nested more than {} levels deep", LIMIT)]
    TooDeep,
    #[error("a list or map has more than {} elements that take no bytes", EMPTY_ELEMENTS)]
    TooMany,
    #[error("{0}")]
    Format(E),
}

/// Reads a value that nests at most [`LIMIT`] levels deep, within the limits. [`Limits::fault`] says
/// what an error means: converting it here would move every value once more.
#[inline]
pub(super) fn deserialize<'de, T, D>(deserializer: D, limits: &Limits) -> Result<T, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let depth = Depth { levels: LIMIT, wraps: LIMIT, is_counted: false, limits };
    T::deserialize(Limited { inner: deserializer, depth })
}

/// What all parts of a value share.
pub(super) struct Limits {
    /// How many more elements the value may have.
    elements: Cell<usize>,
    /// Why it failed, as the format's own error may have no place for a message.
    exceeded: Cell<Option<Limit>>,
}

impl Limits {
    /// Returns the limits of a value of so many bytes: it has at most as many elements, plus some
    /// that take no bytes.
    pub(super) fn of(bytes: usize) -> Self {
        Self { elements: Cell::new(bytes.saturating_add(EMPTY_ELEMENTS)), exceeded: Cell::new(None) }
    }

    /// Returns why reading ended with this error.
    pub(super) fn fault<E>(&self, error: E) -> Fault<E> {
        match self.exceeded.get() {
            Some(Limit::Depth) => Fault::TooDeep,
            Some(Limit::Elements) => Fault::TooMany,
            None => Fault::Format(error),
        }
    }
}

#[derive(Clone, Copy)]
enum Limit {
    Depth,
    Elements,
}

/// How much deeper a value may go.
#[derive(Clone, Copy)]
struct Depth<'a> {
    /// What JSON counts too: sequences, maps, structs, and variants that hold something. Empty
    /// ones, too.
    levels: u8,
    /// What JSON does not write: the insides of options and newtypes. They have a limit of their
    /// own, so that a list by `Option<Box<Self>>` may be as long as in JSON.
    wraps: u8,
    /// Whether the bytes say how many elements there are, and not the type.
    is_counted: bool,
    limits: &'a Limits,
}

impl Depth<'_> {
    #[inline]
    fn nest<E: de::Error>(self) -> Result<Self, E> {
        let levels = self.less(self.levels)?;
        Ok(Self { levels, ..self })
    }

    #[inline]
    fn wrap<E: de::Error>(self) -> Result<Self, E> {
        let wraps = self.less(self.wraps)?;
        Ok(Self { wraps, ..self })
    }

    fn less<E: de::Error>(self, left: u8) -> Result<u8, E> {
        left.checked_sub(1).ok_or_else(|| {
            self.limits.exceeded.set(Some(Limit::Depth));
            E::custom("nested too deep")
        })
    }

    /// Counts an element of a list or map.
    #[inline]
    fn count<E: de::Error>(self) -> Result<(), E> {
        if self.is_counted {
            let left = self.limits.elements.get().checked_sub(1).ok_or_else(|| {
                self.limits.exceeded.set(Some(Limit::Elements));
                E::custom("too many elements")
            })?;
            self.limits.elements.set(left);
        }
        Ok(())
    }
}

/// Any party to reading a value. Each hands its limited self to the next, and otherwise does what
/// the inner one does.
struct Limited<'a, T> {
    inner: T,
    depth: Depth<'a>,
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Limited<'_, T> {
    type Value = T::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<T::Value, D::Error> {
        self.inner.deserialize(Limited { inner, depth: self.depth })
    }
}

/// What has parts.
macro_rules! compounds {
    ($is_counted:literal: $($method:ident($($name:ident: $type:ty),*);)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, $($name: $type,)* inner: V) -> Result<V::Value, T::Error> {
            let depth = Depth { is_counted: $is_counted, ..self.depth };
            self.inner.$method($($name,)* Limited { inner, depth })
        }
    )*};
}

/// Types without nested values: the visitor is passed on unchanged.
macro_rules! scalars {
    ($($method:ident($($name:ident: $type:ty)?);)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, $($name: $type,)? visitor: V) -> Result<V::Value, T::Error> {
            self.inner.$method($($name,)? visitor)
        }
    )*};
}

impl<'de, T: Deserializer<'de>> Deserializer<'de> for Limited<'_, T> {
    type Error = T::Error;

    compounds! { true: deserialize_seq(); deserialize_map(); }

    compounds! { false:
        deserialize_any(); deserialize_option(); deserialize_newtype_struct(name: &'static str);
        deserialize_tuple(len: usize); deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]); deserialize_ignored_any();
    }

    scalars! {
        deserialize_bool(); deserialize_i8(); deserialize_i16(); deserialize_i32(); deserialize_i64();
        deserialize_i128(); deserialize_u8(); deserialize_u16(); deserialize_u32(); deserialize_u64();
        deserialize_u128(); deserialize_f32(); deserialize_f64(); deserialize_char(); deserialize_str();
        deserialize_string(); deserialize_bytes(); deserialize_byte_buf(); deserialize_unit();
        deserialize_unit_struct(name: &'static str); deserialize_identifier();
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! visit {
    ($($method:ident($($name:ident: $type:ty)?);)*) => {$(
        fn $method<E: de::Error>(self, $($name: $type)?) -> Result<T::Value, E> {
            self.inner.$method($($name)?)
        }
    )*};
}

impl<'de, T: Visitor<'de>> Visitor<'de> for Limited<'_, T> {
    type Value = T::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visit! {
        visit_bool(value: bool); visit_i8(value: i8); visit_i16(value: i16); visit_i32(value: i32);
        visit_i64(value: i64); visit_i128(value: i128); visit_u8(value: u8); visit_u16(value: u16);
        visit_u32(value: u32); visit_u64(value: u64); visit_u128(value: u128); visit_f32(value: f32);
        visit_f64(value: f64); visit_char(value: char); visit_str(value: &str);
        visit_borrowed_str(value: &'de str); visit_string(value: String); visit_bytes(value: &[u8]);
        visit_borrowed_bytes(value: &'de [u8]); visit_byte_buf(value: Vec<u8>); visit_none(); visit_unit();
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<T::Value, D::Error> {
        let depth = self.depth.wrap()?;
        self.inner.visit_some(Limited { inner, depth })
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<T::Value, D::Error> {
        let depth = self.depth.wrap()?;
        self.inner.visit_newtype_struct(Limited { inner, depth })
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<T::Value, A::Error> {
        let depth = self.depth.nest()?;
        self.inner.visit_seq(Limited { inner, depth })
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<T::Value, A::Error> {
        let depth = self.depth.nest()?;
        self.inner.visit_map(Limited { inner, depth })
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<T::Value, A::Error> {
        self.inner.visit_enum(Limited { inner, depth: self.depth })
    }
}

impl<'de, T: SeqAccess<'de>> SeqAccess<'de> for Limited<'_, T> {
    type Error = T::Error;

    /// A call for each field and element costs a list a twentieth, and compilers make it one when
    /// they are left to choose.
    #[inline(always)]
    fn next_element<S: Deserialize<'de>>(&mut self) -> Result<Option<S>, T::Error> {
        self.next_element_seed(PhantomData)
    }

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, inner: S) -> Result<Option<S::Value>, T::Error> {
        // Returned as it is: taking it apart would move every field.
        let element = self.inner.next_element_seed(Limited { inner, depth: self.depth });
        if matches!(element, Ok(Some(_))) {
            self.depth.count()?;
        }
        element
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, T: MapAccess<'de>> MapAccess<'de> for Limited<'_, T> {
    type Error = T::Error;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, inner: S) -> Result<Option<S::Value>, T::Error> {
        let key = self.inner.next_key_seed(Limited { inner, depth: self.depth });
        if matches!(key, Ok(Some(_))) {
            self.depth.count()?;
        }
        key
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, inner: S) -> Result<S::Value, T::Error> {
        self.inner.next_value_seed(Limited { inner, depth: self.depth })
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, 'a, T: EnumAccess<'de>> EnumAccess<'de> for Limited<'a, T> {
    type Error = T::Error;
    type Variant = Limited<'a, T::Variant>;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), T::Error> {
        // The variant's name or number: nothing is within it.
        let (variant, inner) = self.inner.variant_seed(seed)?;
        Ok((variant, Limited { inner, depth: self.depth }))
    }
}

impl<'de, T: VariantAccess<'de>> VariantAccess<'de> for Limited<'_, T> {
    type Error = T::Error;

    #[inline]
    fn unit_variant(self) -> Result<(), T::Error> {
        self.inner.unit_variant()
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, inner: S) -> Result<S::Value, T::Error> {
        let depth = self.depth.nest()?;
        self.inner.newtype_variant_seed(Limited { inner, depth })
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, inner: V) -> Result<V::Value, T::Error> {
        self.inner.tuple_variant(len, Limited { inner, depth: self.depth })
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        inner: V,
    ) -> Result<V::Value, T::Error> {
        self.inner.struct_variant(fields, Limited { inner, depth: self.depth })
    }
}

#[cfg(test)]
mod tests;
