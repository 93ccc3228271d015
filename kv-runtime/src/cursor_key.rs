//! The key that encrypts the cursors of lists over secret ids.
//!
//! AES-SIV (RFC 5297) suits this: it needs no random number and no counter, authenticates the prefix
//! of the list, and reveals only whether two cursors are equal.

/// 32 random bytes that all processes share.
#[cfg(feature = "sealed-cursors")]
pub(crate) struct CursorKey(aes_siv::Key<aes_siv::siv::Aes128Siv>);

#[cfg(feature = "sealed-cursors")]
impl CursorKey {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(key.into())
    }

    /// Bound to the list's prefix.
    pub(crate) fn sealed(&self, prefix: &str, cursor: &str) -> Option<String> {
        let sealed = self.cipher().encrypt([PURPOSE, prefix.as_bytes()], cursor.as_bytes()).ok()?;
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16);
        sealed.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }

    pub(crate) fn opened(&self, prefix: &str, text: &str) -> Option<String> {
        let digit = |digit: &u8| char::from(*digit).to_digit(16).filter(|_| !digit.is_ascii_uppercase());
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
        let sealed: Option<Vec<u8>> =
            pairs.iter().map(|[high, low]| u8::try_from(digit(high)? << 4 | digit(low)?).ok()).collect();
        let cursor = self.cipher().decrypt([PURPOSE, prefix.as_bytes()], &sealed?).ok()?;
        String::from_utf8(cursor).ok()
    }

    fn cipher(&self) -> aes_siv::siv::Aes128Siv {
        aes_siv::KeyInit::new(&self.0)
    }
}

/// A prefix, so that no other text that the key encrypts is a cursor.
#[cfg(feature = "sealed-cursors")]
const PURPOSE: &[u8] = b"kv-runtime list cursor 1";

/// There is none without the feature `sealed-cursors`.
#[cfg(not(feature = "sealed-cursors"))]
pub(crate) enum CursorKey {}

#[cfg(not(feature = "sealed-cursors"))]
impl CursorKey {
    pub(crate) fn sealed(&self, _: &str, _: &str) -> Option<String> {
        match *self {}
    }

    pub(crate) fn opened(&self, _: &str, _: &str) -> Option<String> {
        match *self {}
    }
}

/// What a call asks for that is there without its feature, in order to name it.
#[diagnostic::on_unimplemented(
    message = "`with_cursor_key` needs the feature `sealed-cursors` of kv-runtime",
    label = "this feature is off",
    note = "add it to Cargo.toml: `kv-runtime = {{ version = \"..\", features = [\"sealed-cursors\"] }}`"
)]
pub trait SealedCursors {}
