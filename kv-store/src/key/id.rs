//! What can be an id: one segment of a key; and how calls take it.
//!
//! A call takes one type, so that a wrong id is one compile error, and `&String` becomes `&str`:
//! numbers by value, text by reference, and a newtype of either in its own type.

use std::sync::Arc;

use super::escape::unescape;
use super::lookup::Lookup;
use super::schema::IdKind;
use super::traits::IdTraits;
use super::writer::{IdWriter, Segment};
use crate::maybe_send::{MaybeSend, MaybeSync};

/// A type that can stand as one id in a key: integers, `bool`, `char`, `String`, `Box<str>`,
/// `Arc<str>`, `uuid::Uuid` (feature `uuid`), and newtypes and unit enums with
/// [`#[derive(KvId)]`](https://docs.rs/kv-runtime/latest/kv_runtime/derive.KvId.html).
///
/// Calls take an id as [`Ref`](Self::Ref): numbers, `bool`, `char`, `Uuid` and enums by value, text
/// as `&str`. A newtype keeps its type: `UserId` around a number is passed by value, and `OrgId`
/// around text as `&OrgId`. What it holds does not name it, so ids of two kinds are not mixed up.
///
/// `decode` accepts exactly what `encode` writes. Any other spelling of an id belongs to no key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an id",
    label = "not an id type",
    note = "ids are integers, bool, char, String, Box<str>, Arc<str> and Uuid (feature `uuid`)",
    note = "a newtype of these or an enum of unit variants joins in by `#[derive(KvId)]`"
)]
pub trait KvId: IdTraits {
    /// What its segments look like.
    const KIND: IdKind;

    /// The form in which calls take the id.
    type Ref<'a>: Lookup<Self> + MaybeSend + MaybeSync;

    /// How newtypes around it are passed.
    type Passing: Passing;

    /// Returns the id in the form that calls take.
    fn pass(&self) -> Self::Ref<'_>;

    /// Writes the id as one segment.
    fn encode(&self, out: &mut IdWriter<'_>);

    /// Reads a segment; nothing if it is not the canonical spelling of an id of this type.
    fn decode(segment: &str, ordered: bool) -> Option<Self>;
}

impl<I: KvId> Segment for I {
    fn write_segment(&self, out: &mut IdWriter<'_>) {
        self.encode(out);
    }
}

/// How an id type and the newtypes around it are passed to calls: [`ByValue`] or [`ByReference`].
pub trait Passing: sealed::Sealed {
    /// The type that calls take for ids of type `I`.
    type Ref<'a, I>: Lookup<I> + MaybeSend + MaybeSync
    where
        I: KvId + Lookup<I>,
        for<'b> &'b I: Lookup<I>;

    /// Returns the id as calls take it.
    fn pass<I>(id: &I) -> Self::Ref<'_, I>
    where
        I: KvId + Lookup<I>,
        for<'b> &'b I: Lookup<I>;
}

/// Numbers, `bool`, `char`, `Uuid`, enums, and newtypes of these.
#[derive(Debug)]
pub enum ByValue {}

/// Text, which is passed as `&str`, and newtypes of text: `&OrgId`.
#[derive(Debug)]
pub enum ByReference {}

impl Passing for ByValue {
    type Ref<'a, I>
        = I
    where
        I: KvId + Lookup<I>,
        for<'b> &'b I: Lookup<I>;

    fn pass<I>(id: &I) -> I
    where
        I: KvId + Lookup<I>,
        for<'b> &'b I: Lookup<I>,
    {
        id.clone()
    }
}

impl Passing for ByReference {
    type Ref<'a, I>
        = &'a I
    where
        I: KvId + Lookup<I>,
        for<'b> &'b I: Lookup<I>;

    fn pass<I>(id: &I) -> &I
    where
        I: KvId + Lookup<I>,
        for<'b> &'b I: Lookup<I>,
    {
        id
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::ByValue {}
    impl Sealed for super::ByReference {}
}

/// Whether `digits` is how a number of this width is written: no sign, no spaces, nothing missing.
fn is_padded(digits: &str, width: usize) -> bool {
    digits.len() == width && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `digits` has no `+`, no leading zero and no `-0`, as `parse` would let pass.
fn is_canonical_decimal(digits: &str) -> bool {
    matches!(digits.as_bytes(), [b'0'] | [b'1'..=b'9', ..] | [b'-', b'1'..=b'9', ..])
}

/// An id that is passed as it is.
macro_rules! by_value {
    () => {
        type Ref<'a> = Self;

        type Passing = ByValue;

        fn pass(&self) -> Self {
            *self
        }
    };
}

/// `ordered` integers: the unsigned number of the same size in which `offset` moves negatives below
/// the others.
macro_rules! integer_ids {
    ($($int:ty as $unsigned:ty, signed: $signed:literal, width: $width:literal;)*) => {$(
        impl KvId for $int {
            const KIND: IdKind = IdKind::Integer { signed: $signed, bits: <$unsigned>::BITS };

            by_value!();

            fn encode(&self, out: &mut IdWriter<'_>) {
                let mut buffer = itoa::Buffer::new();
                if out.ordered {
                    const OFFSET: $unsigned = if $signed { 1 << (<$unsigned>::BITS - 1) } else { 0 };
                    out.padded(buffer.format((*self as $unsigned) ^ OFFSET), $width);
                } else {
                    out.plain(buffer.format(*self));
                }
            }

            fn decode(segment: &str, ordered: bool) -> Option<Self> {
                if ordered {
                    const OFFSET: $unsigned = if $signed { 1 << (<$unsigned>::BITS - 1) } else { 0 };
                    let number: $unsigned = is_padded(segment, $width).then(|| segment.parse().ok())??;
                    // On a 32-bit machine an id of 64 bits may not fit `usize`. There it is not a
                    // valid id.
                    let id = (number ^ OFFSET) as $int;
                    (id as $unsigned == number ^ OFFSET).then_some(id)
                } else {
                    is_canonical_decimal(segment).then(|| segment.parse().ok())?
                }
            }
        }
    )*};
}

integer_ids! {
    u8 as u8, signed: false, width: 3;
    u16 as u16, signed: false, width: 5;
    u32 as u32, signed: false, width: 10;
    u64 as u64, signed: false, width: 20;
    u128 as u128, signed: false, width: 39;
    usize as u64, signed: false, width: 20;
    i8 as u8, signed: true, width: 3;
    i16 as u16, signed: true, width: 5;
    i32 as u32, signed: true, width: 10;
    i64 as u64, signed: true, width: 20;
    i128 as u128, signed: true, width: 39;
    isize as u64, signed: true, width: 20;
}

impl KvId for bool {
    const KIND: IdKind = IdKind::Bool;

    by_value!();

    fn encode(&self, out: &mut IdWriter<'_>) {
        out.plain(if *self { "true" } else { "false" });
    }

    fn decode(segment: &str, _ordered: bool) -> Option<Self> {
        segment.parse().ok()
    }
}

impl KvId for char {
    const KIND: IdKind = IdKind::Char;

    by_value!();

    fn encode(&self, out: &mut IdWriter<'_>) {
        out.text(self.encode_utf8(&mut [0; 4]));
    }

    fn decode(segment: &str, _ordered: bool) -> Option<Self> {
        let text = unescape(segment)?;
        let mut chars = text.chars();
        chars.next().filter(|_| chars.next().is_none())
    }
}

macro_rules! text_ids {
    ($($text:ty),*) => {$(
        impl KvId for $text {
            const KIND: IdKind = IdKind::Text;

            type Ref<'a> = &'a str;

            type Passing = ByReference;

            fn pass(&self) -> &str {
                self
            }

            fn encode(&self, out: &mut IdWriter<'_>) {
                out.text(self);
            }

            fn decode(segment: &str, _ordered: bool) -> Option<Self> {
                Some(unescape(segment)?.into_owned().into())
            }
        }
    )*};
}

text_ids!(String, Box<str>, Arc<str>);

#[cfg(feature = "uuid")]
impl KvId for uuid::Uuid {
    const KIND: IdKind = IdKind::Uuid;

    by_value!();

    fn encode(&self, out: &mut IdWriter<'_>) {
        out.plain(self.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
    }

    fn decode(segment: &str, _ordered: bool) -> Option<Self> {
        let id = uuid::Uuid::try_parse(segment).ok()?;
        (*id.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()) == *segment).then_some(id)
    }
}
