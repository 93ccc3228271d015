//! Random numbers that no other process draws: revisions meet those of other machines in one store.
//!
//! `fastrand` alone seeds itself from the monotonic clock and the thread's number, which two
//! machines can share, and on wasm32 from a constant. So its generator is seeded here, by the
//! system.

use std::cell::Cell;

thread_local! {
    static GENERATOR: Cell<Option<fastrand::Rng>> = const { Cell::new(None) };
}

/// 64 random bits: unlikely to repeat, and no secret.
pub fn token() -> u64 {
    GENERATOR.with(|generator| match generator.take().or_else(|| seed().map(fastrand::Rng::with_seed)) {
        Some(mut rng) => {
            let token = rng.u64(..);
            generator.set(Some(rng));
            token
        }
        // A Worker has no random numbers before its first request. Until then it reaches no store
        // but its own memory, where no number of this sequence was used before; the generator is
        // not kept, because every isolate starts with the same one.
        None => fastrand::u64(..),
    })
}

/// 64 bits that nobody can guess; nothing where the system has none to give.
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
pub fn seed() -> Option<u64> {
    use std::hash::{BuildHasher, RandomState};
    // Its keys come from the system's generator, and differ from one to the next.
    Some(RandomState::new().hash_one(0_u8))
}

/// 64 bits that nobody can guess; nothing where the system has none to give. `RandomState` is the
/// same everywhere here.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub fn seed() -> Option<u64> {
    getrandom::u64().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn tokens_differ_within_a_thread_and_across_threads() {
        let draw = || (0..1_000).map(|_| token()).collect::<Vec<u64>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(draw)).collect();
        let mut tokens: HashSet<u64> = draw().into_iter().collect();
        for thread in threads {
            tokens.extend(thread.join().expect("the thread draws"));
        }
        assert_eq!(tokens.len(), 5_000);
    }

    #[test]
    fn seeds_differ() {
        assert_ne!(seed(), seed());
    }
}
