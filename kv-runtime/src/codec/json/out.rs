//! Where JSON goes, piece by piece.

use std::fmt::{Display, Write};

use serde::Serialize;
use serde::ser::Error;

/// Serializes a value to where its JSON goes.
pub(in crate::codec) struct Json<'o, O>(pub(in crate::codec) &'o mut O);

/// What takes the pieces of a value's JSON. Levels are counted where a value may have no end.
pub(in crate::codec) trait Out {
    type Error: Error;

    fn byte(&mut self, byte: u8) -> Result<(), Self::Error>;

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// A text in quotes, with escapes where it needs them.
    fn text(&mut self, text: &str) -> Result<(), Self::Error>;

    /// What serde_json writes of a value.
    fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Self::Error>;

    /// What serde_json writes of a fraction.
    fn float<T: Serialize>(&mut self, value: T, is_finite: bool) -> Result<(), Self::Error>;

    /// What serde_json writes of the key of a map.
    fn rare_key<K: Serialize + ?Sized>(&mut self, key: &K) -> Result<(), Self::Error>;

    /// Whether the fields of serde_json's own structs may follow.
    fn begin_private(&mut self) -> Result<(), Self::Error>;

    /// What serde_json writes of a struct that only serde_json has, with this field.
    fn private<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        field: &'static str,
        value: &T,
    ) -> Result<(), Self::Error>;

    /// A member, an element or an end comes next.
    fn note_place(&mut self);

    /// What follows is one level further in, up to [`leave`](Self::leave).
    fn enter(&mut self) -> Result<(), Self::Error>;

    fn leave(&mut self);

    #[inline]
    fn integer(&mut self, integer: impl itoa::Integer) -> Result<(), Self::Error> {
        self.bytes(itoa::Buffer::new().format(integer).as_bytes())
    }

    /// What is one level further in.
    #[inline]
    fn within(&mut self, each: impl FnOnce(&mut Self) -> Result<(), Self::Error>) -> Result<(), Self::Error> {
        self.enter()?;
        each(self)?;
        self.leave();
        Ok(())
    }

    /// What is before the content of a variant.
    fn variant(&mut self, variant: &'static str) -> Result<(), Self::Error> {
        self.byte(b'{')?;
        self.text(variant)?;
        self.byte(b':')
    }

    /// A text that is made for this.
    fn displayed<T: Display + ?Sized>(&mut self, value: &T) -> Result<(), Self::Error> {
        let mut text = String::new();
        write!(text, "{value}").map_err(|_| Self::Error::custom("its `Display` failed"))?;
        self.text(&text)
    }
}
