//! What can be an id: one segment of a key ([`KvId`]), or a tuple of them ([`EntityId`]).

use std::sync::Arc;

use super::builder::KeyBuilder;
use super::escape::{escape_into, unescape};
use super::lookup::Lookup;
use super::parse::IdSegments;
use super::passing::{ByReference, ByValue, Passing};
use super::traits::IdTraits;
use crate::maybe_send::{MaybeSend, MaybeSync};

/// The constant description of one `#[kv(id)]` field.
#[derive(Clone, Copy, Debug)]
pub struct IdSchema {
    name: &'static str,
    kind: IdKind,
    ordered: bool,
    secret: bool,
}

impl IdSchema {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, kind: IdKind) -> Self {
        Self { name, kind, ordered: false, secret: false }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn ordered(mut self) -> Self {
        self.ordered = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// The field's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What its segments look like.
    #[must_use]
    pub const fn kind(&self) -> IdKind {
        self.kind
    }

    /// Whether numbers are written with a fixed width, so that key order is number order.
    #[must_use]
    pub const fn is_ordered(&self) -> bool {
        self.ordered
    }

    /// Whether errors, spans and `Debug` show a hash in its place.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        self.secret
    }
}

/// What the segments of an id type look like, as far as it takes to tell whether two entities' keys
/// can collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdKind {
    /// A decimal number of `bits` bits.
    Integer {
        /// Whether negatives exist.
        signed: bool,
        /// 8 to 128; `usize` and `isize` count as 64 everywhere, so that keys do not depend on the
        /// machine.
        bits: u32,
    },
    /// `true` or `false`.
    Bool,
    /// One character.
    Char,
    /// Any text, escaped.
    Text,
    /// A hyphenated lower-case UUID.
    Uuid,
    /// One of these texts.
    Enum(&'static [&'static str]),
}

impl IdKind {
    /// Whether `ordered` means something for it.
    #[must_use]
    pub const fn is_integer(&self) -> bool {
        matches!(self, Self::Integer { .. })
    }
}

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

/// Writes one segment of a key.
#[derive(Debug)]
pub struct IdWriter<'a> {
    out: &'a mut String,
    ordered: bool,
}

impl<'a> IdWriter<'a> {
    pub(super) fn new(out: &'a mut String, ordered: bool) -> Self {
        Self { out, ordered }
    }

    /// Writes text, escaped.
    pub fn text(&mut self, text: &str) {
        escape_into(text, self.out);
    }

    /// Writes what needs no escape: digits, letters, `-`.
    fn plain(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn padded(&mut self, digits: &str, width: usize) {
        for _ in digits.len()..width {
            self.out.push('0');
        }
        self.out.push_str(digits);
    }
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

/// The whole id of an entity: one [`KvId`], or a tuple of two to six.
pub trait EntityId: IdTraits {
    /// The form in which calls take the id: that of [`KvId::Ref`], or a tuple of these. Of an
    /// entity it is [`IdRef`](https://docs.rs/kv-runtime/latest/kv_runtime/type.IdRef.html).
    type Ref<'a>: Lookup<Self> + MaybeSend + MaybeSync;

    /// Returns the id in the form that calls take: `members.get(id.as_id_ref())`.
    fn as_id_ref(&self) -> Self::Ref<'_>;

    /// Appends the id to a key.
    #[doc(hidden)]
    fn write(&self, key: &mut KeyBuilder);

    /// Reads the id from a key's segments.
    #[doc(hidden)]
    fn parse(segments: &mut IdSegments<'_>) -> Option<Self>;
}

impl<I: KvId> EntityId for I {
    type Ref<'a> = <I as KvId>::Ref<'a>;

    fn as_id_ref(&self) -> Self::Ref<'_> {
        self.pass()
    }

    fn write(&self, key: &mut KeyBuilder) {
        key.push(self);
    }

    fn parse(segments: &mut IdSegments<'_>) -> Option<Self> {
        segments.take()
    }
}

macro_rules! tuple_ids {
    ($($($name:ident)+;)*) => {$(
        impl<$($name: KvId),+> EntityId for ($($name,)+) {
            type Ref<'a> = ($($name::Ref<'a>,)+);

            fn as_id_ref(&self) -> Self::Ref<'_> {
                #[expect(non_snake_case, reason = "named as its type")]
                let ($($name,)+) = self;
                ($($name.pass(),)+)
            }

            fn write(&self, key: &mut KeyBuilder) {
                #[expect(non_snake_case, reason = "named as its type")]
                let ($($name,)+) = self;
                $(key.push($name);)+
            }

            fn parse(segments: &mut IdSegments<'_>) -> Option<Self> {
                Some(($(segments.take::<$name>()?,)+))
            }
        }
    )*};
}

tuple_ids! {
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
}
