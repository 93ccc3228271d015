//! Feature flags: read from memory, and answered even if the store is down.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::caller::Caller;
use crate::failure::Result;
use crate::model::Flag;

#[derive(Serialize, Deserialize)]
pub struct Switch {
    is_on: bool,
}

pub async fn get(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Json<Switch> {
    let off = Flag { tenant: caller.tenant.clone(), name: name.clone(), is_on: false };
    let flag = app.flags.get_or((&caller.tenant, &name), off).await;
    Json(Switch { is_on: flag.is_on })
}

/// Other processes see the change when their copy is 30 seconds old.
pub async fn set(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Json(Switch { is_on }): Json<Switch>,
) -> Result<Json<Switch>> {
    caller.may_write(&app).await?;
    caller.must_be_owner(&app).await?;
    app.flags.put(Flag { tenant: caller.tenant, name, is_on }).await?;
    Ok(Json(Switch { is_on }))
}
