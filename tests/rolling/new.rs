//! The new program of `tests/rolling.rs`: version 3 of the note, in the three stages of a roll-out.
//!
//! `rolling-new FILE STAGE` reads the note and counts one read in it. Stage `careful` writes version 1 still, `additive` is version 2,
//! which old code can read, `breaking` is version 3, which it cannot.

use kv_runtime::store::RedbStore;
use kv_runtime::{Kv, KvEntity};

#[derive(KvEntity)]
#[kv(prefix = "note", version = 2, write_version = 1)]
struct CarefulNote {
    #[kv(id)]
    id: u64,
    text: String,
    reads: u32,
    #[kv(added(since = 2, default = vec!["untagged".to_owned()]))]
    tags: Vec<String>,
}

#[derive(KvEntity)]
#[kv(prefix = "note", version = 2)]
struct TaggedNote {
    #[kv(id)]
    id: u64,
    text: String,
    reads: u32,
    #[kv(added(since = 2, default = vec!["untagged".to_owned()]))]
    tags: Vec<String>,
}

#[derive(KvEntity)]
#[kv(prefix = "note", version = 3)]
struct Note {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "text", since = 3))]
    body: String,
    reads: u32,
    #[kv(added(since = 2, default = vec!["untagged".to_owned()]))]
    tags: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("a file is missing")?;
    let kv = Kv::new(RedbStore::open(file)?);
    let (text, reads, tags) = match arguments.next().as_deref() {
        Some("careful") => {
            let note = kv.collection::<CarefulNote>().update(1, |note| note.reads += 1).await?;
            (note.text, note.reads, note.tags)
        }
        Some("additive") => {
            let change = |note: &mut TaggedNote| {
                note.reads += 1;
                note.tags.push(format!("read {}", note.reads));
            };
            let note = kv.collection::<TaggedNote>().update(1, change).await?;
            (note.text, note.reads, note.tags)
        }
        Some("breaking") => {
            let note = kv.collection::<Note>().update(1, |note| note.reads += 1).await?;
            (note.body, note.reads, note.tags)
        }
        _ => return Err("the stage is careful, additive or breaking".into()),
    };
    println!("new {text} {reads} {}", tags.join(","));
    Ok(())
}
