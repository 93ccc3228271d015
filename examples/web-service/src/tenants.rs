//! Tenants: how one begins, and how everything of it is deleted.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, response::IntoResponse};
use kv_runtime::key::{KvId, Lookup};
use kv_runtime::store::Store;
use kv_runtime::{Collection, KvEntity};
use serde::Deserialize;

use crate::app::App;
use crate::caller::Caller;
use crate::failure::Result;
use crate::keys::new_key;
use crate::model::{Flag, LastProject, Project, Role, Tenant, User};

#[derive(Deserialize)]
pub struct New {
    name: String,
    title: String,
    /// The name of the first user.
    owner: String,
    email: String,
}

/// Makes a tenant with its first user, and answers with the key of that user.
pub async fn create(
    State(app): State<App>,
    Json(New { name, title, owner, email }): Json<New>,
) -> Result<impl IntoResponse> {
    // The first write decides who has the name. A program that stops after it leaves a tenant without
    // an owner: the guide's patterns show how to write several entities at once.
    app.kv.collection().insert(&Tenant { name: name.clone(), title, is_closed: false }).await?;
    let first = User { tenant: name.clone(), name: owner.clone(), email, role: Role::Owner };
    app.kv.collection().put(&first).await?;
    let key = new_key(&app.kv, Caller { tenant: name, user: owner }).await?;
    Ok((StatusCode::CREATED, Json(key)))
}

/// Deletes everything that belongs to the tenant. If it is interrupted, it can be called again: the
/// users, who may do that, are deleted last.
///
/// The record of the tenant stays, and says that it is closed. A request that looked at it before
/// may still write, and what it writes must not belong to a new tenant of the same name. Keys stay
/// until they expire, and find nobody.
pub async fn delete(State(app): State<App>, caller: Caller) -> Result<StatusCode> {
    caller.must_be_owner(&app).await?;
    let tenant = caller.tenant;
    // From here on requests of the tenant write nothing.
    app.kv.collection::<Tenant>().update(&tenant, |tenant| tenant.is_closed = true).await?;
    delete_all(&app.kv.collection::<Project>(), &tenant).await?;
    delete_all(&app.kv.collection::<Flag>(), &tenant).await?;
    app.flags.invalidate_all();
    app.kv.collection::<LastProject>().delete(&tenant).await?;
    delete_all(&app.kv.collection::<User>(), &tenant).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes every entity of a kind that has this tenant as its first id.
async fn delete_all<E, Id>(entities: &Collection<E, impl Store>, tenant: &str) -> kv_runtime::Result<()>
where
    E: KvEntity<Id = (String, Id)>,
    Id: KvId + Lookup<Id>,
{
    let mut cursor = None;
    loop {
        let page = entities.list().within(tenant).cursor(cursor).ids().page().await?;
        entities.delete_many(page.ids).await?;
        let Some(next) = page.cursor else { return Ok(()) };
        cursor = Some(next);
    }
}
