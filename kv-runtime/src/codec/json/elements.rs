//! Lists and objects.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::key::JsonKey;
use super::out::{Json, Out};

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
