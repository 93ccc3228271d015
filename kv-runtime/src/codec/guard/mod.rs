//! What is not written, as it could not be read back.
//!
//! Some values have bytes and no way back: JSON has no words for NaN and infinities, a binary
//! format cannot tell that a field was left out, and no codec reads what is nested without end.
//! They are refused while they are written, by a serializer around the codec's own.

mod map;
mod refusal;
mod serializer;
#[cfg(test)]
mod tests;
mod within;

pub(super) use serializer::serialize;
pub(super) use within::Seen;
