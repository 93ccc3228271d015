//! What is not written, as it could not be read back.
//!
//! Some values have bytes and no way back: JSON has no words for NaN and infinities, a binary
//! format cannot tell that a field was left out, and no codec reads what is nested without end.
//! They are refused while they are written, by a serializer around the codec's own.

mod map;

use std::cell::{Cell, RefCell};
use std::fmt::{self, Display};

use serde::ser::{
    Error, Serialize, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::tagged::Tags;
use kv_store::__private::json::fractions_are_maps;
use map::{GuardedMap, Names};

/// As many levels as serde_json reads; a variant with several fields is two.
const LEVELS: u8 = 127;

/// How many options and newtypes may stand around a value. JSON does not write them, but each takes
/// some of the stack.
const WRAPS: u8 = 128;

/// What is seen while a value is written.
#[derive(Default)]
pub(super) struct Seen {
    /// Where tags stand, if that is asked for.
    pub(super) tags: Option<Tags>,
    /// Whether there was something that some types write and cannot read, as serde's derive reads
    /// them by way of a buffer.
    pub(super) is_doubtful: Cell<bool>,
}

/// Serializes a value, unless it could not be read back.
pub(super) fn serialize<T, S>(value: &T, serializer: S, seen: &Seen) -> Result<S::Ok, Fault<S::Error>>
where
    T: Serialize + ?Sized,
    S: Serializer,
{
    let notes = Notes { refused: RefCell::new(None), fields: RefCell::default(), seen };
    let within =
        Within { levels: LEVELS, wraps: WRAPS, is_text: serializer.is_human_readable(), notes: &notes };
    let result = value.serialize(Guarded { inner: serializer, within });
    result.map_err(|error| match notes.refused.take() {
        Some(reason) => Fault::Refused(Refused { reason, fields: notes.fields.take() }),
        None => Fault::Format(error, notes.fields.take()),
    })
}

/// Why a value was not written.
pub(super) enum Fault<E> {
    Refused(Refused),
    /// With the fields around it, the innermost first.
    Format(E, Vec<&'static str>),
}

/// What could not be read back, and where in the value it stands.
#[derive(Debug)]
pub(super) struct Refused {
    reason: Reason,
    /// The fields that contain it, the innermost first. Map keys and list indexes are left out,
    /// because they are data.
    fields: Vec<&'static str>,
}

#[derive(Clone, Copy, Debug)]
enum Reason {
    NotFinite,
    LeftOut(&'static str),
    Twice,
    TooDeep,
}

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of a value that is nested without end the way in would be as long.
        if !matches!(self.reason, Reason::TooDeep) {
            f.write_str(&place(&self.fields))?;
        }
        match self.reason {
            Reason::NotFinite => f.write_str(
                "a number is NaN or infinite, which JSON cannot say; make it an `Option`, or use `codec = \"postcard\"`",
            ),
            Reason::LeftOut(field) => write!(
                f,
                "the field `{field}` is left out (`skip_serializing_if`), and a codec without names cannot tell; write it always, or use `codec = \"json\"`"
            ),
            Reason::Twice => f.write_str(
                "a map within (`flatten`, `tag`) has a key that is the name of another member, so the object could not be read back",
            ),
            Reason::TooDeep => write!(f, "it is nested more than {LEVELS} levels deep, and nothing reads that"),
        }
    }
}

/// Where a fault is: ``in `a.b`: ``; nothing if it is in no field.
pub(super) fn place(fields: &[&'static str]) -> String {
    let fields: Vec<_> = fields.iter().rev().copied().collect();
    if fields.is_empty() { String::new() } else { format!("in `{}`: ", fields.join(".")) }
}

/// What a value is within.
#[derive(Clone, Copy)]
struct Within<'a> {
    /// How many levels there may still be.
    levels: u8,
    wraps: u8,
    /// Whether it is written as text: with names, so that any field may be left out, and without
    /// words for some numbers.
    is_text: bool,
    notes: &'a Notes<'a>,
}

/// What is taken down while a value is written.
struct Notes<'a> {
    /// Why it failed, as the format's own error may have no place for it.
    refused: RefCell<Option<Reason>>,
    /// The fields that a fault is within, the innermost first.
    fields: RefCell<Vec<&'static str>>,
    seen: &'a Seen,
}

impl Within<'_> {
    #[cold]
    fn refuse<E: Error>(self, reason: Reason) -> E {
        *self.notes.refused.borrow_mut() = Some(reason);
        self.notes.fields.borrow_mut().clear();
        E::custom("it could not be read back")
    }

    fn finite<E: Error>(self, is_finite: bool) -> Result<(), E> {
        if self.is_text {
            if !is_finite {
                return Err(self.refuse(Reason::NotFinite));
            }
            self.doubt(fractions_are_maps());
        }
        Ok(())
    }

    /// Notes what has to be read before it is trusted.
    fn doubt(self, is_doubtful: bool) {
        if is_doubtful {
            self.notes.seen.is_doubtful.set(true);
        }
    }

    fn nest<E: Error>(self, levels: u8) -> Result<Self, E> {
        match self.levels.checked_sub(levels) {
            Some(levels) => Ok(Self { levels, ..self }),
            None => Err(self.refuse(Reason::TooDeep)),
        }
    }

    fn wrap<E: Error>(self) -> Result<Self, E> {
        match self.wraps.checked_sub(1) {
            Some(wraps) => Ok(Self { wraps, ..self }),
            None => Err(self.refuse(Reason::TooDeep)),
        }
    }

    fn leave_out<E: Error>(self, field: &'static str) -> Result<(), E> {
        if self.is_text { Ok(()) } else { Err(self.refuse(Reason::LeftOut(field))) }
    }

    /// A member with a value of this type is written next.
    fn meet<T: ?Sized>(self) {
        if let Some(tags) = &self.notes.seen.tags {
            tags.meet::<T>();
        }
    }

    /// Names a field in which there was a fault.
    #[cold]
    fn named(self, field: &'static str) {
        self.notes.fields.borrow_mut().push(field);
    }
}

/// A value, a serializer, or one that takes elements. Each hands itself on to the next.
struct Guarded<'a, T> {
    inner: T,
    within: Within<'a>,
}

impl<T: Serialize + ?Sized> Serialize for Guarded<'_, &T> {
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        self.inner.serialize(Guarded { inner, within: self.within })
    }
}

macro_rules! scalars {
    ($($method:ident($($name:ident: $type:ty),*);)*) => {$(
        fn $method(self, $($name: $type),*) -> Result<S::Ok, S::Error> {
            self.inner.$method($($name),*)
        }
    )*};
}

/// Those that take elements: so many levels further in.
macro_rules! compounds {
    ($($method:ident($($name:ident: $type:ty),*) -> $compound:ident, $levels:literal;)*) => {$(
        fn $method(self, $($name: $type),*) -> Result<Self::$compound, S::Error> {
            let within = self.within.nest($levels)?;
            Ok(Guarded { inner: self.inner.$method($($name),*)?, within })
        }
    )*};
}

impl<'a, S: Serializer> Serializer for Guarded<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Guarded<'a, S::SerializeSeq>;
    type SerializeTuple = Guarded<'a, S::SerializeTuple>;
    type SerializeTupleStruct = Guarded<'a, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Guarded<'a, S::SerializeTupleVariant>;
    type SerializeMap = GuardedMap<'a, S::SerializeMap>;
    type SerializeStruct = Guarded<'a, S::SerializeStruct>;
    type SerializeStructVariant = Guarded<'a, S::SerializeStructVariant>;

    scalars! {
        serialize_bool(value: bool); serialize_i8(value: i8); serialize_i16(value: i16);
        serialize_i32(value: i32); serialize_i64(value: i64);
        serialize_u8(value: u8); serialize_u16(value: u16); serialize_u32(value: u32);
        serialize_u64(value: u64); serialize_char(value: char);
        serialize_str(value: &str); serialize_bytes(value: &[u8]); serialize_none(); serialize_unit();
        serialize_unit_struct(name: &'static str);
        serialize_unit_variant(name: &'static str, place: u32, variant: &'static str);
    }

    compounds! {
        serialize_seq(len: Option<usize>) -> SerializeSeq, 1;
        serialize_tuple(len: usize) -> SerializeTuple, 1;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct, 1;
        serialize_tuple_variant(name: &'static str, place: u32, variant: &'static str, len: usize)
            -> SerializeTupleVariant, 2;
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct, 1;
        serialize_struct_variant(name: &'static str, place: u32, variant: &'static str, len: usize)
            -> SerializeStructVariant, 2;
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        let within = self.within.nest(1)?;
        let names = Names::of_map(within.is_text && len.is_none());
        Ok(GuardedMap { inner: self.inner.serialize_map(len)?, within, names })
    }

    fn serialize_i128(self, value: i128) -> Result<S::Ok, S::Error> {
        // A buffer holds no integer of 128 bits, however small it is.
        self.within.doubt(true);
        self.inner.serialize_i128(value)
    }

    fn serialize_u128(self, value: u128) -> Result<S::Ok, S::Error> {
        self.within.doubt(true);
        self.inner.serialize_u128(value)
    }

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        self.within.finite(value.is_finite())?;
        self.inner.serialize_f32(value)
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        self.within.finite(value.is_finite())?;
        self.inner.serialize_f64(value)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, inner: &T) -> Result<S::Ok, S::Error> {
        let within = self.within.wrap()?;
        self.inner.serialize_some(&Guarded { inner, within })
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        inner: &T,
    ) -> Result<S::Ok, S::Error> {
        let within = self.within.wrap()?;
        self.inner.serialize_newtype_struct(name, &Guarded { inner, within })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        place: u32,
        variant: &'static str,
        inner: &T,
    ) -> Result<S::Ok, S::Error> {
        let within = self.within.nest(1)?;
        self.inner.serialize_newtype_variant(name, place, variant, &Guarded { inner, within })
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// Takers of elements without a name.
macro_rules! elements {
    ($($taker:ident($method:ident);)*) => {$(
        impl<S: $taker> $taker for Guarded<'_, S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, inner: &T) -> Result<(), S::Error> {
                self.inner.$method(&Guarded { inner, within: self.within })
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        }
    )*};
}

/// Takers of fields.
macro_rules! fields {
    ($($taker:ident;)*) => {$(
        impl<S: $taker> $taker for Guarded<'_, S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                inner: &T,
            ) -> Result<(), S::Error> {
                let within = self.within;
                within.meet::<T>();
                self.inner
                    .serialize_field(name, &Guarded { inner, within })
                    .inspect_err(|_| within.named(name))
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), S::Error> {
                self.within.leave_out(name)?;
                self.inner.skip_field(name)
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        }
    )*};
}

elements! {
    SerializeSeq(serialize_element);
    SerializeTuple(serialize_element);
    SerializeTupleStruct(serialize_field);
    SerializeTupleVariant(serialize_field);
}

fields! {
    SerializeStruct;
    SerializeStructVariant;
}

#[cfg(test)]
mod tests;
