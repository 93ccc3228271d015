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
    decode_or(codec, bytes, |error| error)
}

/// As [`decode`], with the error that `failed` makes. By `map_err` every value would be moved once
/// more, and lists move values by the thousand.
#[inline]
pub(crate) fn decode_or<T: DeserializeOwned, E>(
    codec: Codec,
    bytes: &[u8],
    failed: impl FnOnce(CodecError) -> E,
) -> Result<T, E> {
    match codec {
        Codec::Json => match serde_json::from_slice(bytes) {
            Ok(value) => Ok(value),
            Err(error) => Err(failed(unread_as::<T>(&error, bytes))),
        },
        #[cfg(feature = "postcard")]
        Codec::Postcard => {
            let limits = depth::Limits::of(bytes.len());
            let mut deserializer = postcard::Deserializer::from_bytes(bytes);
            let value = depth::deserialize(&mut deserializer, &limits);
            let rest = deserializer.finalize();
            match value {
                Ok(value) if matches!(rest, Ok([])) => Ok(value),
                value => Err(failed(unread_postcard(value.err(), rest, &limits))),
            }
        }
        codec => Err(failed(not_built(codec))),
    }
}

/// Makes the error of a value that was not read, or that left `rest`.
#[cold]
#[cfg(feature = "postcard")]
fn unread_postcard(
    error: Option<postcard::Error>,
    rest: postcard::Result<&[u8]>,
    limits: &depth::Limits,
) -> CodecError {
    let fault = match (error, rest) {
        (Some(error), _) => limits.fault(error),
        (None, Err(error)) => depth::Fault::Format(error),
        (None, Ok(rest)) => return CodecError::new(format!("{} bytes are left over", rest.len())),
    };
    match fault {
        depth::Fault::Format(error) => CodecError::new(describe::postcard(&error)),
        fault => CodecError::new(fault.to_string()),
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
