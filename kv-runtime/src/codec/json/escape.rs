//! Which texts JSON writes as they are.

/// Whether JSON writes some of these bytes in another way. Looks at all of them, many at a time,
/// which takes fewer instructions than a search for the first.
#[inline]
pub(super) fn is_escaped(bytes: &[u8]) -> bool {
    // The last block may overlap with the one before it.
    if let Some(last) = bytes.last_chunk::<16>() {
        let (blocks, _) = bytes.as_chunks::<16>();
        return blocks.iter().fold(any(last), |found, block| found | any(block));
    }
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => any(first) | any(last),
        _ => bytes.iter().fold(false, |found, byte| found | is_one(*byte)),
    }
}

#[inline]
fn any<const N: usize>(block: &[u8; N]) -> bool {
    block.iter().fold(false, |found, byte| found | is_one(*byte))
}

#[inline]
const fn is_one(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_wherever_it_is() {
        for len in 0..70 {
            let plain = "é~ ".repeat(len).into_bytes();
            let plain = &plain[..len];
            assert!(!is_escaped(plain), "{len}");
            for at in 0..len {
                for byte in [b'"', b'\\', b'\0', 0x1F] {
                    let mut other = plain.to_vec();
                    other[at] = byte;
                    assert!(is_escaped(&other), "{byte} at {at} of {len}");
                }
            }
        }
    }
}
