//! A serializer that compares.

use std::fmt::Display;

use serde::ser::{Serialize, Serializer};

use super::elements::Elements;
use super::error::{Differs, Result};
use super::expected::Expected;

macro_rules! integers {
    ($($method:ident($type:ty);)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result {
            self.integer(value)
        }
    )*};
}

impl<'a, 'b> Serializer for &'b mut Expected<'a> {
    type Ok = ();
    type Error = Differs;
    type SerializeSeq = Elements<'a, 'b>;
    type SerializeTuple = Elements<'a, 'b>;
    type SerializeTupleStruct = Elements<'a, 'b>;
    type SerializeTupleVariant = Elements<'a, 'b>;
    type SerializeMap = Elements<'a, 'b>;
    type SerializeStruct = Elements<'a, 'b>;
    type SerializeStructVariant = Elements<'a, 'b>;

    integers! {
        serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64); serialize_i128(i128);
        serialize_u8(u8); serialize_u16(u16); serialize_u32(u32); serialize_u64(u64); serialize_u128(u128);
    }

    fn serialize_bool(self, value: bool) -> Result {
        self.bytes(if value { b"true" } else { b"false" })
    }

    fn serialize_f32(self, value: f32) -> Result {
        // JSON has no word for it, which the caller finds out when it encodes the value.
        if value.is_finite() { self.float(value) } else { Err(Differs) }
    }

    fn serialize_f64(self, value: f64) -> Result {
        if value.is_finite() { self.float(value) } else { Err(Differs) }
    }

    fn serialize_char(self, value: char) -> Result {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result {
        self.text(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result {
        self.json(value)
    }

    fn serialize_none(self) -> Result {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        self.within(|expected| value.serialize(expected))
    }

    fn serialize_unit(self) -> Result {
        self.bytes(b"null")
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _name: &'static str, _place: u32, variant: &'static str) -> Result {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result {
        self.within(|expected| value.serialize(expected))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _place: u32,
        variant: &'static str,
        value: &T,
    ) -> Result {
        self.variant(variant)?;
        self.within(|expected| value.serialize(expected))?;
        self.byte(b'}')
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Elements<'a, 'b>> {
        Elements::begin(self, b'[', b"]")
    }

    fn serialize_tuple(self, _len: usize) -> Result<Elements<'a, 'b>> {
        Elements::begin(self, b'[', b"]")
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Elements<'a, 'b>> {
        Elements::begin(self, b'[', b"]")
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _place: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Elements<'a, 'b>> {
        self.variant(variant)?;
        Elements::begin(self, b'[', b"]}")
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Elements<'a, 'b>> {
        Elements::begin(self, b'{', b"}")
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Elements<'a, 'b>> {
        // serde_json writes structs of these names as the number or the text that they hold.
        if name.starts_with("$serde_json::private::") {
            return Err(Differs);
        }
        Elements::begin(self, b'{', b"}")
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _place: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Elements<'a, 'b>> {
        self.variant(variant)?;
        Elements::begin(self, b'{', b"}}")
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result {
        self.text(&value.to_string())
    }
}
