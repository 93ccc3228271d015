//! Logging in and out. The session itself is kept by tower-sessions, in the same store.

use axum::Json;
use axum::extract::State;
use tower_sessions::Session;

use crate::app::App;
use crate::caller::{CALLER, Caller};
use crate::failure::{Failure, Result};
use crate::keys::{Key, user_of_key};

/// Begins a session. A real service would ask for a password, or another one that knows the user.
pub async fn log_in(
    State(app): State<App>,
    session: Session,
    Json(Key { key }): Json<Key>,
) -> Result<Json<Caller>> {
    let caller = user_of_key(&app.kv, &key).await?.ok_or(Failure::UNKNOWN_CALLER)?;
    // The id changes with the log-in, so that nobody who knew the old one is logged in, too.
    session.cycle_id().await?;
    session.insert(CALLER, &caller).await?;
    Ok(Json(caller))
}

pub async fn log_out(session: Session) -> Result<()> {
    session.flush().await?;
    Ok(())
}
