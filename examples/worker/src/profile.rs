//! The entity. A Worker in JavaScript may share the namespace: what it writes as `{"name": ..., "email": ...}` without metadata is
//! version 1.

use kv_runtime::KvEntity;
use serde::{Deserialize, Serialize};

/// `profile:ada`, in its second version: `name` became `displayName`, and `role` was added.
#[derive(KvEntity, Serialize, Debug)]
#[serde(rename_all = "camelCase")]
#[kv(prefix = "profile", version = 2)]
pub(crate) struct Profile {
    #[kv(id)]
    pub(crate) id: String,
    #[kv(renamed(from = "name", since = 2))]
    pub(crate) display_name: String,
    pub(crate) email: String,
    #[kv(added(since = 2, default = Role::Reader))]
    pub(crate) role: Role,
}

#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Role {
    #[default]
    Reader,
    Editor,
}

/// The body of a request that writes a profile; the id is in the path.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewProfile {
    pub(crate) display_name: String,
    pub(crate) email: String,
    #[serde(default)]
    pub(crate) role: Role,
}

impl NewProfile {
    pub(crate) fn with_id(self, id: String) -> Profile {
        let Self { display_name, email, role } = self;
        Profile { id, display_name, email, role }
    }
}
