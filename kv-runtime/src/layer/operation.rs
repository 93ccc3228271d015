//! The calls of a store, by name.

use std::fmt;

use kv_store::store::{Batch, GetOptions, Write};

/// A call of a [`Store`](crate::store::Store) that reaches the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// [`Store::get`](crate::store::Store::get), with expiry or without.
    Get,
    /// [`Store::get_many`](crate::store::Store::get_many), with expiries or without.
    GetMany,
    /// [`Store::get`](crate::store::Store::get) of metadata and expiry alone.
    Head,
    /// [`Store::list`](crate::store::Store::list).
    List,
    /// [`Store::write`](crate::store::Store::write) of one record.
    Put,
    /// [`Store::write`](crate::store::Store::write) of several records.
    PutMany,
    /// [`Store::write`](crate::store::Store::write) that deletes one record.
    Delete,
    /// [`Store::write`](crate::store::Store::write) that deletes several records.
    DeleteMany,
    /// [`Store::write`](crate::store::Store::write) that puts some records and deletes others.
    Write,
    /// [`Store::commit`](crate::store::Store::commit).
    Commit,
    /// [`Store::lease`](crate::store::Store::lease).
    Lease,
    /// [`IndexStore::entries`](crate::store::IndexStore::entries).
    Entries,
}

impl Operation {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 12] = [
        Self::Get,
        Self::GetMany,
        Self::Head,
        Self::List,
        Self::Put,
        Self::PutMany,
        Self::Delete,
        Self::DeleteMany,
        Self::Write,
        Self::Commit,
        Self::Lease,
        Self::Entries,
    ];

    /// A read of one record.
    pub(super) const fn of_get(options: GetOptions) -> Self {
        if options.value { Self::Get } else { Self::Head }
    }

    /// A write of a batch.
    pub(super) fn of_batch(batch: &Batch) -> Self {
        let deletes = batch.iter().filter(|write| matches!(write, Write::Delete(_))).count();
        match (batch.len(), deletes) {
            (1, 0) => Self::Put,
            (1, _) => Self::Delete,
            (_, 0) => Self::PutMany,
            (all, deletes) if all == deletes => Self::DeleteMany,
            _ => Self::Write,
        }
    }

    /// The operation's name, such as `get_many`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::GetMany => "get_many",
            Self::Head => "head",
            Self::List => "list",
            Self::Put => "put",
            Self::PutMany => "put_many",
            Self::Delete => "delete",
            Self::DeleteMany => "delete_many",
            Self::Write => "write",
            Self::Commit => "commit",
            Self::Lease => "lease",
            Self::Entries => "entries",
        }
    }

    /// Whether it may change what the store holds. A lease changes no record.
    #[must_use]
    pub const fn is_write(self) -> bool {
        !matches!(self, Self::Get | Self::GetMany | Self::Head | Self::List | Self::Lease | Self::Entries)
    }

    /// What an error says that the store was doing.
    #[cfg_attr(not(feature = "faults"), expect(dead_code, reason = "the words of errors that layers make"))]
    pub(super) const fn action(self) -> &'static str {
        match self {
            Self::Get => "read the record",
            Self::GetMany => "read the records",
            Self::Head => "read the record's metadata",
            Self::List => "list records",
            Self::Put => "write the record",
            Self::PutMany | Self::Write => "write the records",
            Self::Delete => "delete the record",
            Self::DeleteMany => "delete the records",
            Self::Commit => "commit",
            Self::Lease => "take leases",
            Self::Entries => "list index entries",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
