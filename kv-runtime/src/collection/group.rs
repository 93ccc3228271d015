//! Encodes the value of one group.

use std::cell::Cell;

use bytes::Bytes;
use serde::{Serialize, Serializer};

use crate::codec::{self, Codec, CodecError};
use crate::entity::KvEntity;
use crate::small::SIZE_FIRST;

/// One group of an entity, as serde sees it.
pub(super) struct Group<'a, E> {
    pub(super) entity: &'a E,
    pub(super) group: usize,
}

impl<E: KvEntity> Serialize for Group<'_, E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.entity.serialize_group(self.group, serializer)
    }
}

/// The purpose of an encoding.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// To be stored, so a value that would not be read back is refused. Otherwise it is only
    /// compared.
    pub(super) is_stored: bool,
    /// To be merged with the stored text, which needs the tags of enums.
    pub(super) tags: bool,
    /// A value that is likely equal. If it is, it is shared.
    pub(super) unless: Option<&'a Bytes>,
}

impl<'a> Wanted<'a> {
    /// To be stored unchanged.
    pub(super) const VALUE: Self = Self { is_stored: true, tags: false, unless: None };
    /// To be compared with the stored value.
    pub(super) const COMPARISON: Self = Self { is_stored: false, ..Self::VALUE };
    /// To be merged with the stored value.
    pub(super) const TAGS: Self = Self { tags: true, ..Self::COMPARISON };

    pub(super) const fn unless(self, likely: Option<&'a Bytes>) -> Self {
        Self { unless: likely, ..self }
    }
}

thread_local! {
    /// The buffer for values whose length is not known yet. A value is then copied into one
    /// allocation of its length.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A longer value keeps the buffer that it was written in.
const KEPT_SCRATCH: usize = 16 << 10;

/// Returns a value in one allocation of its length.
pub(super) fn encode_exactly<T: Serialize>(codec: Codec, value: &T) -> Result<Bytes, CodecError> {
    encode_wanted(codec, value, Wanted::VALUE).map(|written| written.value)
}

/// A value that was written.
pub(super) struct Written {
    pub(super) value: Bytes,
    pub(super) tags: Vec<usize>,
    pub(super) is_doubtful: bool,
}

/// Returns a value in one allocation of its length, or the known value, and the offsets of its
/// tags.
pub(super) fn encode_wanted<T: Serialize>(
    codec: Codec,
    value: &T,
    wanted: Wanted<'_>,
) -> Result<Written, CodecError> {
    if const { !SIZE_FIRST }
        && codec == Codec::Json
        && !wanted.is_stored
        && let Some(likely) = wanted.unless
        && codec::is_json_of(likely, value)
    {
        return Ok(Written { value: likely.clone(), tags: Vec::new(), is_doubtful: false });
    }
    // Taken rather than borrowed: a field's own serialization may encode something, too.
    let scratch = SCRATCH.try_with(Cell::take).unwrap_or_default();
    if codec != Codec::Json {
        let value = codec::encode(codec, value, scratch).map(kept)?;
        return Ok(Written { value, tags: Vec::new(), is_doubtful: false });
    }
    let json = codec::encode_json(value, scratch, wanted.tags)?;
    let value = match wanted.unless.filter(|likely| likely[..] == json.out[..]) {
        Some(likely) => {
            give_back(json.out);
            likely.clone()
        }
        None => kept(json.out),
    };
    Ok(Written { value, tags: json.tags, is_doubtful: json.is_doubtful })
}

/// Returns the value that was written, and gives the buffer back for the next one.
fn kept(written: Vec<u8>) -> Bytes {
    if written.len() > KEPT_SCRATCH {
        return Bytes::from(written);
    }
    let value = if written.is_empty() { Bytes::new() } else { Bytes::copy_from_slice(&written) };
    give_back(written);
    value
}

fn give_back(mut scratch: Vec<u8>) {
    scratch.clear();
    // It grew by doubling.
    if scratch.capacity() <= 2 * KEPT_SCRATCH {
        // A thread that ends has none to keep.
        SCRATCH.try_with(|kept| kept.set(scratch)).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_equal_value_is_shared() {
        let (value, other) = (["a", "\n"], ["a", "b"]);
        let likely = encode_exactly(Codec::Json, &value).expect("is JSON");
        for wanted in [Wanted::VALUE, Wanted::TAGS, Wanted::COMPARISON] {
            let encoded = |value| {
                encode_wanted(Codec::Json, &value, wanted.unless(Some(&likely))).expect("is JSON").value
            };
            assert_eq!(encoded(value).as_ptr(), likely.as_ptr());
            assert_eq!(encoded(other), r#"["a","b"]"#);
        }
    }
}
