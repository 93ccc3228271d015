//! Keys of maps, which JSON writes as texts.

use std::fmt::Display;

use serde::ser::{Error as _, Impossible, Serialize, Serializer};

use super::out::Out;

pub(super) struct JsonKey<'o, O>(pub(super) &'o mut O);

macro_rules! integers {
    ($($method:ident($type:ty);)*) => {$(
        fn $method(self, value: $type) -> Result<(), O::Error> {
            self.0.byte(b'"')?;
            self.0.integer(value)?;
            self.0.byte(b'"')
        }
    )*};
}

/// What is no key, which serde_json says in its own words.
macro_rules! others {
    ($($method:ident($($type:ty),*) -> $ok:ty;)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<$ok, O::Error> {
            self.0.rare_key(&())?;
            Err(O::Error::custom("key must be a string"))
        }
    )*};
}

impl<O: Out> Serializer for JsonKey<'_, O> {
    type Ok = ();
    type Error = O::Error;
    type SerializeSeq = Impossible<(), O::Error>;
    type SerializeTuple = Impossible<(), O::Error>;
    type SerializeTupleStruct = Impossible<(), O::Error>;
    type SerializeTupleVariant = Impossible<(), O::Error>;
    type SerializeMap = Impossible<(), O::Error>;
    type SerializeStruct = Impossible<(), O::Error>;
    type SerializeStructVariant = Impossible<(), O::Error>;

    integers! {
        serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64); serialize_i128(i128);
        serialize_u8(u8); serialize_u16(u16); serialize_u32(u32); serialize_u64(u64); serialize_u128(u128);
    }

    others! {
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> (); serialize_unit() -> (); serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    fn serialize_bool(self, value: bool) -> Result<(), O::Error> {
        self.0.text(if value { "true" } else { "false" })
    }

    fn serialize_f32(self, value: f32) -> Result<(), O::Error> {
        self.0.rare_key(&value)
    }

    fn serialize_f64(self, value: f64) -> Result<(), O::Error> {
        self.0.rare_key(&value)
    }

    fn serialize_char(self, value: char) -> Result<(), O::Error> {
        self.0.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), O::Error> {
        self.0.text(value)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _place: u32,
        variant: &'static str,
    ) -> Result<(), O::Error> {
        self.0.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        key: &T,
    ) -> Result<(), O::Error> {
        self.0.within(|out| key.serialize(JsonKey(out)))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, key: &T) -> Result<(), O::Error> {
        self.0.rare_key(&Some(key))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _place: u32,
        _variant: &'static str,
        _: &T,
    ) -> Result<(), O::Error> {
        self.0.rare_key(&())
    }

    fn collect_str<T: Display + ?Sized>(self, key: &T) -> Result<(), O::Error> {
        self.0.displayed(key)
    }
}
