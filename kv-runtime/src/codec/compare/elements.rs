//! Lists and objects.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::error::{Differs, Result};
use super::expected::Expected;
use super::key::ExpectedKey;

/// A list or an object of which some elements were compared.
pub(super) struct Elements<'a, 'b> {
    expected: &'b mut Expected<'a>,
    is_first: bool,
    /// What ends it.
    end: &'static [u8],
}

impl<'a, 'b> Elements<'a, 'b> {
    #[inline]
    pub(super) fn begin(expected: &'b mut Expected<'a>, begin: u8, end: &'static [u8]) -> Result<Self> {
        expected.byte(begin)?;
        expected.depth = expected.depth.checked_sub(1).ok_or(Differs)?;
        Ok(Self { expected, is_first: true, end })
    }

    #[inline]
    fn comma(&mut self) -> Result {
        if self.is_first {
            self.is_first = false;
            return Ok(());
        }
        self.expected.byte(b',')
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.comma()?;
        value.serialize(&mut *self.expected)
    }

    #[inline]
    fn member<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result {
        self.comma()?;
        self.expected.text(name)?;
        self.expected.byte(b':')?;
        value.serialize(&mut *self.expected)
    }

    #[inline]
    fn end(self) -> Result {
        self.expected.depth += 1;
        self.expected.bytes(self.end)
    }
}

macro_rules! takers {
    ($($taker:ident($method:ident($($name:ident: $type:ty)?) by $by:ident);)*) => {$(
        impl $taker for Elements<'_, '_> {
            type Ok = ();
            type Error = Differs;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, $($name: $type,)? value: &T) -> Result {
                self.$by($($name,)? value)
            }

            #[inline]
            fn end(self) -> Result {
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

impl SerializeMap for Elements<'_, '_> {
    type Ok = ();
    type Error = Differs;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result {
        self.comma()?;
        key.serialize(ExpectedKey(self.expected))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.expected.byte(b':')?;
        value.serialize(&mut *self.expected)
    }

    fn end(self) -> Result {
        self.end()
    }
}
