//! Memory, then the store, then the origin: `cargo run -p tiered-cache`.
//!
//! The origin is a slow catalogue of products. In front of it, a store keeps each answer for 300 s.
//! In front of the store, memory keeps it for 60 s. Two nodes share the store, and each has its own
//! memory. The program moves the clock, so minutes take no time.
//!
//! It prints the following. At each `...` some of it is left out:
//!
//! ```text
//! One product, and where each answer is from:
//!   one first                   206 cents   from origin
//!   one at once                 206 cents   from memory
//!   two at once                 206 cents   from store
//!   one after 60 s              206 cents   from store
//!   one after 300 s             206 cents   from origin
//!   one no product              nothing     from origin
//!   one once more               nothing     from memory
//! ...
//! Twenty minutes of 100 requests a second, for 50 products of which some are more popular:
//!   120000 requests, 196 calls of the origin, ...
//! ...
//! ```

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kv_runtime::cache::{Cache, Cached};
use kv_runtime::layer::FaultStore;
use kv_runtime::store::MemoryStore;
use kv_runtime::{Clock, Kv, KvEntity, ManualClock, Timestamp};

const SECOND: Duration = Duration::from_secs(1);

#[derive(KvEntity, Debug, Clone)]
#[kv(prefix = "product")]
struct Product {
    #[kv(id)]
    number: u32,
    name: String,
    cents: u32,
}

/// The origin: a slow catalogue that counts how often it is asked.
#[derive(Clone, Default)]
struct Catalogue(Arc<AtomicU64>);

impl Catalogue {
    /// There are a thousand products.
    async fn fetch(self, number: u32) -> Result<Option<Product>, std::io::Error> {
        self.0.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok((number < 1_000).then(|| Product {
            number,
            name: format!("product {number}"),
            cents: 199 + number,
        }))
    }
}

/// One process of several that share a store.
struct Node {
    name: &'static str,
    products: Cached<Product, FaultStore<MemoryStore>>,
    catalogue: Catalogue,
}

impl Node {
    fn new(name: &'static str, store: &MemoryStore, catalogue: &Catalogue) -> Self {
        // Caches of one process hear its writes. Here each node is another process.
        let kv = Kv::new(FaultStore::new(store.clone()).in_another_process());
        // Without jitter each run prints the same.
        let cache =
            Cache::new().memory_ttl(60 * SECOND).store_ttl(300 * SECOND).max_entries(10_000).jitter(0.0);
        Self { name, products: kv.collection::<Product>().cached(cache), catalogue: catalogue.clone() }
    }

    async fn product(&self, number: u32) -> kv_runtime::Result<Option<Arc<Product>>> {
        let catalogue = self.catalogue.clone();
        self.products.get_or_load(number, move || catalogue.fetch(number)).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock = ManualClock::new(Timestamp::from_millis(1_763_900_000_000));
    let store = MemoryStore::with_clock(Clock::from(&clock));
    let catalogue = Catalogue::default();
    let (one, two) = (Node::new("one", &store, &catalogue), Node::new("two", &store, &catalogue));

    println!("One product, and where each answer is from:");
    ask(&one, 7, "first").await?;
    ask(&one, 7, "at once").await?;
    ask(&two, 7, "at once").await?;
    clock.advance(60 * SECOND);
    ask(&one, 7, "after 60 s").await?;
    clock.advance(240 * SECOND);
    ask(&one, 7, "after 300 s").await?;
    ask(&one, 1_000, "no product").await?;
    ask(&one, 1_000, "once more").await?;

    println!("\nA write goes to the store and to this node's memory, not to another node's:");
    ask(&two, 7, "on the other, before").await?;
    one.products.update(7, |product| product.cents = 100).await?;
    ask(&one, 7, "on the node that wrote").await?;
    ask(&two, 7, "on the other, at once").await?;
    clock.advance(60 * SECOND);
    ask(&two, 7, "after 60 s").await?;

    println!("\nTwenty minutes of 100 requests a second, for 50 products of which some are more popular:");
    let before = catalogue.0.load(Ordering::SeqCst);
    let mut random = fastrand::Rng::with_seed(7);
    let start = now();
    for request in 0..120_000 {
        if request % 100 == 0 {
            clock.advance(SECOND);
        }
        let node = if random.bool() { &one } else { &two };
        // The square makes low numbers frequent.
        let number = (random.f64().powi(2) * 50.0) as u32;
        node.product(number).await?;
    }
    let calls = catalogue.0.load(Ordering::SeqCst) - before;
    println!("  120000 requests, {calls} calls of the origin, {:.1} s", start.elapsed().as_secs_f64());
    for node in [&one, &two] {
        println!("\nNode {}:\n{}", node.name, node.products.stats());
    }
    Ok(())
}

async fn ask(node: &Node, number: u32, when: &str) -> Result<(), Box<dyn Error>> {
    let catalogue = node.catalogue.clone();
    let served = node.products.get_or_load_detailed(number, move || catalogue.fetch(number)).await?;
    let product = served.value.map_or_else(|| "nothing".to_owned(), |it| format!("{} cents", it.cents));
    println!("  {:<4}{when:<24}{product:<12}from {}", node.name, served.source.as_str());
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "prints how long the requests took")]
fn now() -> Instant {
    Instant::now()
}
