//! Bytes to values.

use kv_store::codec::{Codec, CodecError};
use serde::de::DeserializeOwned;

use super::error::{not_built, unread};
use super::member;
#[cfg(feature = "postcard")]
use super::{depth, describe};

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

/// Makes the error of bytes that are not a `T`. It names the member of the struct that failed.
#[cold]
fn unread_as<T: DeserializeOwned>(error: &serde_json::Error, bytes: &[u8]) -> CodecError {
    let unread_error = unread(error, bytes);
    match member::of_json(bytes, error, member::names::<T>()) {
        Some(member) => CodecError::new(format!("in `{member}`: {unread_error}"))
            .with_malformed(unread_error.is_malformed()),
        None => unread_error,
    }
}
