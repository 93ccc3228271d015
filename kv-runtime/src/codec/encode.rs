//! Values to bytes.

use std::cell::Cell;

use kv_store::codec::{Codec, CodecError};
use serde::Serialize;

use super::error::not_built;
use super::json::{Json, Written};
use super::tags::Tags;
use super::{describe, guard};

/// JSON that was written.
pub(crate) struct Encoded {
    pub(crate) out: Vec<u8>,
    /// In ascending order.
    pub(crate) tags: Vec<usize>,
    /// Whether it has to be read before it can be trusted, in every build.
    pub(crate) is_doubtful: bool,
}

/// Encodes a value as JSON, behind what `out` holds already, and finds its tags if they are asked
/// for. All JSON is written here, so that a type is compiled for one writer.
pub(crate) fn encode_json<T: Serialize>(
    value: &T,
    out: Vec<u8>,
    with_tags: bool,
) -> Result<Encoded, CodecError> {
    let seen = guard::Seen { tags: with_tags.then(Tags::default), is_doubtful: Cell::new(false) };
    let mut written = Written { from: out.len(), out, tags: seen.tags.as_ref() };
    guard::serialize(value, Json(&mut written), &seen)
        .map_err(|fault| fault.into_error(|error| describe::json(&error)))?;
    let (out, is_doubtful) = (written.out, seen.is_doubtful.get());
    let tags = seen.tags.map(Tags::into_places).unwrap_or_default();
    Ok(Encoded { out, tags, is_doubtful })
}

/// Encodes the value behind what `out` holds already. What a codec cannot say, or is nested too
/// deeply to be read, is an error.
pub(crate) fn encode<T: Serialize>(codec: Codec, value: &T, out: Vec<u8>) -> Result<Vec<u8>, CodecError> {
    match codec {
        Codec::Json => encode_json(value, out, false).map(|written| written.out),
        #[cfg(feature = "postcard")]
        Codec::Postcard => {
            use postcard::ser_flavors::{ExtendFlavor, Flavor};

            let described = |error: postcard::Error| describe::postcard(&error).to_owned();
            let mut serializer = postcard::Serializer { output: ExtendFlavor::new(out) };
            guard::serialize(value, &mut serializer, &guard::Seen::default())
                .map_err(|fault| fault.into_error(described))?;
            serializer.output.finalize().map_err(|error| CodecError::new(described(error)))
        }
        codec => Err(not_built(codec)),
    }
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
