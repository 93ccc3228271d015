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
mod tagged;

use kv_store::BoxError;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use kv_store::__private::json::{Name, RawObject, json_of_text, sorted};
pub use kv_store::codec::{Codec, CodecError};

pub(crate) use member::names as member_names;
pub(crate) use members::Members;
pub(crate) use merge::{Kept, Merged, Tagged, merge, merge_only};
pub(crate) use tagged::{Asked, encode_json, encode_tagged};

/// A value as steps see it.
pub(crate) fn rounded_value(text: &str) -> Result<serde_json::Value, BoxError> {
    kv_store::__private::json::value(text).map_err(|error| describe::json(&error).into())
}

/// Describes this error of decoding these bytes.
fn unread(error: &serde_json::Error, bytes: &[u8]) -> CodecError {
    let (words, is_malformed) = describe::json_text(error, bytes);
    CodecError::new(words).with_malformed(is_malformed)
}

/// Makes the error of bytes that are not a `T`. It names the member of the struct that failed.
#[cold]
fn unread_as<T: DeserializeOwned>(error: &serde_json::Error, bytes: &[u8]) -> CodecError {
    let told = unread(error, bytes);
    match member::of_json(bytes, error, member::names::<T>()) {
        Some(member) => CodecError::new(format!("in `{member}`: {told}")).with_malformed(told.is_malformed()),
        None => told,
    }
}

/// The same error, of a text that nobody sees.
pub(crate) fn without_place(error: CodecError) -> CodecError {
    let told = error.to_string();
    match told.rsplit_once(" at line ") {
        Some((words, place)) if place.split(" column ").all(|number| number.parse::<usize>().is_ok()) => {
            CodecError::new(words).with_malformed(error.is_malformed())
        }
        _ => error,
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
        codec => Err(not_built(codec)),
    }
}

/// The names of codecs are in the contract, where another crate of the program may turn one on.
#[cold]
fn not_built(codec: Codec) -> CodecError {
    CodecError::new(format!("this program was built without the feature `{codec}` of kv-runtime"))
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
        _ => !cfg!(debug_assertions) || len <= PROVEN,
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
        Codec::Json => serde_json::from_slice(bytes).map_err(|error| unread_as::<T>(&error, bytes)),
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
        codec => Err(not_built(codec)),
    }
}
