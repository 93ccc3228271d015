//! When what was migrated on read is written back.

use std::sync::atomic::{AtomicU64, Ordering};

use kv_store::Timestamp;
use kv_store::store::{Capabilities, Sharing};

/// When a record that was migrated while it was read is written back in its new shape.
///
/// The write is made only if the record is still as it was read, keeps its expiry and the metadata of others, and never fails the
/// read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteBack {
    /// What can hurt nobody who runs now: always on a store that only this process has open, where older code that is started
    /// later then gets [`Error::TooNew`](crate::Error::TooNew); `Compatible` on a shared one with
    /// compare-and-swap; never on one without.
    Safe,
    /// Whenever a record was migrated, on every store with compare-and-swap. Code that cannot read the newer version gets
    /// [`Error::TooNew`](crate::Error::TooNew) from then on, and a program that does not know this library's envelope cannot read the
    /// record any more.
    Always,
    /// Only if code of the record's own version can read the result. On a shared store that is not
    /// known of a record that
    /// [names no version](crate::record::Metadata::names_version): another program may have written it, and gets no envelope to read.
    Compatible,
    /// Never: records stay as they are until they are written for another reason.
    Never,
    /// Also on a store without compare-and-swap, where it may bring back what somebody deleted between the read and the write,
    /// or undo what somebody wrote.
    MayResurrect,
}

impl WriteBack {
    /// Whether to write back; `compatible` says whether code of the record's own version can read
    /// the result, and `is_ours` whether it is known that such code alone reads it.
    pub(crate) fn allows(self, store: &Capabilities, compatible: bool, is_ours: bool) -> bool {
        let is_exclusive = store.sharing == Sharing::Exclusive;
        let compatible = compatible && (is_ours || is_exclusive);
        match self {
            Self::Safe => store.compare_and_swap && (is_exclusive || compatible),
            Self::Always => store.compare_and_swap,
            Self::Compatible => store.compare_and_swap && compatible,
            Self::Never => false,
            Self::MayResurrect => true,
        }
    }
}

/// So many write-backs in each second of the store's clock; the others are left to later reads.
#[derive(Debug)]
pub(crate) struct Budget {
    per_second: u32,
    /// The second, and how many were spent in it, in the low half.
    spent: AtomicU64,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(u32::MAX)
    }
}

impl Budget {
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second, spent: AtomicU64::new(0) }
    }

    /// Takes one, if this second has any left.
    pub(crate) fn take(&self, now: Timestamp) -> bool {
        if self.per_second == u32::MAX {
            return true;
        }
        let second = (now.as_millis() / 1_000) << 32;
        let spend = |spent: u64| {
            let used = if spent & !u64::from(u32::MAX) == second { spent & u64::from(u32::MAX) } else { 0 };
            (used < u64::from(self.per_second)).then_some(second | (used + 1))
        };
        self.spent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_of_each_second() {
        let budget = Budget::new(2);
        let at = |millis| Timestamp::from_millis(millis);
        assert_eq!(
            [10_000, 10_500, 10_999, 11_000, 11_000, 11_001].map(|now| budget.take(at(now))),
            [true, true, false, true, true, false]
        );
        assert!(!Budget::new(0).take(at(1)) && Budget::default().take(at(1)));
    }

    #[test]
    fn what_is_safe_depends_on_the_store() {
        let exclusive = Capabilities::new(Sharing::Exclusive).compare_and_swap();
        let shared = Capabilities::new(Sharing::Shared).compare_and_swap();
        let eventual = Capabilities::new(Sharing::Eventual);
        let allowed = |policy: WriteBack, store| [false, true].map(|it| policy.allows(store, it, true));
        // Of a record that names no version nobody knows whose it is.
        assert!(
            !WriteBack::Safe.allows(&shared, true, false) && WriteBack::Safe.allows(&exclusive, true, false)
        );
        assert!(!WriteBack::Compatible.allows(&shared, true, false));
        assert!(WriteBack::Always.allows(&shared, true, false));
        assert_eq!(allowed(WriteBack::Safe, &exclusive), [true, true]);
        assert_eq!(allowed(WriteBack::Safe, &shared), [false, true]);
        assert_eq!(allowed(WriteBack::Safe, &eventual), [false, false]);
        assert_eq!(allowed(WriteBack::Always, &shared), [true, true]);
        assert_eq!(allowed(WriteBack::Always, &eventual), [false, false]);
        assert_eq!(allowed(WriteBack::MayResurrect, &eventual), [true, true]);
        assert_eq!(allowed(WriteBack::Never, &exclusive), [false, false]);
    }
}
