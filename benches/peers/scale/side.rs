//! The calls that each side is measured with.

use crate::support::Result;

/// The same calls on each side.
pub trait Side {
    fn insert(&self, ids: &[u64]) -> Result<()>;
    fn get(&self, ids: &[u64]) -> Result<usize>;
    fn list(&self, first: u64, records: usize) -> Result<usize>;
    fn stream(&self) -> Result<usize>;
    fn update(&self, id: u64) -> Result<()>;
    /// Updates so many records at once, as this side does it best.
    fn update_many(&self, ids: &[u64]) -> Result<()>;
    fn delete(&self, ids: &[u64]) -> Result<()>;
}
