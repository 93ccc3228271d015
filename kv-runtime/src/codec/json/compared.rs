//! A text that is compared piece by piece.

use serde::Serialize;

use super::error::{Differs, Result};
use super::escape::is_escaped;
use super::out::Out;

/// What of the text is still to come.
pub(super) struct Expected<'a> {
    pub(super) rest: &'a [u8],
    /// How many levels there may still be.
    pub(super) depth: u8,
}

impl Expected<'_> {
    /// Compares with a text that JSON may write in another way.
    #[cold]
    fn escaped(&mut self, text: &str) -> Result {
        if is_escaped(text.as_bytes()) { self.json(text) } else { Err(Differs) }
    }
}

impl Out for Expected<'_> {
    type Error = Differs;

    #[inline]
    fn byte(&mut self, byte: u8) -> Result {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(Differs),
        }
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) -> Result {
        self.rest = self.rest.strip_prefix(bytes).ok_or(Differs)?;
        Ok(())
    }

    #[inline]
    fn text(&mut self, text: &str) -> Result {
        let bytes = text.as_bytes();
        if let Some((expected, rest)) = self.rest.split_at_checked(bytes.len() + 2)
            && let [b'"', expected @ .., b'"'] = expected
            && expected == bytes
            && !is_escaped(bytes)
        {
            self.rest = rest;
            return Ok(());
        }
        self.escaped(text)
    }

    fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.bytes(&serde_json::to_vec(value).map_err(|_| Differs)?)
    }

    fn float<T: Serialize>(&mut self, value: T, is_finite: bool) -> Result {
        // JSON has no word for the others, which the caller finds out when it encodes the value.
        if !is_finite {
            return Err(Differs);
        }
        // The longest is of 24 bytes.
        let mut written = [0; 32];
        let mut rest = &mut written[..];
        serde_json::to_writer(&mut rest, &value).map_err(|_| Differs)?;
        let free = rest.len();
        self.bytes(&written[..written.len() - free])
    }

    fn rare_key<K: Serialize + ?Sized>(&mut self, _: &K) -> Result {
        Err(Differs)
    }

    fn begin_private(&mut self) -> Result {
        Err(Differs)
    }

    fn private<T: Serialize + ?Sized>(&mut self, _: &'static str, _: &'static str, _: &T) -> Result {
        Err(Differs)
    }

    #[inline]
    fn note_place(&mut self) {}

    #[inline]
    fn enter(&mut self) -> Result {
        self.depth = self.depth.checked_sub(1).ok_or(Differs)?;
        Ok(())
    }

    #[inline]
    fn leave(&mut self) {
        self.depth += 1;
    }
}
