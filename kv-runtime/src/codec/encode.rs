//! Values to bytes.

use kv_store::codec::{Codec, CodecError};
use serde::Serialize;

use super::error::not_built;
use super::tagged::encode_json;
#[cfg(feature = "postcard")]
use super::{describe, guard};

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
