//! The new program of `tests/processes/rolling.rs`: version 3 of the note, in the three stages of a roll-out.
//!
//! `rolling-new URL STAGE` reads the note and counts one read in it. Stage `careful` writes version
//! 1 still, `additive` is version 2, which old code can read, `breaking` is version 3, which it
//! cannot. `rolling-new URL STAGE SECONDS` does so all the time, with many notes, in the first two
//! stages, and tells how many reads it has counted.
//!
//! In the stage `people` it works on people, whose emails have a unique index: people.rs.

mod busy;
mod people;

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
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let url = arguments.first().ok_or("a URL is missing")?;
    let kv = Kv::connect(url).await?;
    let (careful, tagged) = (kv.collection::<CarefulNote>(), kv.collection::<TaggedNote>());
    let count = |note: &mut CarefulNote| note.reads += 1;
    let count_and_tag = |note: &mut TaggedNote| {
        note.reads += 1;
        note.tags.push(format!("read {}", note.reads));
    };
    // The second tag is how often that was done: it shows a tag that somebody lost on the way.
    let count_in_tag = |note: &mut TaggedNote| {
        note.reads += 1;
        let counted = note.tags.get(1).and_then(|tag| tag.parse::<u64>().ok()).unwrap_or_default();
        note.tags = vec!["untagged".to_owned(), (counted + 1).to_string()];
    };
    let stage = arguments.get(1).map(String::as_str);
    if stage == Some("people") {
        println!("{}", people::run(&kv.collection(), &arguments[2..]).await?);
        return Ok(());
    }
    if let Some(seconds) = arguments.get(2) {
        let seconds = seconds.parse()?;
        let told = match stage {
            Some("careful") => busy::run(seconds, async |id| careful.update(id, count).await).await,
            _ => busy::run(seconds, async |id| tagged.update(id, count_in_tag).await).await,
        };
        println!("{told}");
        return Ok(());
    }
    let (text, reads, tags) = match stage {
        Some("careful") => {
            let note = careful.update(1, count).await?;
            (note.text, note.reads, note.tags)
        }
        Some("additive") => {
            let note = tagged.update(1, count_and_tag).await?;
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
