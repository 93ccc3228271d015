//! Keys are migrated while the process is killed again and again. At the end each record is under
//! its new key alone, with the newest value.
//!
//! Each test runs itself as the child that is killed. `KV_KEY_MOVES_ROWS` and `KV_KEY_MOVES_KILLS`
//! make it longer.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use kv_runtime::migrate::KeyMigrationReport;
use kv_runtime::store::{AtomicStore, RedbStore, RedisStore};
use kv_runtime::{Error, Kv, KvEntity};

use super::redis_server::RedisServer;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Where a child finds the records, which only it has.
const PLACE: &str = "KV_KEY_MOVES_PLACE";

const WRITERS: u64 = 4;
const TEAMS: u64 = 7;

#[derive(KvEntity)]
#[kv(prefix = "old")]
struct Old {
    #[kv(id)]
    id: u64,
    count: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "new")]
struct New {
    #[kv(id)]
    team: u64,
    #[kv(id)]
    id: u64,
    count: u64,
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn rows() -> u64 {
    number("KV_KEY_MOVES_ROWS", 4_000)
}

fn kills() -> u64 {
    number("KV_KEY_MOVES_KILLS", 12)
}

#[tokio::test(flavor = "multi_thread")]
async fn in_redb_every_record_is_moved_once() -> Outcome {
    if let Ok(file) = std::env::var(PLACE) {
        let kv = Kv::new(RedbStore::open(file)?);
        return move_among_writers(&kv, &kv, WRITERS).await;
    }
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("rows.redb");
    fill(&Kv::new(RedbStore::open(&file)?)).await?;
    let acknowledged = kill_while_it_moves("in_redb_every_record_is_moved_once", &file.to_string_lossy())?;
    let kv = Kv::new(RedbStore::open(&file)?);
    assert_moved_once(&kv, &kv, &acknowledged).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn on_redis_every_record_is_moved_once() -> Outcome {
    if let Ok(url) = std::env::var(PLACE) {
        let kv = Kv::new(RedisStore::connect(&url).await?);
        return move_among_writers(&kv, &kv, WRITERS).await;
    }
    let server = RedisServer::start();
    let kv = Kv::new(RedisStore::connect(&server.url(0)).await?);
    fill(&kv).await?;
    let acknowledged = kill_while_it_moves("on_redis_every_record_is_moved_once", &server.url(0))?;
    assert_moved_once(&kv, &kv, &acknowledged).await
}

/// Two handles of one server: the copy and the removal are two commits, and the process may be
/// killed after the first. Nobody else may write meanwhile.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn to_hash_tags_every_record_is_moved_once() -> Outcome {
    if let Ok(url) = std::env::var(PLACE) {
        let (from, into) = (plain(&url).await?, tagged(&url).await?);
        return move_among_writers(&from, &into, 0).await;
    }
    let server = RedisServer::start();
    let (from, into) = (plain(&server.url(0)).await?, tagged(&server.url(0)).await?);
    fill(&from).await?;
    let acknowledged = kill_while_it_moves("to_hash_tags_every_record_is_moved_once", &server.url(0))?;
    assert_moved_once(&from, &into, &acknowledged).await
}

async fn plain(url: &str) -> Result<Kv<RedisStore>, Error> {
    Ok(Kv::new(RedisStore::connect(url).await?))
}

async fn tagged(url: &str) -> Result<Kv<RedisStore>, Error> {
    Ok(Kv::new(RedisStore::options().hash_tags(true).connect(url).await?))
}

async fn fill<S: AtomicStore>(kv: &Kv<S>) -> Outcome {
    kv.collection::<Old>().put_many((0..rows()).map(|id| Old { id, count: id })).await?;
    Ok(())
}

/// What the child does: it prints a line after each batch, and for each count that it has written.
async fn move_among_writers<S: AtomicStore>(from: &Kv<S>, into: &Kv<S>, writers: u64) -> Outcome {
    let writers: Vec<_> = (0..writers)
        .map(|writer| {
            let (from, into) = (from.clone(), into.clone());
            tokio::spawn(async move { count(&from, &into, writer).await })
        })
        .collect();
    let report = migrate(from, into).await?;
    assert_eq!((report.occupied, report.failed), (0, 0), "{report}");
    // One that has ended has met an error.
    assert!(!writers.iter().any(tokio::task::JoinHandle::is_finished));
    Ok(())
}

async fn migrate<S: AtomicStore>(from: &Kv<S>, into: &Kv<S>) -> Result<KeyMigrationReport, Error> {
    let (old, new) = (from.collection::<Old>(), into.collection::<New>());
    let run = new.migrate_keys(&old, |id| Some((id % TEAMS, id))).batch(50);
    run.progress(|progress| println!("moved {} .", progress.migrated)).run().await
}

/// Counts up the records that only this writer changes, wherever they are.
async fn count<S: AtomicStore>(from: &Kv<S>, into: &Kv<S>, writer: u64) -> Result<(), Error> {
    let (old, new) = (from.collection::<Old>(), into.collection::<New>());
    let mut random = fastrand::Rng::new();
    loop {
        let id = WRITERS * random.u64(..rows() / WRITERS) + writer;
        // A move is one commit, so what is no longer under the old key is under the new one.
        let count = match old.update(id, |row| row.count += 1_000_000).await {
            Err(Error::NotFound { .. }) => {
                new.update((id % TEAMS, id), |row| row.count += 1_000_000).await?.count
            }
            updated => updated?.count,
        };
        println!("wrote {id} {count} .");
    }
}

/// Kills a child at random moments of its run, lets the last one end, and returns the counts that the
/// children have written.
fn kill_while_it_moves(test: &str, place: &str) -> Outcome<BTreeMap<u64, u64>> {
    let mut acknowledged = BTreeMap::new();
    let (mut random, mut killed_on_the_way) = (fastrand::Rng::new(), 0);
    for life in 0..=kills() {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--exact", &format!("key_moves::{test}"), "--include-ignored", "--nocapture"])
            .env(PLACE, place)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("the child has no output")?).lines();
        if life == kills() {
            read(&mut lines, u64::MAX, &mut acknowledged)?;
            assert!(child.wait()?.success());
            break;
        }
        // So many batches, and then a moment that falls anywhere in the next.
        let batches = random.u64(0..=rows() / (50 * (kills() + 1)));
        killed_on_the_way += u64::from(read(&mut lines, batches, &mut acknowledged)?);
        std::thread::sleep(Duration::from_micros(random.u64(0..30_000)));
        child.kill()?;
        child.wait()?;
        read(&mut lines, u64::MAX, &mut acknowledged)?;
    }
    assert!(2 * killed_on_the_way > kills(), "{killed_on_the_way} kills came before the end of a run");
    Ok(acknowledged)
}

/// Reads so many batches, and returns whether there were as many.
fn read(
    lines: &mut Lines<BufReader<ChildStdout>>,
    batches: u64,
    acknowledged: &mut BTreeMap<u64, u64>,
) -> Outcome<bool> {
    let mut seen = 0;
    while seen < batches {
        let Some(line) = lines.next() else { return Ok(false) };
        let line = line?;
        // The test harness begins a line before the child does. A kill may cut the last one short.
        let Some(line) = line.strip_suffix(" .") else { continue };
        if line.contains("moved ") {
            seen += 1;
        } else if let Some((_, written)) = line.split_once("wrote ") {
            let (id, count) = written.split_once(' ').ok_or("a count is missing")?;
            acknowledged.insert(id.parse()?, count.parse()?);
        }
    }
    Ok(true)
}

async fn assert_moved_once<S: AtomicStore>(
    from: &Kv<S>,
    into: &Kv<S>,
    acknowledged: &BTreeMap<u64, u64>,
) -> Outcome {
    // What writers were at all the time may be left.
    let report = migrate(from, into).await?;
    assert_eq!((report.occupied, report.failed, report.contended), (0, 0, 0), "{report}");
    assert_eq!(from.collection::<Old>().list().ids().page().await?.ids, Vec::<u64>::new());
    let mut moved = BTreeMap::new();
    let mut all = into.collection::<New>().list().stream();
    while let Some(row) = all.next().await {
        let row = row?;
        assert_eq!(row.team, row.id % TEAMS);
        assert_eq!(moved.insert(row.id, row.count), None, "{} is there twice", row.id);
    }
    assert_eq!(moved.len() as u64, rows());
    for (id, count) in moved {
        let least = acknowledged.get(&id).copied().unwrap_or(id);
        // A process may be killed after a write and before its line, once in a life.
        let most = least + kills() * 1_000_000;
        assert!((least..=most).contains(&count) && count % 1_000_000 == id, "{id}: {count}, not {least}");
    }
    Ok(())
}
