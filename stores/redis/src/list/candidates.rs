//! The keys that a page may show, and where a list goes on.

use crate::key_format::FoundKey;

/// The next keys of a list, in key order.
pub(crate) struct Candidates {
    pub(crate) keys: Vec<FoundKey>,
    /// Whether the list may go on behind the last of them.
    pub(crate) more: bool,
    /// Up to where the keys were looked through; it may be one that does not belong to the list.
    pub(crate) last: Option<String>,
    /// The number under which their rest is found again; 0 if it need not be kept.
    pub(crate) remainder: u64,
}

/// Where a list goes on, as a cursor's position tells.
pub(super) struct Position<'a> {
    pub(super) remainder: u64,
    pub(super) after: &'a str,
}

const REMAINDER_LEN: usize = 16;

impl<'a> Position<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (remainder, after) = text.split_at_checked(REMAINDER_LEN)?;
        Some(Self { remainder: u64::from_str_radix(remainder, 16).ok()?, after })
    }
}
