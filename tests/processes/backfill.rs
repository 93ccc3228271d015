//! A backfill of 200,000 records that is killed 20 times and resumed: every record is migrated
//! once.
//!
//! The step is not idempotent: it counts how often it was made. The test runs itself as the child
//! that is killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::migrate::Object;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{Cursor, RedbStore, StoreExt};
use kv_runtime::{BoxError, Codec, Kv, KvEntity};

const RECORDS: u64 = 200_000;
const KILLS: usize = 20;

/// The file that a child works on, and the cursor that it goes on from.
const FILE: &str = "KV_BACKFILL_FILE";
const CURSOR: &str = "KV_BACKFILL_CURSOR";

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[derive(KvEntity, Debug)]
#[kv(prefix = "row", version = 2)]
#[kv(step(1 => count_the_step))]
struct Row {
    #[kv(id, ordered)]
    number: u64,
    name: String,
    steps: u32,
}

fn count_the_step(row: &mut Object) -> Result<(), BoxError> {
    let steps = row.get("steps").and_then(|steps| steps.as_u64()).unwrap_or(0);
    row.insert("steps".to_owned(), (steps + 1).into());
    Ok(())
}

#[tokio::test]
async fn every_record_is_migrated_once() -> Outcome {
    if let Ok(file) = std::env::var(FILE) {
        return backfill(Path::new(&file)).await;
    }
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("rows.redb");
    load(&file).await?;
    let mut random = fastrand::Rng::with_seed(0x5EED);
    let mut cursor = None;
    for _ in 0..KILLS {
        let mut child = start(&file, cursor.as_deref())?;
        // So many batches, and then a moment that falls anywhere in the next.
        for _ in 0..random.u32(1..8) {
            match next_line(&mut child)? {
                Some(line) => cursor = Some(line),
                None => break,
            }
        }
        std::thread::sleep(Duration::from_micros(random.u64(0..20_000)));
        child.process.kill()?;
        child.process.wait()?;
    }
    // The last run goes on to the end from the last cursor; one from the start finds nothing that
    // was left out.
    let mut child = start(&file, cursor.as_deref())?;
    while next_line(&mut child)?.is_some() {}
    assert!(child.process.wait()?.success());

    let rows = Kv::new(RedbStore::open(&file)?).collection::<Row>();
    let census = rows.census().await?;
    assert_eq!(census.groups[0].versions.get(&2), Some(&RECORDS), "{census}");
    let (mut stream, mut number) = (rows.list().stream(), 0);
    while let Some(row) = stream.next().await {
        let row = row?;
        assert_eq!((row.number, row.name.as_str(), row.steps), (number, format!("row {number}").as_str(), 1));
        number += 1;
    }
    assert_eq!(number, RECORDS);
    Ok(())
}

async fn load(file: &Path) -> Outcome {
    let store = RedbStore::open(file)?;
    for chunk in 0..RECORDS / 10_000 {
        let rows = (chunk * 10_000..(chunk + 1) * 10_000).map(|number| {
            let json = format!(r#"{{"name":"row {number}"}}"#);
            (Key::from_text(format!("row:{number:020}")), NewRecord::new(json, Metadata::new(1, Codec::Json)))
        });
        store.put_many(rows.collect()).await?;
    }
    Ok(())
}

/// What the child does: it prints the cursor behind each batch that is committed.
async fn backfill(file: &Path) -> Outcome {
    let rows = Kv::new(RedbStore::open(file)?).collection::<Row>();
    let cursor = std::env::var(CURSOR).ok().map(Cursor::from_text);
    let report = rows
        .migrate_all()
        .cursor(cursor)
        .batch(1_000)
        .progress(|progress| {
            if let Some(cursor) = &progress.cursor {
                println!("cursor {}", cursor.as_str());
            }
        })
        .run()
        .await?;
    assert_eq!(report.failed, 0, "{report}");
    Ok(())
}

struct Running {
    process: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

fn start(file: &Path, cursor: Option<&str>) -> Outcome<Running> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--exact", "backfill::every_record_is_migrated_once", "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::piped());
    if let Some(cursor) = cursor {
        command.env(CURSOR, cursor);
    }
    let mut process = command.spawn()?;
    let stdout = process.stdout.take().ok_or("the child has no output")?;
    Ok(Running { process, lines: BufReader::new(stdout).lines() })
}

/// The next cursor that the child prints, or nothing when it has ended.
fn next_line(child: &mut Running) -> Outcome<Option<String>> {
    for line in child.lines.by_ref() {
        if let Some((_, cursor)) = line?.split_once("cursor ") {
            return Ok(Some(cursor.to_owned()));
        }
    }
    Ok(None)
}
