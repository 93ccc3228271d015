//! How a secret id is shown: a short keyed hash, the same for the same id within one process and no
//! help beyond it.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use crate::random;

/// What hashes are keyed with: the seed beside the state, which on wasm32 is no secret.
struct Redactor {
    state: RandomState,
    seed: u64,
}

/// Appends the stand-in for a secret segment, such as `#5d41402a`.
pub(super) fn redact_into(segment: &str, out: &mut String) {
    static REDACTOR: OnceLock<Redactor> = OnceLock::new();
    let seeded =
        || random::seed().map(|seed| REDACTOR.get_or_init(|| Redactor { state: RandomState::new(), seed }));
    out.push('#');
    // Without a secret key, an attacker could find the id by hashing all candidates.
    let Some(redactor) = REDACTOR.get().or_else(seeded) else { return out.push_str("????????") };
    let hash = redactor.state.hash_one((redactor.seed, segment));
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
