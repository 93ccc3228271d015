//! Keys of maps, which JSON writes as texts.

use std::fmt::Display;

use serde::ser::{Impossible, Serialize, Serializer};

use super::error::{Differs, Result};
use super::expected::Expected;

pub(super) struct ExpectedKey<'a, 'b>(pub(super) &'b mut Expected<'a>);

macro_rules! integers {
    ($($method:ident($type:ty);)*) => {$(
        fn $method(self, value: $type) -> Result {
            self.0.byte(b'"')?;
            self.0.integer(value)?;
            self.0.byte(b'"')
        }
    )*};
}

macro_rules! others {
    ($($method:ident($($type:ty),*) -> $ok:ty;)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<$ok> {
            Err(Differs)
        }
    )*};
}

impl Serializer for ExpectedKey<'_, '_> {
    type Ok = ();
    type Error = Differs;
    type SerializeSeq = Impossible<(), Differs>;
    type SerializeTuple = Impossible<(), Differs>;
    type SerializeTupleStruct = Impossible<(), Differs>;
    type SerializeTupleVariant = Impossible<(), Differs>;
    type SerializeMap = Impossible<(), Differs>;
    type SerializeStruct = Impossible<(), Differs>;
    type SerializeStructVariant = Impossible<(), Differs>;

    integers! {
        serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64); serialize_i128(i128);
        serialize_u8(u8); serialize_u16(u16); serialize_u32(u32); serialize_u64(u64); serialize_u128(u128);
    }

    others! {
        serialize_f32(f32) -> (); serialize_f64(f64) -> (); serialize_bytes(&[u8]) -> ();
        serialize_none() -> (); serialize_unit() -> (); serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    fn serialize_bool(self, value: bool) -> Result {
        self.0.text(if value { "true" } else { "false" })
    }

    fn serialize_char(self, value: char) -> Result {
        self.0.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result {
        self.0.text(value)
    }

    fn serialize_unit_variant(self, _name: &'static str, _place: u32, variant: &'static str) -> Result {
        self.0.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, key: &T) -> Result {
        self.0.within(|expected| key.serialize(ExpectedKey(expected)))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result {
        Err(Differs)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _place: u32,
        _variant: &'static str,
        _: &T,
    ) -> Result {
        Err(Differs)
    }

    fn collect_str<T: Display + ?Sized>(self, key: &T) -> Result {
        self.0.text(&key.to_string())
    }
}
