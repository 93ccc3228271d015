//! A web service as a template to start from, with axum: `cargo run -p web-service`.
//!
//! Tenants have users, API keys, projects and feature flags; browsers have sessions. Read model.rs
//! first, which has all entities, then routes.rs. Each kind of request has a file. auth.rs finds
//! out who makes a request, and failure.rs answers errors. tests/schema.rs compares the entities
//! with `kv-schema.lock`, so no release changes a struct without a migration.
//!
//! `cargo run -p web-service -- --port 8080 [--store redb:service.redb]` serves until Ctrl-C.
//! Without options the program starts the server, sends it requests (visit.rs), and prints the
//! answers:
//!
//! ```text
//! A new tenant has an owner, and its name must be unique:
//!   POST /tenants       201 Created       a key
//!   POST /tenants       409 Conflict      there is one already
//!   GET /me             401 Unauthorized  log in, or send an API key
//!
//! A program sends its key with each request, and a browser logs in with it:
//!   GET /me             200 OK            {"tenant":"acme","name":"ada","email":"ada@acme.example","role":"owner"}
//!   POST /login         200 OK            {"tenant":"acme","user":"ada"}
//!   POST /users         201 Created       a key
//!   POST /users         409 Conflict      another user has this email
//!   GET /users          200 OK            [{"tenant":"acme","name":"bob","email":"bob@acme.example","role":"member"}]
//!   POST /users         403 Forbidden     only an owner may do this
//!
//! Projects are numbered, and listed in pages:
//!   POST /projects      201 Created       {"tenant":"acme","number":1,"title":"Rockets","is_archived":false}
//!   POST /projects      201 Created       {"tenant":"acme","number":2,"title":"Anvils","is_archived":false}
//!   POST /projects      201 Created       {"tenant":"acme","number":3,"title":"Magnets","is_archived":false}
//!   PATCH /projects/2   200 OK            {"tenant":"acme","number":2,"title":"Anvils","is_archived":true}
//!   GET /projects       200 OK            [1 Rockets, 2 Anvils (archived)], and more
//!   GET /projects       200 OK            [3 Magnets]
//!
//! Another tenant sees nothing of this:
//!   POST /tenants       201 Created       a key
//!   GET /projects       200 OK            []
//!   PATCH /projects/2   404 Not Found     there is none
//!
//! A flag is off until an owner turns it on:
//!   GET /flags/beta     200 OK            {"is_on":false}
//!   PUT /flags/beta     200 OK            {"is_on":true}
//!   GET /flags/beta     200 OK            {"is_on":true}
//!
//! The owner deletes the tenant, and its users and keys are refused:
//!   DELETE /tenant      204 No Content
//!   GET /me             401 Unauthorized  log in, or send an API key
//!   POST /projects      410 Gone          the tenant was deleted
//! ```

mod app;
mod auth;
mod caller;
mod failure;
mod flags;
mod keys;
mod model;
mod projects;
mod routes;
mod sessions;
mod tenants;
mod users;
mod visit;

use std::error::Error;

use examples_support::{server, usage};
use kv_runtime::Kv;

use app::App;
use routes::router;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    usage::expect_options(&["--port", "--store"], "[--port PORT [--store URL]]");
    let url = server::option::<String>("--store").unwrap_or_else(|| "memory:".to_owned());
    let kv = Kv::connect(&url).await?;
    let app = router(App::new(kv));
    match server::option("--port") {
        Some(port) => server::until_stopped(app, port).await,
        None => visit(app).await,
    }
}

async fn visit(app: axum::Router) -> Result<(), Box<dyn Error>> {
    let (address, server) = server::spawn(app, 0).await?;
    visit::all(&format!("http://{address}")).await?;
    server.abort();
    Ok(())
}
