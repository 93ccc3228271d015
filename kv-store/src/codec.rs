//! The name of a codec, and the error of one. The codecs themselves belong to the runtime: a store
//! sees bytes.

use std::fmt;

/// A way to write values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// JSON text, which everybody reads. The default, and the meaning of a record that names no
    /// codec.
    ///
    /// It has no words for NaN and infinities: such a number is
    /// [`Error::Encode`](crate::Error::Encode), and nothing is written. Nor does it tell
    /// `Some(None)` from `None`.
    #[default]
    Json,
    /// [postcard](https://postcard.jamesmunns.com)'s wire format: half the size and less work, but
    /// only for Rust. Fields are identified by their order, so every change of the struct needs a
    /// new version.
    ///
    /// The attributes that need field names (`skip_serializing_if`, `untagged`, `tag`, `flatten`)
    /// are refused on an entity's own fields. Inside the types of its fields the derive cannot see
    /// them, so what was written is read once before it is stored, which costs as much as a read;
    /// what does not come back is [`Error::Encode`](crate::Error::Encode), and nothing is written.
    #[cfg(feature = "postcard")]
    Postcard,
}

impl Codec {
    /// The name in a record's metadata.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            #[cfg(feature = "postcard")]
            Self::Postcard => "postcard",
        }
    }

    /// The number in an envelope; see [the wire format](https://docs.rs/kv-runtime/latest/kv_runtime/guide/wire_format/index.html).
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Json => 0,
            #[cfg(feature = "postcard")]
            Self::Postcard => 1,
        }
    }

    /// The codec of this name, if this program was built with it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        ALL.iter().copied().find(|codec| codec.name() == name)
    }

    /// The codec of this number, if this program was built with it.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        ALL.iter().copied().find(|codec| codec.number() == number)
    }
}

const ALL: &[Codec] = &[
    Codec::Json,
    #[cfg(feature = "postcard")]
    Codec::Postcard,
];

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why a codec could not write or read a value. It tells the place and the kind of the fault, and
/// nothing of the value.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{words}")]
pub struct CodecError {
    words: String,
    is_malformed: bool,
}

impl CodecError {
    /// Makes an error that says this. It must hold nothing of the value.
    #[doc(hidden)]
    pub fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), is_malformed: false }
    }

    /// Says whether the bytes are not the codec's at all.
    #[doc(hidden)]
    #[must_use]
    pub fn with_malformed(self, is_malformed: bool) -> Self {
        Self { is_malformed, ..self }
    }

    /// Returns whether the codec cannot have written the bytes, or they end too early, so that no
    /// change of a struct explains the error. For postcard it is always `false`, because its bytes
    /// have no markers.
    #[must_use]
    pub const fn is_malformed(&self) -> bool {
        self.is_malformed
    }
}
