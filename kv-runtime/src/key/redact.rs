//! How a secret id is shown: a short keyed hash, the same for the same id within one process and no help beyond it.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

/// Appends the stand-in for a secret segment, such as `#5d41402a`.
pub(super) fn redact_into(segment: &str, out: &mut String) {
    static STATE: OnceLock<RandomState> = OnceLock::new();
    let hash = STATE.get_or_init(RandomState::new).hash_one(segment);
    out.push('#');
    for shift in (0..8).rev() {
        let digit = (hash >> (shift * 4)) & 15;
        out.push(char::from_digit(digit as u32, 16).unwrap_or('?'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stand_in_is_short_stable_and_tells_ids_apart() {
        let show = |segment| {
            let mut out = String::new();
            redact_into(segment, &mut out);
            out
        };
        assert_eq!(show("token"), show("token"));
        assert_ne!(show("token"), show("Token"));
        assert_eq!(show("token").len(), 9);
        assert!(!show("token").contains("token"));
    }
}
