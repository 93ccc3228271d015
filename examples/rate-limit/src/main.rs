//! A rate limit that several processes share, by `try_update`: `cargo run -p rate-limit`.
//!
//! Each client may make three requests at once, and one more every ten seconds. One record per
//! client stores how many requests are left. limit.rs has the code of the limit. The program moves
//! the clock, so seconds take no time. It prints:
//!
//! ```text
//! Three requests at once, and not a fourth:
//!    0 s  ada  200 OK, 2 left
//!    0 s  ada  200 OK, 1 left
//!    0 s  ada  200 OK, 0 left
//!    0 s  ada  429 Too Many Requests, Retry-After: 10
//!    0 s  bob  200 OK, 2 left
//!
//! One more every ten seconds:
//!    4 s  ada  429 Too Many Requests, Retry-After: 6
//!   10 s  ada  200 OK, 0 left
//!   10 s  ada  429 Too Many Requests, Retry-After: 10
//!
//! A client that goes on asking gets no more than that:
//!  310 s  eve  32 of 600 requests in five minutes
//!
//! After a minute the records have expired, and each client has all requests again:
//!  370 s  0 records
//!  370 s  ada  200 OK, 2 left
//!
//! A hundred requests at once, from many tasks:
//!   3 allowed, 97 refused
//! ```
//!
//! With a store on Redis instead of in memory, all processes of a service share the limit.

mod limit;

use std::error::Error;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use kv_runtime::store::{AtomicStore, MemoryStore};
use kv_runtime::{Clock, Kv, ManualClock, Timestamp};
use limit::{Bucket, RateLimit, Refused};

const BURST: NonZeroU32 = NonZeroU32::new(3).unwrap();
const INTERVAL: Duration = Duration::from_secs(10);

const START: Timestamp = Timestamp::from_millis(1_764_000_000_000);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let manual = ManualClock::new(START);
    let clock = Clock::from(&manual);
    let kv = Kv::new(MemoryStore::with_clock(clock.clone()));
    let limit = Arc::new(RateLimit::new(kv.collection(), clock.clone(), BURST, INTERVAL));

    println!("Three requests at once, and not a fourth:");
    for client in ["ada", "ada", "ada", "ada", "bob"] {
        request(&limit, &clock, client).await?;
    }

    println!("\nOne more every ten seconds:");
    for wait in [4, 6, 0] {
        manual.advance(Duration::from_secs(wait));
        request(&limit, &clock, "ada").await?;
    }

    println!("\nA client that goes on asking gets no more than that:");
    let mut allowed = 0;
    for _ in 0..600 {
        manual.advance(Duration::from_millis(500));
        match limit.take("eve").await {
            Ok(_) => allowed += 1,
            Err(Refused::Wait(_)) => {}
            Err(Refused::Store(error)) => return Err(error.into()),
        }
    }
    println!("{:>4} s  eve  {allowed} of 600 requests in five minutes", seconds(&clock));

    println!("\nAfter a minute the records have expired, and each client has all requests again:");
    manual.advance(Duration::from_secs(60));
    let records = kv.collection::<Bucket>().list().ids().page().await?.ids.len();
    println!("{:>4} s  {records} records", seconds(&clock));
    request(&limit, &clock, "ada").await?;

    println!("\nA hundred requests at once, from many tasks:");
    let requests: Vec<_> = (0..100)
        .map(|_| {
            let limit = Arc::clone(&limit);
            tokio::spawn(async move { limit.take("carol").await })
        })
        .collect();
    let (mut allowed, mut refused) = (0, 0);
    for request in requests {
        match request.await? {
            Ok(_) => allowed += 1,
            Err(Refused::Wait(_)) => refused += 1,
            Err(Refused::Store(error)) => return Err(error.into()),
        }
    }
    println!("  {allowed} allowed, {refused} refused");
    Ok(())
}

/// Makes a request, and prints what a server would answer.
async fn request(
    limit: &RateLimit<impl AtomicStore>,
    clock: &Clock,
    client: &str,
) -> Result<(), kv_runtime::Error> {
    let answer = match limit.take(client).await {
        Ok(left) => format!("200 OK, {left} left"),
        Err(Refused::Wait(time)) => {
            format!("429 Too Many Requests, Retry-After: {}", time.as_secs_f64().ceil())
        }
        // A limit that cannot be read should not stop the service: a real one lets the request through
        // and logs the error.
        Err(Refused::Store(error)) => return Err(error),
    };
    println!("{:>4} s  {client}  {answer}", seconds(clock));
    Ok(())
}

fn seconds(clock: &Clock) -> u64 {
    clock.now().saturating_since(START).as_secs()
}
