//! Maps, and structs that are written as ones: two members of one name could not be read back.

use std::any::type_name;

use serde::ser::{Serialize, SerializeMap};
use serde_json::{Map, Value};

use super::refusal::Reason;
use super::within::{Guarded, Within};

/// A taker of entries.
pub(super) struct GuardedMap<'a, S> {
    pub(super) inner: S,
    pub(super) within: Within<'a>,
    pub(super) names: Names,
}

/// The names of members that were written, where two sources of names meet.
pub(super) enum Names {
    /// A map alone has each key once.
    Unseen,
    Seen(Map<String, Value>),
}

impl Names {
    /// serde's derive begins a struct with `flatten` as a map without a length.
    pub(super) fn of_map(is_struct: bool) -> Self {
        if is_struct { Self::Seen(Map::new()) } else { Self::Unseen }
    }

    /// Whether the name is new, as far as it was looked at. One that is no text is doubtful beside
    /// those of a struct.
    fn is_new<K: Serialize + ?Sized>(&mut self, key: &K, within: Within<'_>) -> bool {
        // serde's derive names fields and tags by a plain `str`, which no key of a map is.
        if matches!(self, Self::Unseen) && type_name::<K>() == "str" {
            *self = Self::Seen(Map::new());
        }
        let Self::Seen(names) = self else { return true };
        let name = match serde_json::to_value(key) {
            Ok(Value::String(name)) => name,
            Ok(Value::Number(number)) => {
                within.doubt(true);
                number.to_string()
            }
            // Whatever else it is, the codec says what it makes of it.
            _ => {
                within.doubt(true);
                return true;
            }
        };
        names.insert(name, Value::Null).is_none()
    }
}

impl<S: SerializeMap> GuardedMap<'_, S> {
    fn check<K: Serialize + ?Sized>(&mut self, key: &K) -> Result<(), S::Error> {
        if self.within.is_text && !self.names.is_new(key, self.within) {
            return Err(self.within.refuse(Reason::Twice));
        }
        Ok(())
    }
}

impl<S: SerializeMap> SerializeMap for GuardedMap<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, inner: &T) -> Result<(), S::Error> {
        self.check(inner)?;
        self.inner.serialize_key(&Guarded { inner, within: self.within })
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, inner: &T) -> Result<(), S::Error> {
        self.inner.serialize_value(&Guarded { inner, within: self.within })
    }

    fn serialize_entry<K, V>(&mut self, key: &K, value: &V) -> Result<(), S::Error>
    where
        K: Serialize + ?Sized,
        V: Serialize + ?Sized,
    {
        self.check(key)?;
        let within = self.within;
        within.meet::<V>();
        self.inner.serialize_entry(&Guarded { inner: key, within }, &Guarded { inner: value, within })
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}
