//! What runs over all entities have in common.

use kv_store::MaybeSend;

use super::report::Progress;

/// How many entities a batch has, where nobody says. A commit may wait long for its disk, so a batch is not too small; its records are
/// in memory, so it is not too large either.
pub(super) const BATCH: usize = 4_000;

/// The closure that the application passed to `progress`.
pub(super) trait Watch: MaybeSend {
    fn see(&mut self, progress: &Progress);
}

impl<F: FnMut(&Progress) + MaybeSend> Watch for F {
    fn see(&mut self, progress: &Progress) {
        self(progress);
    }
}
