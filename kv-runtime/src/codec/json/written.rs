//! A buffer into which JSON is written. The guard around it counts the levels.

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeStruct, Serializer};
use serde_json::{Error, Result};

use super::escape::is_escaped;
use super::out::Out;
use crate::codec::tags::Tags;

pub(in crate::codec) struct Written<'a> {
    /// A value is written behind what this holds.
    pub(in crate::codec) out: Vec<u8>,
    /// Where the value begins.
    pub(in crate::codec) from: usize,
    /// Where the places of its tags are taken down.
    pub(in crate::codec) tags: Option<&'a Tags>,
}

impl Out for Written<'_> {
    type Error = Error;

    #[inline]
    fn byte(&mut self, byte: u8) -> Result<()> {
        self.out.push(byte);
        Ok(())
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    fn text(&mut self, text: &str) -> Result<()> {
        if is_escaped(text.as_bytes()) {
            return self.json(text);
        }
        self.out.reserve(text.len() + 2);
        self.out.push(b'"');
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'"');
        Ok(())
    }

    #[cold]
    fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        serde_json::to_writer(&mut self.out, value)
    }

    fn float<T: Serialize>(&mut self, value: T, _: bool) -> Result<()> {
        serde_json::to_writer(&mut self.out, &value)
    }

    fn rare_key<K: Serialize + ?Sized>(&mut self, key: &K) -> Result<()> {
        let begin = self.out.len();
        let mut json = serde_json::Serializer::new(&mut self.out);
        json.serialize_map(Some(1))?.serialize_key(key)?;
        // The brace of the map that the key was written for.
        self.out.remove(begin);
        Ok(())
    }

    fn begin_private(&mut self) -> Result<()> {
        Ok(())
    }

    fn private<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        field: &'static str,
        value: &T,
    ) -> Result<()> {
        let mut json = serde_json::Serializer::new(&mut self.out);
        let mut fields = json.serialize_struct(name, 1)?;
        fields.serialize_field(field, value)?;
        SerializeStruct::end(fields)
    }

    #[inline]
    fn note_place(&mut self) {
        if let Some(tags) = self.tags {
            tags.at(self.out.len() - self.from);
        }
    }

    #[inline]
    fn enter(&mut self) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn leave(&mut self) {}
}
