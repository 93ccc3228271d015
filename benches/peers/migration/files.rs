//! The files that are measured.

use std::fs;
use std::path::Path;

use crate::support::Result;

/// Removes a file if it is there.
pub fn remove(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_file(path)?;
    }
    Ok(())
}
