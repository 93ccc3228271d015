//! The users of a tenant.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::{Json, response::IntoResponse};
use serde::Deserialize;

use crate::app::App;
use crate::caller::Caller;
use crate::failure::Result;
use crate::keys::new_key;
use crate::model::{Role, User};

#[derive(Deserialize)]
pub struct New {
    name: String,
    email: String,
    role: Role,
}

pub async fn me(State(app): State<App>, caller: Caller) -> Result<Json<User>> {
    Ok(Json(caller.user(&app).await?))
}

/// Adds a user, and answers with the first key of that user.
pub async fn add(
    State(app): State<App>,
    caller: Caller,
    Json(New { name, email, role }): Json<New>,
) -> Result<impl IntoResponse> {
    caller.may_write(&app).await?;
    caller.must_be_owner(&app).await?;
    let user = User { tenant: caller.tenant, name, email, role };
    app.kv.collection().insert(&user).await?;
    let key = new_key(&app.kv, Caller { tenant: user.tenant, user: user.name }).await?;
    Ok((StatusCode::CREATED, Json(key)))
}

#[derive(Deserialize)]
pub struct Filter {
    email: Option<String>,
}

/// Answers with the users of the tenant, or with the one who has an email.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(Filter { email }): Query<Filter>,
) -> Result<Json<Vec<User>>> {
    let users = app.kv.collection::<User>();
    Ok(Json(match email {
        Some(email) => {
            let found = users.by(User::EMAIL_IN_TENANT).get((&caller.tenant, &email)).await?;
            found.into_iter().collect()
        }
        None => users.list().within(&caller.tenant).page().await?.entities,
    }))
}
