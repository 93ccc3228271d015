//! Lists, tuples and structs.

use serde::ser::{
    Serialize, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
    SerializeTupleVariant,
};

use super::within::Guarded;

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
