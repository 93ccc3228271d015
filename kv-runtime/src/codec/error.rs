//! Errors of codecs, in the words of [`describe`](super::describe).

use kv_store::codec::{Codec, CodecError};

use super::describe;

/// Describes this error of decoding these bytes.
pub(super) fn unread(error: &serde_json::Error, bytes: &[u8]) -> CodecError {
    let (words, is_malformed) = describe::json_text(error, bytes);
    CodecError::new(words).with_malformed(is_malformed)
}

/// The same error, of a text that nobody sees.
pub(crate) fn without_place(error: CodecError) -> CodecError {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((words, location))
            if location.split(" column ").all(|number| number.parse::<usize>().is_ok()) =>
        {
            CodecError::new(words).with_malformed(error.is_malformed())
        }
        _ => error,
    }
}

/// The names of codecs are in the contract, where another crate of the program may turn one on.
#[cold]
pub(super) fn not_built(codec: Codec) -> CodecError {
    CodecError::new(format!("this program was built without the feature `{codec}` of kv-runtime"))
}
