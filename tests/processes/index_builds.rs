//! Indexes are built online in a redb file, while writers change entities, and the process is
//! killed again and again. At the end none is missing in an index and none is wrong.
//!
//! The test runs itself as the child that is killed. `KV_INDEX_CRASH_ROWS=1000000`,
//! `KV_INDEX_CRASH_KILLS=20` and `KV_INDEX_CRASH_WRITERS=64` make it as long as a release asks for.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use kv_runtime::store::RedbStore;
use kv_runtime::{Collection, Kv, KvEntity};

/// The file that a child works on, and the seed of its writes.
const FILE: &str = "KV_INDEX_CRASH_FILE";
const SEED: &str = "KV_INDEX_CRASH_SEED";

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// A row before there were indexes.
#[derive(KvEntity)]
#[kv(prefix = "row", codec = "postcard")]
struct OldRow {
    #[kv(id)]
    id: u64,
    mail: u64,
    team: u32,
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "row", codec = "postcard")]
struct Row {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    mail: u64,
    #[kv(index)]
    team: u32,
}

const TEAMS: u32 = 50;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn rows() -> u64 {
    number("KV_INDEX_CRASH_ROWS", 10_000)
}

#[tokio::test]
async fn a_build_that_is_killed_among_writers_misses_nothing() -> Outcome {
    if let Ok(file) = std::env::var(FILE) {
        return build_among_writers(Path::new(&file)).await;
    }
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("rows.redb");
    let old = |id| OldRow { id, mail: id, team: id as u32 % TEAMS };
    Kv::new(RedbStore::open(&file)?).collection::<OldRow>().put_many((0..rows()).map(old)).await?;
    let mut random = fastrand::Rng::with_seed(0x5EED);
    let (kills, mut batches) = (number("KV_INDEX_CRASH_KILLS", 3), 0);
    for _ in 0..kills {
        let (mut child, mut lines) = start(&file, random.u64(..))?;
        // So many batches, and then a moment that falls anywhere in the next.
        for _ in 0..1 + random.u64(0..1 + rows() / (500 * (kills + 1))) {
            batches += u64::from(next_batch(&mut lines)?);
        }
        std::thread::sleep(Duration::from_micros(random.u64(0..20_000)));
        child.kill()?;
        child.wait()?;
    }
    assert!(batches > 0, "no build was killed on its way");
    let (mut child, mut lines) = start(&file, random.u64(..))?;
    while next_batch(&mut lines)? {}
    assert!(child.wait()?.success());
    let rows = Kv::new(RedbStore::open(&file)?).collection::<Row>();
    assert_equal_to_a_scan(&rows).await
}

/// What the child does: it prints a line behind each batch of the build.
async fn build_among_writers(file: &Path) -> Outcome {
    let kv = Kv::new(RedbStore::open(file)?);
    let rows = kv.collection::<Row>();
    let writers = (0..number("KV_INDEX_CRASH_WRITERS", 8)).map(|writer| {
        let kv = kv.clone();
        let random = fastrand::Rng::with_seed(number(SEED, 0).wrapping_add(writer));
        tokio::spawn(async move { write(&kv, random).await })
    });
    let writers: Vec<_> = writers.collect();
    let build = rows.build_indexes().no_older_writers().batch(500);
    let report = build.progress(|report| println!("built {}", report.entities)).run().await?;
    assert!(report.is_ready, "{report:?}");
    writers.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}

/// Changes rows without end. A mail moves between a row and its neighbour, or becomes one that only
/// this row has.
async fn write(kv: &Kv<RedbStore>, mut random: fastrand::Rng) {
    let (rows, count) = (kv.collection::<Row>(), self::rows());
    loop {
        let (id, team) = (random.u64(..count), random.u32(..TEAMS));
        match random.u8(..4) {
            0 => drop(rows.update(id, |row| row.team = team).await),
            1 => drop(rows.update(id, |row| row.mail = count + row.id).await),
            2 => drop(rows.put(&Row { id, mail: id, team }).await),
            _ => {
                let swapped = kv.transact(async |tx| {
                    let found = (tx.get::<Row>(id).await?, tx.get::<Row>((id + 1) % count).await?);
                    let (Some(mut one), Some(mut other)) = found else { return Ok(()) };
                    std::mem::swap(&mut one.mail, &mut other.mail);
                    tx.save(&one)?;
                    tx.save(&other)
                });
                drop(swapped.await);
            }
        }
    }
}

async fn assert_equal_to_a_scan(rows: &Collection<Row, RedbStore>) -> Outcome {
    let (mut by_mail, mut by_team) = (BTreeMap::new(), BTreeMap::<u32, Vec<u64>>::new());
    let mut all = rows.list().stream();
    while let Some(row) = all.next().await {
        let row = row?;
        by_team.entry(row.team).or_default().push(row.id);
        assert_eq!(by_mail.insert(row.mail, row.id), None, "two rows have the mail {}", row.mail);
    }
    assert_eq!(by_mail.len() as u64, self::rows());
    // `check_indexes` below reads each claim; these are read as an application does.
    for (mail, id) in by_mail.into_iter().step_by(10) {
        assert_eq!(rows.by(Row::MAIL).get(mail).await?.map(|row| row.id), Some(id), "mail {mail}");
    }
    for (team, mut scanned) in by_team {
        scanned.sort_unstable();
        let (mut found, mut ids) = (Vec::new(), rows.by(Row::TEAM).equal(team).ids().stream());
        while let Some(id) = ids.next().await {
            found.push(id?);
        }
        assert_eq!(found, scanned, "team {team}");
    }
    let report = rows.check_indexes().await?;
    assert_eq!((report.added, report.removed, report.violations), (0, 0, 0), "{report:?}");
    Ok(())
}

type Lines = std::io::Lines<BufReader<ChildStdout>>;

fn start(file: &Path, seed: u64) -> Outcome<(Child, Lines)> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--exact", "index_builds::a_build_that_is_killed_among_writers_misses_nothing", "--nocapture"])
        .env(FILE, file)
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.take().ok_or("the child has no output")?;
    Ok((child, BufReader::new(stdout).lines()))
}

/// Whether the child has built another batch; false when it has ended.
fn next_batch(lines: &mut Lines) -> Outcome<bool> {
    for line in lines {
        if line?.contains("built ") {
            return Ok(true);
        }
    }
    Ok(false)
}
