//! An endpoint that caches an upstream HTTP API: `cargo run -p api-cache`.
//!
//! Without options it starts both servers, sends requests to the endpoint, and shows how many calls
//! the upstream gets: one for many callers, and none while an answer is fresh. While the upstream
//! is slow or down, the endpoint returns old answers. The program moves the clock, so minutes take
//! no time.
//!
//! `cargo run -p api-cache -- --port 8080 [--max-age 60]` serves until Ctrl-C. upstream.rs is the
//! upstream, app.rs the endpoint, and visit.rs the client.
//!
//! It prints the following. At each `...` some of it is left out:
//!
//! ```text
//! 64 clients ask at once, for the first time:
//! ...
//! Answers are fresh for a minute, as the upstream says:
//!   USD at once                        1.081            from memory  0 calls
//!   USD a minute later                 1.082            from origin  1 calls
//!
//! The upstream takes a second. Clients get the older answer and do not wait:
//!   USD a minute later                 1.082            from stale   1 calls
//!   USD when the upstream has answered 1.083            from memory  0 calls
//!
//! The upstream is down:
//!   USD a minute later                 1.083            from stale   1 calls
//!   USD 64 times                       1.083            from stale   0 calls
//!   GBP which nobody has asked for yet 502 Bad Gateway               1 calls
//!   USD eleven minutes later           502 Bad Gateway               1 calls
//! ...
//! ```

mod app;
mod upstream;
mod visit;

use std::error::Error;

use examples_support::{client, server, usage};
use kv_runtime::store::MemoryStore;
use kv_runtime::{Clock, Kv, ManualClock, Timer, Timestamp};
use upstream::Upstream;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    usage::expect_options(&["--port", "--max-age"], "[--port PORT] [--max-age SECONDS]");
    let upstream = Upstream::new(server::option("--max-age").unwrap_or(60));
    let (upstream_at, upstream_server) = server::spawn(upstream.router(), 0).await?;
    let upstream_url = format!("http://{upstream_at}");

    if let Some(port) = server::option("--port") {
        println!("upstream on {upstream_url}");
        let app = app::router(&Kv::new(MemoryStore::new()), client::client()?, upstream_url);
        server::until_stopped(app, port).await?;
    } else {
        let clock = ManualClock::new(Timestamp::from_millis(1_763_900_000_000));
        // Timeouts of calls to the upstream use real time.
        let store = MemoryStore::with_clock(Clock::from(&clock).with_timer(Timer::system()));
        let kv = Kv::new(store);
        let (address, server) = server::spawn(app::router(&kv, client::client()?, upstream_url), 0).await?;
        visit::all(address, &upstream, &clock).await?;
        server.abort();
    }
    upstream_server.abort();
    Ok(())
}
