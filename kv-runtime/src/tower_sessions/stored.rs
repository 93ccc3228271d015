//! What is stored of a session.

use std::collections::HashMap;
use std::fmt;

use kv_store::Timestamp;
use serde_json::Value;

use crate::KvEntity;

/// A session as [`KvSessionStore`](super::KvSessionStore) stores it: `tower-session:{id}`, in JSON.
///
/// It is an entity like any other: list it in a [`schema!`](crate::schema!), so that no other
/// entity's keys collide with it, or take its collection, for instance to end all sessions of one
/// user. Its `Debug` shows neither id nor data.
#[derive(KvEntity, Clone, PartialEq)]
#[kv(prefix = "tower-session")]
#[non_exhaustive]
pub struct StoredSession {
    /// The id in the cookie. Anyone who knows it can use the session.
    #[kv(id, secret)]
    pub id: String,
    /// What the application put into the session.
    pub data: HashMap<String, Value>,
    /// The moment after which no request extends the session. The record itself may expire
    /// earlier, by an idle timeout.
    pub expires_at: Timestamp,
}

impl fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSession").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}
