//! How an entity says when it expires: by a field, or not at all.

use std::time::SystemTime;

use kv_store::Timestamp;

use super::KvEntity;

/// An entity that [`touch`](crate::Collection::touch) can extend: one without `expires_at`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` carries its own expiry, so `touch` cannot extend it",
    label = "this entity has a `#[kv(expires_at)]` field",
    note = "set that field with `update`, and the record's expiry follows"
)]
pub trait Touch: KvEntity {}

/// A type for `#[kv(expires_at)]`: [`Timestamp`], [`SystemTime`], or an `Option` of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say when a record expires",
    label = "not a moment",
    note = "a field with `#[kv(expires_at)]` is a `Timestamp`, a `SystemTime`, or an `Option` of one"
)]
pub trait ExpiresAt {
    /// Returns the moment, or `None` if the record does not expire.
    fn expires_at(&self) -> Option<Timestamp>;
}

impl ExpiresAt for Timestamp {
    fn expires_at(&self) -> Option<Timestamp> {
        Some(*self)
    }
}

impl ExpiresAt for SystemTime {
    fn expires_at(&self) -> Option<Timestamp> {
        Some((*self).into())
    }
}

impl<T: ExpiresAt> ExpiresAt for Option<T> {
    fn expires_at(&self) -> Option<Timestamp> {
        self.as_ref().and_then(T::expires_at)
    }
}
