//! A user of a tenant who makes a request, and what that user may do.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::failure::{Failure, Result};
use crate::model::{Role, Tenant, User};

/// The key under which a session has its caller.
pub const CALLER: &str = "caller";

/// A user of a tenant, as a request names one.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Caller {
    pub tenant: String,
    pub user: String,
}

impl Caller {
    /// The user as stored. One who was removed since the log-in is unknown.
    pub async fn user(&self, app: &App) -> Result<User> {
        let user = app.kv.collection::<User>().get((&self.tenant, &self.user)).await?;
        user.ok_or(Failure::UNKNOWN_CALLER)
    }

    pub async fn must_be_owner(&self, app: &App) -> Result<()> {
        match self.user(app).await?.role {
            Role::Owner => Ok(()),
            Role::Member => Err(Failure::OWNERS_ONLY),
        }
    }

    /// Refuses a tenant that was deleted. Every write asks this first.
    pub async fn may_write(&self, app: &App) -> Result<()> {
        let tenant = app.kv.collection::<Tenant>().get(&self.tenant).await?;
        match tenant {
            Some(tenant) if !tenant.is_closed => Ok(()),
            _ => Err(Failure::CLOSED),
        }
    }
}
