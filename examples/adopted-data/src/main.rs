//! Data that another program wrote: `cargo run -p adopted-data`.
//!
//! Another program keeps customers as plain JSON. This program reads and writes the same records
//! while the other one still runs, and migrates them when the other one is gone. customer.rs has
//! the struct for the time with the other program, and later.rs the one for the time after. It
//! prints:
//!
//! ```text
//! What the other program wrote:
//!   customer:17  {"fullName":"Ada Byron","credit":18446744073709551616,"prefs":{"theme":"dark"}}
//!   customer:18  {"fullName":"Grace Hopper","credit":0.10,"prefs":{}}
//!   customer:19  [object Object]
//!
//! Read as this program's struct:
//!   17: Ada Byron
//!   18: Grace Hopper
//!   not read: it is the text `[object Object]`, which JavaScript writes for an object that was not given to `JSON.stringify`
//!
//! An update changes one member, and an insert uses the old names:
//!   customer:17  {"fullName":"Ada Lovelace","credit":18446744073709551616,"prefs":{"theme":"dark"}}
//!   customer:18  {"fullName":"Grace Hopper","credit":0.10,"prefs":{}}
//!   customer:19  [object Object]
//!   customer:20  {"fullName":"Alan Turing"}
//!
//! The other program is gone. A later release migrates all records:
//!   3 migrated, 1 failed
//!   customer:17  {"name":"Ada Lovelace","credit":18446744073709551616,"prefs":{"theme":"dark"}}
//!   customer:18  {"name":"Grace Hopper","credit":0.10,"prefs":{}}
//!   customer:19  [object Object]
//!   customer:20  {"name":"Alan Turing"}
//!
//! The records of each version, and how many cannot be read:
//! group             version    records
//! -                       1          1
//! -                       2          3  current
//! (not decoded)                      1
//! (other keys)                       0
//! ```
//!
//! No number is rounded, and members that the struct does not name are kept.
//!
//! Until the last step, the other program can read all records on every store, because they are plain.
//! After it, it can on Cloudflare KV only, where the version is beside the value.

mod customer;
mod later;

use std::error::Error;

use customer::Customer;
use kv_runtime::Kv;
use kv_runtime::key::Key;
use kv_runtime::record::NewRecord;
use kv_runtime::store::{MemoryStore, StoreExt};

/// What the other program has written: JSON without a version, and once a mistake.
const WRITTEN: [(&str, &str); 3] = [
    ("customer:17", r#"{"fullName":"Ada Byron","credit":18446744073709551616,"prefs":{"theme":"dark"}}"#),
    ("customer:18", r#"{"fullName":"Grace Hopper","credit":0.10,"prefs":{}}"#),
    ("customer:19", "[object Object]"),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = MemoryStore::new();
    for (key, json) in WRITTEN {
        store.put(Key::from_text(key), NewRecord::plain(json)).await?;
    }
    let kv = Kv::new(store);

    println!("What the other program wrote:");
    show(&kv).await?;
    read(&kv).await?;
    write(&kv).await?;
    take_over(&kv).await
}

/// Reads every record, and prints which ones cannot be read.
async fn read(kv: &Kv<MemoryStore>) -> Result<(), Box<dyn Error>> {
    println!("\nRead as this program's struct:");
    let page = kv.collection::<Customer>().list().page().await?;
    for customer in &page.entities {
        println!("  {}: {}", customer.id, customer.name);
    }
    for failed in &page.failed {
        println!("  not read: {}", failed.source().map(ToString::to_string).unwrap_or_default());
    }
    Ok(())
}

/// While the other program still runs, this one writes what that one reads.
async fn write(kv: &Kv<MemoryStore>) -> Result<(), Box<dyn Error>> {
    println!("\nAn update changes one member, and an insert uses the old names:");
    let customers = kv.collection::<Customer>();
    customers.update(17, |customer| "Ada Lovelace".clone_into(&mut customer.name)).await?;
    customers.insert(&Customer { id: 20, name: "Alan Turing".to_owned() }).await?;
    show(kv).await
}

/// The other program is gone: all records become version 2.
async fn take_over(kv: &Kv<MemoryStore>) -> Result<(), Box<dyn Error>> {
    println!("\nThe other program is gone. A later release migrates all records:");
    let customers = kv.collection::<later::Customer>();
    let report = customers.migrate_all().run().await?;
    println!("  {} migrated, {} failed", report.migrated, report.failed);
    show(kv).await?;

    println!("\nThe records of each version, and how many cannot be read:");
    println!("{}", customers.census_with_values().await?);
    Ok(())
}

/// Prints the records as they are stored, as a tool of the server would.
async fn show(kv: &Kv<MemoryStore>) -> Result<(), Box<dyn Error>> {
    for id in 17..=20 {
        let key = format!("customer:{id}");
        if let Some(record) = kv.store().read(&Key::from_text(&key)).await? {
            println!("  {key}  {}", String::from_utf8_lossy(&record.value));
        }
    }
    Ok(())
}
