//! When a write is on the disk.

/// When a write is on the disk, so that a crash does not lose it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedbDurability {
    /// When its future is ready.
    #[default]
    Immediate,
    /// At the next [`RedbStore::flush`](crate::RedbStore::flush), or when the store is closed. If the process ends before
    /// that, all writes since the last flush are lost together, and the file is intact. For tests,
    /// and for caches that can be filled again.
    OnFlush,
}
