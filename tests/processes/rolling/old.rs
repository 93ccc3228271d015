//! The old program of `tests/processes/rolling.rs`: version 1 of the note.
//!
//! `rolling-old URL` reads the note and counts one read in it, or says why it cannot.
//! `rolling-old URL busy SECONDS` does so all the time, with many notes, and tells how many reads
//! it has counted and how many were refused. `rolling-old URL person ID EMAIL` writes a person, who
//! has no index yet.

mod busy;

use kv_runtime::{Kv, KvEntity};

#[derive(KvEntity)]
#[kv(prefix = "note")]
struct Note {
    #[kv(id)]
    id: u64,
    text: String,
    reads: u32,
}

#[derive(KvEntity)]
#[kv(prefix = "person")]
struct Person {
    #[kv(id)]
    id: u64,
    email: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let url = arguments.first().ok_or("a URL is missing")?;
    let kv = Kv::connect(url).await?;
    if let [_, _, id, email] = arguments.as_slice() {
        kv.collection().put(&Person { id: id.parse()?, email: email.clone() }).await?;
        println!("old wrote {id}");
        return Ok(());
    }
    let notes = kv.collection::<Note>();
    if let [_, _, seconds] = arguments.as_slice() {
        let change = async |id| notes.update(id, |note| note.reads += 1).await;
        println!("{}", busy::run(seconds.parse()?, change).await);
        return Ok(());
    }
    let first = || Note { id: 1, text: "first".to_owned(), reads: 1 };
    match notes.upsert(1, first, |note| note.reads += 1).await {
        Ok(note) => println!("old {} {}", note.text, note.reads),
        Err(error) => println!("old refuses: {error}"),
    }
    Ok(())
}
