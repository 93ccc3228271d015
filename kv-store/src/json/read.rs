//! Reads JSON.

use serde::Deserialize;

/// Reads a value from text. On wasm32 it is read as bytes are, which costs another check of UTF-8:
/// serde_json's two parsers together are 20 KiB there for each isolate to load.
pub fn json_of_text<'de, T: Deserialize<'de>>(text: &'de str) -> serde_json::Result<T> {
    if cfg!(target_arch = "wasm32") {
        serde_json::from_slice(text.as_bytes())
    } else {
        serde_json::from_str(text)
    }
}
