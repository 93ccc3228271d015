//! A text that is compared piece by piece.

use serde::Serialize;

use super::error::{Differs, Result};

/// What of the text is still to come.
pub(super) struct Expected<'a> {
    pub(super) rest: &'a [u8],
    /// How many levels there may still be.
    pub(super) depth: u8,
}

impl Expected<'_> {
    #[inline]
    pub(super) fn byte(&mut self, byte: u8) -> Result {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(Differs),
        }
    }

    #[inline]
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result {
        self.rest = self.rest.strip_prefix(bytes).ok_or(Differs)?;
        Ok(())
    }

    #[inline]
    pub(super) fn text(&mut self, text: &str) -> Result {
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

    /// Compares with a text that JSON may write in another way.
    #[cold]
    fn escaped(&mut self, text: &str) -> Result {
        if is_escaped(text.as_bytes()) { self.json(text) } else { Err(Differs) }
    }

    pub(super) fn integer(&mut self, integer: impl itoa::Integer) -> Result {
        self.bytes(itoa::Buffer::new().format(integer).as_bytes())
    }

    pub(super) fn float<T: Serialize>(&mut self, value: T) -> Result {
        // The longest is of 24 bytes.
        let mut written = [0; 32];
        let mut rest = &mut written[..];
        serde_json::to_writer(&mut rest, &value).map_err(|_| Differs)?;
        let free = rest.len();
        self.bytes(&written[..written.len() - free])
    }

    /// Compares with what serde_json writes.
    pub(super) fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.bytes(&serde_json::to_vec(value).map_err(|_| Differs)?)
    }

    /// Compares what is one level further in.
    pub(super) fn within(&mut self, each: impl FnOnce(&mut Self) -> Result) -> Result {
        self.depth = self.depth.checked_sub(1).ok_or(Differs)?;
        each(self)?;
        self.depth += 1;
        Ok(())
    }

    /// What is before the content of a variant.
    pub(super) fn variant(&mut self, variant: &'static str) -> Result {
        self.byte(b'{')?;
        self.text(variant)?;
        self.byte(b':')
    }
}

/// Whether JSON writes some of these bytes in another way. Looks at all of them, 16 at a time, which
/// takes fewer instructions than a search for the first.
#[inline]
fn is_escaped(bytes: &[u8]) -> bool {
    let any = |block: &[u8; 16]| {
        let is_one = |byte: &u8| (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\');
        block.iter().fold(false, |found, byte| found | is_one(byte))
    };
    let (blocks, rest) = bytes.as_chunks();
    let mut last = [b' '; 16];
    last[..rest.len()].copy_from_slice(rest);
    blocks.iter().fold(any(&last), |found, block| found | any(block))
}
