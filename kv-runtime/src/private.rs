//! What generated code names. Not a part of the public interface: it changes with the macro.

pub use ::serde;

pub use crate::clock::Timestamp;
pub use crate::codec::Codec;
pub use crate::entity::{EntitySchema, ExpiresAt, GroupSchema, GroupSource, KvEntity, Touch};
pub use crate::key::{EntityId, IdKind, IdSchema, IdWriter, KeyBuilder, KvId, Lookup};
pub use crate::maybe_send::{MaybeSend, MaybeSync};
pub use crate::schema::assert_disjoint;

/// The arm that no schema leads to: a group that the entity does not have.
pub fn no_such_group<S: serde::Serializer>(group: usize, _: S) -> Result<S::Ok, S::Error> {
    Err(serde::ser::Error::custom(format_args!("there is no group {group}")))
}
