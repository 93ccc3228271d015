//! Base64 with padding, of the standard alphabet: values that are not text.
//!
//! The crate `base64` unrolls its loops, and would be 6 KiB of a Worker's wasm.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let sextet = (bits >> (18 - 6 * place)) as usize % 64;
            text.push(if place <= chunk.len() { char::from(ALPHABET[sextet]) } else { '=' });
        }
    }
    text
}

/// Returns `None` if the text is not base64, lacks its padding, or has bits that no encoder sets.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let padding = text.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let digits = text.get(..text.len() - padding)?;
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in digits.chunks(4) {
        let mut bits = 0;
        for at in 0..4 {
            bits = bits << 6 | chunk.get(at).map_or(Some(0), |digit| sextet(*digit))?;
        }
        let [_, whole @ ..] = bits.to_be_bytes();
        let len = chunk.len() * 6 / 8;
        let (decoded, rest) = whole.split_at_checked(len)?;
        if rest.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(decoded);
    }
    Some(bytes)
}

fn sextet(digit: u8) -> Option<u32> {
    let (first, base) = match digit {
        b'A'..=b'Z' => (b'A', 0),
        b'a'..=b'z' => (b'a', 26),
        b'0'..=b'9' => (b'0', 52),
        b'+' => (b'+', 62),
        b'/' => (b'/', 63),
        _ => return None,
    };
    Some(u32::from(digit - first) + base)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 4648, and each digit.
    #[test]
    fn bytes_are_spelt_as_the_standard_says() {
        let vectors = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (len, text) in vectors.into_iter().enumerate() {
            assert_eq!(encode(&b"foobar"[..len]), text);
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(&b"foobar"[..len]));
        }
        let all = decode(ALPHABET).expect("is base64");
        assert_eq!((all.len(), encode(&all).as_bytes()), (48, &ALPHABET[..]));
        assert_eq!(&all[..3], &[0x00, 0x10, 0x83]);
    }

    #[test]
    fn bytes_come_back() {
        for len in 0..64 {
            let bytes: Vec<u8> = (0..len).map(|at| (at * 37 + len * 11) as u8).collect();
            assert_eq!(decode(encode(&bytes).as_bytes()), Some(bytes));
        }
    }

    #[test]
    fn what_no_encoder_writes_is_refused() {
        for text in [
            "Z", "Zg", "Zg=", "Zg===", "Z===", "====", "=Zg=", "Zg==Zg==", "Zh==", "Zm9=", "Zm9-", "Zm9v\n",
            "\u{e9}A=",
        ] {
            assert_eq!(decode(text.as_bytes()), None, "{text:?}");
        }
    }
}
