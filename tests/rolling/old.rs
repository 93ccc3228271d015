//! The old program of `tests/rolling.rs`: version 1 of the note.
//!
//! `rolling-old FILE ROUND` reads the note and counts one read in it, or says why it cannot.

use kv_runtime::store::RedbStore;
use kv_runtime::{Kv, KvEntity};

#[derive(KvEntity)]
#[kv(prefix = "note")]
struct Note {
    #[kv(id)]
    id: u64,
    text: String,
    reads: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("a file is missing")?;
    let notes = Kv::new(RedbStore::open(file)?).collection::<Note>();
    let first = || Note { id: 1, text: "first".to_owned(), reads: 1 };
    match notes.upsert(1, first, |note| note.reads += 1).await {
        Ok(note) => println!("old {} {}", note.text, note.reads),
        Err(error) => println!("old refuses: {error}"),
    }
    Ok(())
}
