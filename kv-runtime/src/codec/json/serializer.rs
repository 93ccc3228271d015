//! The serializer of JSON.

use std::fmt::Display;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::key::JsonKey;
use super::out::{Json, Out};

/// What of serde_json's structs have names that begin so. It writes them as the number or the text that
/// they hold.
const PRIVATE: &str = "$serde_json::private::";

macro_rules! integers {
    ($($method:ident($type:ty);)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<(), O::Error> {
            self.0.integer(value)
        }
    )*};
}

impl<'o, O: Out> Serializer for Json<'o, O> {
    type Ok = ();
    type Error = O::Error;
    type SerializeSeq = Elements<'o, O>;
    type SerializeTuple = Elements<'o, O>;
    type SerializeTupleStruct = Elements<'o, O>;
    type SerializeTupleVariant = Elements<'o, O>;
    type SerializeMap = Elements<'o, O>;
    type SerializeStruct = Elements<'o, O>;
    type SerializeStructVariant = Elements<'o, O>;

    integers! {
        serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64); serialize_i128(i128);
        serialize_u8(u8); serialize_u16(u16); serialize_u32(u32); serialize_u64(u64); serialize_u128(u128);
    }

    fn serialize_bool(self, value: bool) -> Result<(), O::Error> {
        self.0.bytes(if value { b"true" } else { b"false" })
    }

    fn serialize_f32(self, value: f32) -> Result<(), O::Error> {
        self.0.float(value, value.is_finite())
    }

    fn serialize_f64(self, value: f64) -> Result<(), O::Error> {
        self.0.float(value, value.is_finite())
    }

    fn serialize_char(self, value: char) -> Result<(), O::Error> {
        self.0.text(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), O::Error> {
        self.0.text(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), O::Error> {
        self.0.json(value)
    }

    fn serialize_none(self) -> Result<(), O::Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), O::Error> {
        self.0.within(|out| value.serialize(Json(out)))
    }

    fn serialize_unit(self) -> Result<(), O::Error> {
        self.0.bytes(b"null")
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), O::Error> {
        self.serialize_unit()
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
        value: &T,
    ) -> Result<(), O::Error> {
        self.0.within(|out| value.serialize(Json(out)))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _place: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), O::Error> {
        self.0.variant(variant)?;
        self.0.within(|out| value.serialize(Json(out)))?;
        self.0.byte(b'}')
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Elements<'o, O>, O::Error> {
        Elements::begin(self.0, b'[', b"]")
    }

    fn serialize_tuple(self, _len: usize) -> Result<Elements<'o, O>, O::Error> {
        Elements::begin(self.0, b'[', b"]")
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Elements<'o, O>, O::Error> {
        Elements::begin(self.0, b'[', b"]")
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _place: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Elements<'o, O>, O::Error> {
        self.0.variant(variant)?;
        Elements::begin(self.0, b'[', b"]}")
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Elements<'o, O>, O::Error> {
        Elements::begin(self.0, b'{', b"}")
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Elements<'o, O>, O::Error> {
        if name.starts_with(PRIVATE) {
            return Elements::private(self.0, name);
        }
        Elements::begin(self.0, b'{', b"}")
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _place: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Elements<'o, O>, O::Error> {
        self.0.variant(variant)?;
        Elements::begin(self.0, b'{', b"}}")
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), O::Error> {
        self.0.displayed(value)
    }
}

/// A list or an object of which some elements are done.
pub(in crate::codec) struct Elements<'o, O> {
    out: &'o mut O,
    is_first: bool,
    /// What ends it.
    end: &'static [u8],
    /// The name of a struct of serde_json's own, which is no object.
    private: Option<&'static str>,
}

impl<'o, O: Out> Elements<'o, O> {
    #[inline]
    pub(super) fn begin(out: &'o mut O, begin: u8, end: &'static [u8]) -> Result<Self, O::Error> {
        out.byte(begin)?;
        out.enter()?;
        out.note_place();
        Ok(Self { out, is_first: true, end, private: None })
    }

    #[cold]
    pub(super) fn private(out: &'o mut O, name: &'static str) -> Result<Self, O::Error> {
        out.begin_private()?;
        Ok(Self { out, is_first: true, end: b"", private: Some(name) })
    }

    #[inline]
    fn comma(&mut self) -> Result<(), O::Error> {
        if self.is_first {
            self.is_first = false;
            return Ok(());
        }
        self.out.byte(b',')
    }

    #[inline]
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), O::Error> {
        value.serialize(Json(&mut *self.out))?;
        self.out.note_place();
        Ok(())
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), O::Error> {
        self.comma()?;
        self.value(value)
    }

    #[inline]
    fn member<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), O::Error> {
        if let Some(private) = self.private {
            return self.out.private(private, name, value);
        }
        self.comma()?;
        self.out.text(name)?;
        self.out.byte(b':')?;
        self.value(value)
    }

    #[inline]
    fn end(self) -> Result<(), O::Error> {
        if self.private.is_none() {
            self.out.leave();
        }
        self.out.bytes(self.end)
    }
}

macro_rules! takers {
    ($($taker:ident($method:ident($($name:ident: $type:ty)?) by $by:ident);)*) => {$(
        impl<O: Out> $taker for Elements<'_, O> {
            type Ok = ();
            type Error = O::Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, $($name: $type,)? value: &T) -> Result<(), O::Error> {
                self.$by($($name,)? value)
            }

            #[inline]
            fn end(self) -> Result<(), O::Error> {
                self.end()
            }
        }
    )*};
}

takers! {
    SerializeSeq(serialize_element() by element);
    SerializeTuple(serialize_element() by element);
    SerializeTupleStruct(serialize_field() by element);
    SerializeTupleVariant(serialize_field() by element);
    SerializeStruct(serialize_field(name: &'static str) by member);
    SerializeStructVariant(serialize_field(name: &'static str) by member);
}

impl<O: Out> SerializeMap for Elements<'_, O> {
    type Ok = ();
    type Error = O::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), O::Error> {
        self.comma()?;
        key.serialize(JsonKey(&mut *self.out))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), O::Error> {
        self.out.byte(b':')?;
        self.value(value)
    }

    fn end(self) -> Result<(), O::Error> {
        self.end()
    }
}
