//! The calls of a store, by name.

use std::fmt;

/// A method of [`Store`](crate::store::Store) or [`AtomicStore`](crate::store::AtomicStore) that
/// reaches the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// [`Store::get`](crate::store::Store::get), with expiry or without.
    Get,
    /// [`Store::get_many`](crate::store::Store::get_many), with expiries or without.
    GetMany,
    /// [`Store::head`](crate::store::Store::head).
    Head,
    /// [`Store::list`](crate::store::Store::list).
    List,
    /// [`Store::put`](crate::store::Store::put).
    Put,
    /// [`Store::put_many`](crate::store::Store::put_many).
    PutMany,
    /// [`Store::replace`](crate::store::Store::replace).
    Replace,
    /// [`Store::delete`](crate::store::Store::delete).
    Delete,
    /// [`Store::delete_many`](crate::store::Store::delete_many).
    DeleteMany,
    /// [`AtomicStore::commit`](crate::store::AtomicStore::commit).
    Commit,
    /// [`Store::lease`](crate::store::Store::lease).
    Lease,
}

impl Operation {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 11] = [
        Self::Get,
        Self::GetMany,
        Self::Head,
        Self::List,
        Self::Put,
        Self::PutMany,
        Self::Replace,
        Self::Delete,
        Self::DeleteMany,
        Self::Commit,
        Self::Lease,
    ];

    /// The method's name, such as `get_many`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::GetMany => "get_many",
            Self::Head => "head",
            Self::List => "list",
            Self::Put => "put",
            Self::PutMany => "put_many",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::DeleteMany => "delete_many",
            Self::Commit => "commit",
            Self::Lease => "lease",
        }
    }

    /// Whether it may change what the store holds. A lease changes no record.
    #[must_use]
    pub const fn is_write(self) -> bool {
        !matches!(self, Self::Get | Self::GetMany | Self::Head | Self::List | Self::Lease)
    }

    /// What an error says that the store was doing.
    #[cfg_attr(not(feature = "faults"), expect(dead_code, reason = "the words of errors that layers make"))]
    pub(super) const fn action(self) -> &'static str {
        match self {
            Self::Get => "read the record",
            Self::GetMany => "read the records",
            Self::Head => "read the record's metadata",
            Self::List => "list records",
            Self::Put | Self::Replace => "write the record",
            Self::PutMany => "write the records",
            Self::Delete => "delete the record",
            Self::DeleteMany => "delete the records",
            Self::Commit => "commit",
            Self::Lease => "take leases",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
