//! Feature flags that can always be read: `cargo run -p feature-flags`.
//!
//! `feature:flags:{name}` is read with a fallback. So the application gets a flag even if it does
//! not exist, or the store is down or hangs. With a memory cache in front, the last known value is
//! served for a while before the fallback. A fallback is never stored.
//!
//! It prints the following. At each `...` some of it is left out:
//!
//! ```text
//! Two flags are in the store, one is not:
//!   new-home   on, from store
//!   beta       on for 25%, from store
//!   dark-mode  off, from fallback
//!   beta is on for 250 of 1000 users
//!
//! The store is down. The last known value is served for ten more minutes:
//!   new-home   on, from stale
//!              Flag `feature:flags:new-home` in memory: the store failed to read the record; ...
//! ...
//! The store hangs. Nobody waits longer than 100 ms:
//!   new-home   off, from fallback
//!              Flag `feature:flags:new-home` in memory: there was no answer within 100ms; ...
//!
//! The store is back:
//!   new-home   on, from store
//!   dark-mode  off, from fallback
//! ```

use std::error::Error;
use std::fmt;
use std::time::Duration;

use kv_runtime::cache::{Cache, Cached};
use kv_runtime::layer::{Fault, FaultStore};
use kv_runtime::store::MemoryStore;
use kv_runtime::{Clock, Kv, KvEntity, ManualClock, Sourced, Timer, Timestamp};

const MINUTE: Duration = Duration::from_secs(60);

#[derive(KvEntity, Debug, Clone)]
#[kv(prefix = "feature:flags", version = 2)]
struct Flag {
    #[kv(id)]
    name: String,
    enabled: bool,
    /// How many of 100 users have it.
    #[kv(added(since = 2, default = 100))]
    percent: u8,
}

impl Flag {
    fn is_on_for(&self, user: u64) -> bool {
        self.enabled && user % 100 < u64::from(self.percent)
    }

    /// The flag if nothing is known. `get_or` sets its name to the one that was asked for.
    fn off() -> Self {
        Self { name: String::new(), enabled: false, percent: 0 }
    }
}

type Store = FaultStore<MemoryStore>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock = ManualClock::new(Timestamp::from_millis(1_763_900_000_000));
    // The program moves the time of day. Timeouts use real time.
    let store = MemoryStore::with_clock(Clock::from(&clock).with_timer(Timer::system()));
    let store = FaultStore::new(store);
    let faults = store.faults().clone();
    let kv = Kv::new(store);

    let stored = kv.collection::<Flag>();
    stored.put(&Flag { name: "new-home".to_owned(), enabled: true, percent: 100 }).await?;
    stored.put(&Flag { name: "beta".to_owned(), enabled: true, percent: 25 }).await?;
    let cache = Cache::new()
        .memory_ttl(MINUTE)
        .stale_for(10 * MINUTE)
        .hard_timeout(Duration::from_millis(100))
        .jitter(0.0); // So that each run prints the same.
    let flags = stored.cached(cache);

    println!("Two flags are in the store, one is not:");
    for name in ["new-home", "beta", "dark-mode"] {
        show(&flags, name).await;
    }
    let beta = flags.get_or("beta", Flag::off()).await;
    let users = (0..1_000).filter(|user| beta.is_on_for(*user)).count();
    println!("  beta is on for {users} of 1000 users");

    println!("\nThe store is down. The last known value is served for ten more minutes:");
    faults.add(Fault::fail());
    clock.advance(2 * MINUTE);
    for name in ["new-home", "beta", "dark-mode"] {
        show(&flags, name).await;
    }
    clock.advance(10 * MINUTE);
    show(&flags, "new-home").await;

    println!("\nThe store hangs. Nobody waits longer than 100 ms:");
    faults.clear();
    faults.add(Fault::hang());
    clock.advance(MINUTE);
    show(&flags, "new-home").await;

    println!("\nThe store is back:");
    faults.clear();
    clock.advance(MINUTE);
    for name in ["new-home", "dark-mode"] {
        show(&flags, name).await;
    }
    Ok(())
}

async fn show(flags: &Cached<Flag, Store>, name: &str) {
    // `get_or` returns only the flag; this form also returns its source, and any error.
    let Sourced { value: flag, source, error, .. } = flags.get_or_detailed(name, Flag::off()).await;
    println!("  {:<11}{}, from {}", flag.name, OnOff(&flag), source.as_str());
    if let Some(error) = error {
        println!("             {error}");
    }
}

struct OnOff<'a>(&'a Flag);

impl fmt::Display for OnOff<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Flag { enabled: true, percent: 100, .. } => f.write_str("on"),
            Flag { enabled: true, percent, .. } => write!(f, "on for {percent}%"),
            Flag { .. } => f.write_str("off"),
        }
    }
}
