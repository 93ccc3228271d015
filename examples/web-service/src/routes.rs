//! The routes: which function answers which request.

use axum::Router;
use axum::routing::{delete, get, patch, post};
use kv_runtime::tower_sessions::KvSessionStore;
use tower_sessions::cookie::time;
use tower_sessions::{Expiry, SessionManagerLayer};

use crate::app::{App, MINUTE};
use crate::{flags, keys, projects, sessions, tenants, users};

pub fn router(app: App) -> Router {
    let sessions =
        KvSessionStore::new(&app.kv).with_idle_timeout(30 * MINUTE).with_touch_interval(5 * MINUTE);
    let sessions = SessionManagerLayer::new(sessions)
        .with_expiry(Expiry::OnInactivity(time::Duration::days(1)))
        .with_secure(false); // Only because this serves plain HTTP; leave it out behind TLS.
    Router::new()
        .route("/tenants", post(tenants::create))
        .route("/tenant", delete(tenants::delete))
        .route("/login", post(sessions::log_in))
        .route("/logout", post(sessions::log_out))
        .route("/me", get(users::me))
        .route("/users", post(users::add).get(users::list))
        .route("/keys", post(keys::add))
        .route("/projects", post(projects::create).get(projects::list))
        .route("/projects/{number}", patch(projects::change).delete(projects::delete))
        .route("/flags/{name}", get(flags::get).put(flags::set))
        .layer(sessions)
        .with_state(app)
}
