//! What a read returns of a record.

/// Which parts of a record a read must return: all but its expiry, unless it is asked for.
///
/// ```
/// # extern crate kv_runtime_store as kv_runtime;
/// use kv_runtime::store::GetOptions;
///
/// assert!(!GetOptions::new().expiry);
/// assert!(GetOptions::new().with_expiry().expiry);
/// assert!(!GetOptions::head().value);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GetOptions {
    /// Whether the value is needed. Without it a store MAY leave the value empty, and the revision
    /// may be of no use.
    pub value: bool,
    /// Whether the expiry is needed. Some servers return it only if they are asked.
    pub expiry: bool,
    /// Whether records are being moved to these keys, or away from them, that are under another form
    /// of the key meanwhile. A store that writes keys in another form may fail other reads that find
    /// nothing, if there is such a record.
    pub moves: bool,
}

impl GetOptions {
    /// Asks for the record. Its expiry may be [unknown](crate::record::Record::expiry_known).
    #[must_use]
    pub const fn new() -> Self {
        Self { value: true, expiry: false, moves: false }
    }

    /// Asks for the expiry as well.
    #[must_use]
    pub const fn with_expiry(mut self) -> Self {
        self.expiry = true;
        self
    }

    /// Says that records are being [moved](Self::moves).
    #[must_use]
    pub const fn while_moving(mut self) -> Self {
        self.moves = true;
        self
    }

    /// Asks for metadata and expiry alone. The read SHOULD cost less than one of the whole record.
    #[must_use]
    pub const fn head() -> Self {
        Self { value: false, expiry: true, moves: false }
    }
}

impl Default for GetOptions {
    fn default() -> Self {
        Self::new()
    }
}
