//! The entities of the service. All of a tenant's entities have the tenant as their first id.

use kv_runtime::KvEntity;
use serde::{Deserialize, Serialize};

/// A customer of the service, under `tenant:{name}`.
#[derive(KvEntity, Debug)]
#[kv(prefix = "tenant")]
pub struct Tenant {
    #[kv(id)]
    pub name: String,
    pub title: String,
    /// Whether it was deleted. Then nobody may write for it any more.
    #[serde(default)]
    pub is_closed: bool,
}

/// Somebody who works for a tenant. No two users of one tenant have the same email.
#[derive(KvEntity, Debug, Serialize)]
#[kv(prefix = "user")]
#[kv(index(name = "email_in_tenant", on(tenant, email), unique))]
pub struct User {
    #[kv(id)]
    pub tenant: String,
    #[kv(id)]
    pub name: String,
    pub email: String,
    pub role: Role,
}

#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// May add users and change flags.
    Owner,
    Member,
}

/// A key for programs. It is found by its hash alone, so its tenant is no id.
#[derive(KvEntity, Debug)]
#[kv(prefix = "api-key", ttl = "90d")]
pub struct ApiKey {
    #[kv(id, secret)]
    pub hash: String,
    pub tenant: String,
    pub user: String,
}

/// Something that users work on.
#[derive(KvEntity, Debug, Serialize)]
#[kv(prefix = "project", version = 2)]
pub struct Project {
    #[kv(id)]
    pub tenant: String,
    /// Ordered, so that a list shows them in the order in which they were made.
    #[kv(id, ordered)]
    pub number: u64,
    pub title: String,
    /// Version 1 had no such field. A project of then is not archived.
    #[kv(added(since = 2))]
    pub is_archived: bool,
}

/// The last number of a project, for each tenant.
#[derive(KvEntity, Debug)]
#[kv(prefix = "last-project")]
pub struct LastProject {
    #[kv(id)]
    pub tenant: String,
    pub number: u64,
}

/// A switch for a feature of the service.
#[derive(KvEntity, Debug, Clone, Serialize)]
#[kv(prefix = "flag")]
pub struct Flag {
    #[kv(id)]
    pub tenant: String,
    #[kv(id)]
    pub name: String,
    pub is_on: bool,
}

// Compares the entities with each other, and with `kv-schema.lock` in a test.
kv_runtime::schema! { pub Schema: Tenant, User, ApiKey, Project, LastProject, Flag }
