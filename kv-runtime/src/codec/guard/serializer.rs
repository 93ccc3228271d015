//! The serializer around a codec's own.

use std::cell::RefCell;
use std::fmt::Display;

use serde::ser::{
    Serialize, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
    SerializeTupleVariant, Serializer,
};

use super::map::{GuardedMap, Names};
use super::refusal::{Fault, LEVELS, Refused};
use super::within::{Guarded, Notes, Seen, WRAPS, Within};

/// Serializes a value, unless it could not be read back.
pub(in crate::codec) fn serialize<T, S>(
    value: &T,
    serializer: S,
    seen: &Seen,
) -> Result<S::Ok, Fault<S::Error>>
where
    T: Serialize + ?Sized,
    S: Serializer,
{
    let notes = Notes { refused: RefCell::new(None), fields: RefCell::default(), seen };
    let is_text = serializer.is_human_readable();
    let within = Within { levels: LEVELS, wraps: WRAPS, is_text, notes: &notes };
    let result = value.serialize(Guarded { inner: serializer, within });
    result.map_err(|error| match notes.refused.take() {
        Some(reason) => Fault::Refused(Refused { reason, fields: notes.fields.take() }),
        None => Fault::Format(error, notes.fields.take()),
    })
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
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str);
    }

    compounds! {
        serialize_seq(len: Option<usize>) -> SerializeSeq, 1;
        serialize_tuple(len: usize) -> SerializeTuple, 1;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct, 1;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> SerializeTupleVariant, 2;
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct, 1;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
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
        index: u32,
        variant: &'static str,
        inner: &T,
    ) -> Result<S::Ok, S::Error> {
        let within = self.within.nest(1)?;
        self.inner.serialize_newtype_variant(name, index, variant, &Guarded { inner, within })
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
