//! Sessions of a web application, with axum and tower-sessions: `cargo run -p sessions`.
//!
//! Without options it starts the server, visits it with a client that keeps cookies, and shows what
//! happens: a log-in, a session that is extended with few writes, an idle timeout, and a log-out
//! while another request is in flight. The program moves the store's clock, so hours take no time.
//!
//! `cargo run -p sessions -- --port 8080 [--store redb:sessions.redb] [--idle 1800]` serves until
//! Ctrl-C. On a durable store users stay logged in after a restart. app.rs has the application, and
//! visit.rs the client.
//!
//! It prints the following. At each `...` some of it is left out:
//!
//! ```text
//! A session begins with the log-in:
//!   GET  /me        before                            401 Unauthorized
//!   POST /login     as ada                            200 OK
//!        set-cookie: id=(a secret); HttpOnly; SameSite=Strict; Path=/; Max-Age=86400
//!   GET  /me        with tea in the cart              200 OK
//!        ada, cart: ["tea"]
//!
//! Each request extends it, with at most one write in five minutes:
//!   240 requests in four hours, 48 writes
//! ...
//! A log-out is final, even while another request runs:
//!   POST /login     as ada                            200 OK
//! ...
//!   POST /logout    during the checkout               200 OK
//!   POST /checkout  which ends after the log-out      200 OK
//!   GET  /me        with the cookie from before       401 Unauthorized
//!   0 sessions are left in the store
//! ```

mod app;
mod visit;

use std::error::Error;
use std::time::{Duration, SystemTime};

use examples_support::{server, usage};
use kv_runtime::store::{AtomicStore, RedbStore};
use kv_runtime::tower_sessions::KvSessionStore;
use kv_runtime::{Clock, Kv, ManualClock};
use tower_sessions::cookie::time;
use tower_sessions::{Expiry, SessionManagerLayer};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    usage::expect_options(&["--port", "--store", "--idle"], "[--port PORT [--store URL] [--idle SECONDS]]");
    let Some(port) = server::option("--port") else { return visit().await };
    let url = server::option::<String>("--store").unwrap_or_else(|| "memory:".to_owned());
    let idle = server::option("--idle").map_or(30 * MINUTE, Duration::from_secs);
    let kv = Kv::connect(&url).await?;
    server::until_stopped(app::router().layer(sessions(&kv, idle)), port).await
}

/// The cookie lives a day from the last change of the session; the session ends after `idle`
/// without a request.
fn sessions<S: AtomicStore>(kv: &Kv<S>, idle: Duration) -> SessionManagerLayer<KvSessionStore<S>> {
    let store = KvSessionStore::new(kv).with_idle_timeout(idle).with_touch_interval(idle / 6);
    SessionManagerLayer::new(store)
        .with_expiry(Expiry::OnInactivity(time::Duration::days(1)))
        .with_secure(false) // Only because this serves plain HTTP; leave it out behind TLS.
}

#[expect(
    clippy::disallowed_methods,
    reason = "tower-sessions uses the system's clock, so the store's clock starts at the same time"
)]
async fn visit() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let clock = ManualClock::new(SystemTime::now().into());
    let store =
        RedbStore::options().clock(Clock::from(&clock)).open(directory.path().join("sessions.redb"))?;
    let kv = Kv::new(store);
    let (address, server) = server::spawn(app::router().layer(sessions(&kv, 30 * MINUTE)), 0).await?;
    visit::all(address, &kv, &clock).await?;
    server.abort();
    Ok(())
}
