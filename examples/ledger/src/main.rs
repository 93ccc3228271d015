//! A ledger: `cargo run -p ledger [-- --store URL | FILE]`.
//!
//! You learn how one transaction moves money between two accounts, writes an entry for each of them,
//! and keeps a daily limit. Many tasks transfer at the same time, while another one checks the sum
//! of all accounts. On a durable store, kill the program and run it again: the sum is still right.
//! Without arguments it prints:
//!
//! ```text
//! 8 accounts, new
//!
//! A refused transfer changes nothing:
//!   there is no account 99
//!   account 1 has 100.00 €
//!   account 1 may pay 1000.00 € more today
//!
//! 8 tasks transfer at the same time:
//!   after 200 attempts the sum was right at every check
//!   every balance agrees with its entries
//! ```

mod book;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use book::{Book, Refused};
use examples_support::store;
use kv_runtime::Kv;
use kv_runtime::store::{AnyStore, StoreExt};

const ACCOUNTS: u64 = 8;
const OPENED_WITH: i64 = 10_000; // cents
const TASKS: u64 = 8;
const TRANSFERS: u32 = 25;

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result {
    let kv = Kv::connect(store::url().as_deref().unwrap_or("memory:")).await?;
    let book = Book::new(kv);
    let is_new = book.open(1..=ACCOUNTS, OPENED_WITH).await?;
    let total = ACCOUNTS as i64 * OPENED_WITH;
    println!("{ACCOUNTS} accounts, {}", if is_new { "new" } else { "from an earlier run" });
    assert_eq!(book.sum(1..=ACCOUNTS).await?, total);

    println!("\nA refused transfer changes nothing:");
    // No account ever holds more than was paid in, however often this program ran before.
    for (from, to, cents) in [(1, 99, 500), (1, 2, total + 1), (1, 2, 9_000_000)] {
        match book.transfer(from, to, cents).await {
            Err(refused) => println!("  {refused}"),
            Ok(_) => return Err("it was not refused".into()),
        }
    }
    assert_eq!(book.sum(1..=ACCOUNTS).await?, total);

    println!("\n{TASKS} tasks transfer at the same time:");
    let book = Arc::new(book);
    let is_over = Arc::new(AtomicBool::new(false));
    let looking = tokio::spawn(look(Arc::clone(&book), Arc::clone(&is_over), total));
    let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(work(Arc::clone(&book)))).collect();
    for task in tasks {
        task.await??;
    }
    is_over.store(true, Ordering::Relaxed);
    let looks = looking.await??;
    assert!(looks > 0);
    println!("  after {} attempts the sum was right at every check", u64::from(TRANSFERS) * TASKS);
    book.check_entries(1..=ACCOUNTS, OPENED_WITH).await?;
    println!("  every balance agrees with its entries");
    let stats = book.kv().transaction_stats();
    assert!(stats.committed > 0 && stats.exhausted == 0);
    let store = book.kv().store();
    if !matches!(store, AnyStore::Memory(_)) {
        println!("\nRun this again: {} keeps the accounts.", store.name());
    }
    Ok(())
}

/// Makes random transfers.
async fn work(book: Arc<Book<AnyStore>>) -> Result {
    for _ in 0..TRANSFERS {
        let from = fastrand::u64(1..=ACCOUNTS);
        let to = 1 + (from + fastrand::u64(..ACCOUNTS - 1)) % ACCOUNTS;
        match book.transfer(from, to, fastrand::i64(1..1_000)).await {
            Ok(_) | Err(Refused::Overdrawn { .. } | Refused::Limit { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Checks the sum of all accounts until the others are done, and returns how often.
async fn look(book: Arc<Book<AnyStore>>, is_over: Arc<AtomicBool>, total: i64) -> Result<u32> {
    let mut looks = 0;
    while looks == 0 || !is_over.load(Ordering::Relaxed) {
        let sum = book.sum(1..=ACCOUNTS).await?;
        if sum != total {
            return Err(format!("there are {sum} cents, and {total} were paid in").into());
        }
        looks += 1;
        tokio::task::yield_now().await;
    }
    Ok(looks)
}
