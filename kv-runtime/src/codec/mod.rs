//! How a group's fields become bytes.
//!
//! A group names its codec, and so does every record in its metadata; a record is read by the codec
//! that it names. A record that names none is JSON: bytes are never guessed at.
//!
//! What is written can be read back: `guard` refuses what a codec cannot say, and what a binary
//! codec wrote is read once before it is stored. No codec follows a value or bytes without end, so
//! none of them overflows the stack.

#[cfg(feature = "postcard")]
mod depth;
mod describe;
mod guard;
mod member;
mod members;
mod merge;
mod raw;
mod rounded;
mod scan;
mod tagged;

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use member::names as member_names;
pub(crate) use members::Members;
pub(crate) use merge::{Kept, Merged, Tagged, merge, merge_only};
pub(crate) use raw::{Name, RawObject, sorted};
pub(crate) use rounded::{may_round, value as rounded_value};
pub(crate) use tagged::{Asked, encode_json, encode_tagged};

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

    /// The number in an envelope; see [the wire format](crate::guide::wire_format).
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
    pub(crate) fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), is_malformed: false }
    }

    /// Describes this error of decoding these bytes.
    fn json(error: &serde_json::Error, bytes: &[u8]) -> Self {
        let (words, is_malformed) = describe::json_text(error, bytes);
        Self { words, is_malformed }
    }

    /// Makes the error of bytes that are not a `T`. It names the member of the struct that failed.
    #[cold]
    fn in_json<T: DeserializeOwned>(error: &serde_json::Error, bytes: &[u8]) -> Self {
        let told = Self::json(error, bytes);
        match member::of_json(bytes, error, member::names::<T>()) {
            Some(member) => Self { words: format!("in `{member}`: {told}"), ..told },
            None => told,
        }
    }

    /// The same of a text that nobody sees.
    pub(crate) fn without_place(self) -> Self {
        let (words, place) = self.words.rsplit_once(" at line ").unwrap_or((&self.words, ""));
        let is_place = place.split(" column ").all(|number| number.parse::<usize>().is_ok());
        let words = if is_place { words } else { &self.words };
        Self { words: words.to_owned(), is_malformed: self.is_malformed }
    }

    /// Returns whether the codec cannot have written the bytes, or they end too early, so that no
    /// change of a struct explains the error. For postcard it is always `false`, because its bytes
    /// have no markers.
    #[must_use]
    pub const fn is_malformed(&self) -> bool {
        self.is_malformed
    }
}

/// Encodes the value behind what `out` holds already. What a codec cannot say, or is nested too
/// deeply to be read, is an error.
pub(crate) fn encode<T: Serialize>(codec: Codec, value: &T, out: Vec<u8>) -> Result<Vec<u8>, CodecError> {
    match codec {
        Codec::Json => {
            encode_json(value, Asked { out, unless: None, tags: false }).map(|written| written.out)
        }
        #[cfg(feature = "postcard")]
        Codec::Postcard => {
            use postcard::ser_flavors::{ExtendFlavor, Flavor};

            let told = |error: postcard::Error| describe::postcard(&error).to_owned();
            let mut serializer = postcard::Serializer { output: ExtendFlavor::new(out) };
            guard::serialize(value, &mut serializer, &guard::Seen::default())
                .map_err(|fault| not_written(fault, told))?;
            serializer.output.finalize().map_err(|error| CodecError::new(told(error)))
        }
    }
}

fn not_written<E>(fault: guard::Fault<E>, describe: impl FnOnce(E) -> String) -> CodecError {
    CodecError::new(match fault {
        guard::Fault::Refused(refused) => refused.to_string(),
        guard::Fault::Format(error, fields) => format!("{}{}", guard::place(&fields), describe(error)),
    })
}

/// Whether so many bytes that were written in a codec have to be read before they can be trusted. A
/// value of a codec without names may lack what its reader looks for, or be another one to it, and
/// only the reader knows. With names few types can: a release build, where the proof would make a
/// write three times as long, proves only what is doubtful.
pub(crate) const fn needs_proof(codec: Codec, len: usize, is_doubtful: bool) -> bool {
    match codec {
        Codec::Json => is_doubtful || (cfg!(debug_assertions) && len <= PROVEN),
        #[cfg(feature = "postcard")]
        Codec::Postcard => !cfg!(debug_assertions) || len <= PROVEN,
    }
}

/// So many bytes of a value are proven in a debug build, where a longer one would take a tenth of a
/// second.
const PROVEN: usize = 128 << 10;

/// Decodes a value, and all of it: bytes that are left over are an error, and so is a value nested
/// too deeply.
#[inline]
pub(crate) fn decode<T: DeserializeOwned>(codec: Codec, bytes: &[u8]) -> Result<T, CodecError> {
    match codec {
        Codec::Json => serde_json::from_slice(bytes).map_err(|error| CodecError::in_json::<T>(&error, bytes)),
        #[cfg(feature = "postcard")]
        Codec::Postcard => {
            let mut deserializer = postcard::Deserializer::from_bytes(bytes);
            let value = depth::deserialize(&mut deserializer, bytes.len());
            match (value, deserializer.finalize()) {
                (Ok(value), Ok([])) => Ok(value),
                (Ok(_), Ok(rest)) => Err(CodecError::new(format!("{} bytes are left over", rest.len()))),
                (Err(depth::Fault::Format(error)), _) | (Ok(_), Err(error)) => {
                    Err(CodecError::new(describe::postcard(&error)))
                }
                (Err(fault), _) => Err(CodecError::new(fault.to_string())),
            }
        }
    }
}
