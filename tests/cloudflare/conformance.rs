//! The suite that every store passes.

use std::time::Duration;

use kv_runtime::conformance::{self, Foreign, Harness};
use kv_runtime::key::Key;
use kv_runtime::store::CloudflareStore;
use kv_runtime::{Clock, ManualClock, Result, Timer};
use serde_json::json;

use super::Test;
use super::local::Namespace;

/// Time passes by the suite's clock, which decides about `expiresAt`. By the server's clock nothing
/// expires as early.
struct Namespaces {
    clock: ManualClock,
}

impl Namespaces {
    fn open(&self, namespace: &Namespace) -> Result<CloudflareStore> {
        // Pauses are the system's: nobody moves the clock while a request waits to be made again.
        namespace.options().clock(Clock::from(&self.clock).with_timer(Timer::system())).open()
    }
}

impl Harness for Namespaces {
    type Store = CloudflareStore;

    async fn store(&self) -> Result<CloudflareStore> {
        self.open(&Namespace::new())
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    // The local runtime takes milliseconds for each; tests/cloudflare/recorded.rs has the largest
    // batches.
    fn largest_batch(&self) -> usize {
        1_000
    }

    async fn store_holding(&self, records: &[(Key, Foreign)]) -> Result<Option<CloudflareStore>> {
        let namespace = Namespace::new();
        for (key, record) in records {
            let (value, options) = match record {
                Foreign::Plain(value) => {
                    (std::str::from_utf8(value).expect("the suite's values are text"), json!({}))
                }
                _ => ("{}", json!({ "metadata": ["not", "an", "object"] })),
            };
            let put = json!({ "key": key.as_str(), "value": value, "options": options });
            namespace.javascript("putText", put).await.expect("the Worker writes it");
        }
        self.open(&namespace).map(Some)
    }
}

#[tokio::test]
#[ignore = "needs Node packages; scripts/test runs it"]
async fn it_passes_the_suite() -> Test {
    let clock = ManualClock::new(Clock::system().now());
    let report = conformance::store(&Namespaces { clock }).await;
    println!("{report}");
    report.require(64)?;
    Ok(())
}
