//! A process that writes to a redb file is killed, again and again, and the file keeps every
//! promise.
//!
//! The parent starts this test's own program as a child. The child writes from several tasks at
//! once and tells each write on its standard output once it is acknowledged; at a random moment it
//! is killed with SIGKILL, sometimes while it opens and repairs the file. Then the parent opens the
//! file and looks at each record:
//!
//! - what was acknowledged is there, or what the same task wrote over it later;
//! - what was not is whole or absent: every value carries a checksum over its key and itself;
//! - the two keys of one commit are both there or both absent, and of the same write.
//!
//! A killed process loses nothing that the system has taken over, so this is no test of the disk or
//! of fsync.
#![cfg(unix)]

use std::collections::HashMap;
use std::error::Error as StdError;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::record::{Expiry, Metadata, NewRecord};
use kv_runtime::store::{Entry, ListQuery, RedbStore, Store, StoreExt, Write};

type Failure = Box<dyn StdError + Send + Sync>;

const ROUNDS: u64 = 50;
const TASKS: u64 = 6;

/// Where the parent tells the child the file, the seed of its choices, and the number that its
/// writes count from.
const FILE: &str = "KV_TEST_CRASH_FILE";
const SEED: &str = "KV_TEST_CRASH_SEED";
const FIRST: &str = "KV_TEST_CRASH_FIRST";

/// No child lives long enough to make so many writes.
const WRITES_OF_A_LIFE: u64 = 1_000_000;

/// The parent takes another seed from here, to repeat a run.
const PARENT_SEED: &str = "KV_TEST_SEED";

#[test]
fn a_killed_process_loses_no_acknowledged_write() -> Result<(), Failure> {
    let seed = match std::env::var(PARENT_SEED) {
        Ok(seed) => seed.parse()?,
        Err(_) => fastrand::u64(..),
    };
    println!("{PARENT_SEED}={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("crash.redb");
    drop(RedbStore::open(&path)?);
    let mut acknowledged = HashMap::new();
    let (mut writes, mut killed_while_opening) = (0, 0);
    for round in 0..ROUNDS {
        if random.u8(..3) == 0 {
            // Killed while it opens the file, or soon after. What it leaves is for the next child
            // to repair.
            let child = spawn(&path, random.u64(..), (2 * round) * WRITES_OF_A_LIFE)?;
            thread::sleep(Duration::from_micros(random.u64(..15_000)));
            let acknowledged = kill(child, &mut acknowledged)?;
            killed_while_opening += u32::from(acknowledged == 0);
            writes += acknowledged;
        }
        let child = spawn(&path, random.u64(..), (2 * round + 1) * WRITES_OF_A_LIFE)?;
        let first = child.lines.recv_timeout(Duration::from_secs(20));
        let first = first.map_err(|_| format!("seed {seed}, round {round}: the child wrote nothing"))?;
        acknowledge(&first, &mut acknowledged)?;
        thread::sleep(Duration::from_micros(random.u64(..40_000)));
        writes += 1 + kill(child, &mut acknowledged)?;
        check(&path, &acknowledged).map_err(|failure| format!("seed {seed}, round {round}: {failure}"))?;
    }
    println!(
        "{writes} writes were acknowledged; {killed_while_opening} kills came before the first of a life"
    );
    Ok(())
}

struct Running {
    child: Child,
    lines: Receiver<String>,
}

fn spawn(path: &Path, seed: u64, first: u64) -> Result<Running, Failure> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--exact", "crash::child_process", "--ignored", "--nocapture"])
        .env(FILE, path)
        .env(SEED, seed.to_string())
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.take().ok_or("no standard output")?;
    Ok(Running { child, lines: read_lines(stdout) })
}

/// The child's acknowledgements, read as they come, so that it never waits for the parent.
fn read_lines(stdout: ChildStdout) -> Receiver<String> {
    let (lines, received) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            // The mark at the end tells a whole line from one that the kill cut short.
            let line = String::from_utf8(line).ok();
            let line = line.filter(|line| line.starts_with("ack ") && line.ends_with(" ."));
            if line.is_some_and(|line| lines.send(line).is_err()) {
                break;
            }
        }
    });
    received
}

/// Kills the child, and records which writes it saw acknowledged. Returns how many.
fn kill(mut running: Running, acknowledged: &mut HashMap<String, u64>) -> Result<usize, Failure> {
    running.child.kill()?;
    let status = running.child.wait()?;
    if status.code().is_some() {
        return Err(format!("the child ended by itself: {status}").into());
    }
    let mut count = 0;
    for line in running.lines {
        acknowledge(&line, acknowledged)?;
        count += 1;
    }
    Ok(count)
}

/// `ack number key... .`
fn acknowledge(line: &str, acknowledged: &mut HashMap<String, u64>) -> Result<(), Failure> {
    let mut words = line.split(' ').skip(1);
    let number = words.next().ok_or("no number")?.parse()?;
    for key in words.take_while(|word| *word != ".") {
        acknowledged.insert(key.to_owned(), number);
    }
    Ok(())
}

fn check(path: &Path, acknowledged: &HashMap<String, u64>) -> Result<(), Failure> {
    let mut found = HashMap::new();
    let mut damaged = Vec::new();
    let store = RedbStore::open(path)?;
    let mut query = ListQuery::new(Key::from_text(""));
    loop {
        let page = block_on(store.page(&query))??;
        let cursor = page.cursor.clone();
        page.for_each(|key, entry| match entry {
            Entry::Record(record) => match number_in(key, &record.value) {
                Some(number) => drop(found.insert(key.to_owned(), number)),
                None => damaged.push(key.to_owned()),
            },
            _ => damaged.push(key.to_owned()),
        });
        if cursor.is_none() {
            break;
        }
        query = query.with_cursor(cursor);
    }
    if !damaged.is_empty() {
        return Err(format!("not whole: {damaged:?}").into());
    }
    for (key, number) in acknowledged {
        // Each key is written by one task, with growing numbers.
        match found.get(key) {
            Some(found) if found >= number => {}
            other => return Err(format!("{key}: {number} was acknowledged, and {other:?} is there").into()),
        }
    }
    for (key, number) in &found {
        let other = match (key.strip_suffix(":left"), key.strip_suffix(":right")) {
            (Some(pair), _) => format!("{pair}:right"),
            (_, Some(pair)) => format!("{pair}:left"),
            _ => continue,
        };
        if found.get(&other) != Some(number) {
            return Err(format!("{key} is of commit {number}, {other} of {:?}", found.get(&other)).into());
        }
    }
    Ok(())
}

fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().build()?.block_on(future))
}

#[test]
#[ignore = "the child process of the other test, which alone gives it a file and ends it"]
fn child_process() -> Result<(), Failure> {
    let Some(path) = std::env::var_os(FILE) else { return Ok(()) };
    let (seed, first): (u64, u64) = (std::env::var(SEED)?.parse()?, std::env::var(FIRST)?.parse()?);
    // Ends the line that the test harness has begun.
    println!();
    let store = RedbStore::open(path)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    runtime.block_on(async {
        let tasks =
            (0..TASKS).map(|task| tokio::spawn(write_until_killed(store.clone(), task, seed ^ task, first)));
        for task in tasks.collect::<Vec<_>>() {
            task.await??;
        }
        Ok(())
    })
}

/// Puts new keys and overwrites old ones, one and two at a time. A task's keys are its own, and its
/// numbers grow.
async fn write_until_killed(store: RedbStore, task: u64, seed: u64, first: u64) -> Result<(), Failure> {
    let mut random = fastrand::Rng::with_seed(seed);
    for number in first.. {
        let name = if random.bool() {
            format!("new:{task}:{number}")
        } else {
            format!("slot:{task}:{}", random.u8(..8))
        };
        let mut write = |key: &str| {
            let day = Expiry::After(Duration::from_secs(86_400));
            let record = NewRecord::new(value(key, number, &mut random), Metadata::default())
                .with_expiry(if random.bool() { Expiry::Never } else { day });
            (Key::from_text(key), record)
        };
        let (left, right) = (format!("{name}:left"), format!("{name}:right"));
        let acknowledged = match number % 3 {
            0 => {
                let (key, record) = write(&name);
                store.put(key, record).await?;
                name
            }
            1 => {
                store.put_many(vec![write(&left), write(&right)]).await?;
                format!("{left} {right}")
            }
            _ => {
                let writes = [&left, &right].map(|key| {
                    let (key, record) = write(key);
                    Write::Put(key, record)
                });
                let _ = store.commit(Vec::new(), writes.to_vec().into()).await?;
                format!("{left} {right}")
            }
        };
        // One call, short enough for the pipe to take it whole.
        std::io::stdout().write_all(format!("ack {number} {acknowledged} .\n").as_bytes())?;
    }
    Ok(())
}

/// Mostly short, sometimes some pages long: number, filling, checksum.
fn value(key: &str, number: u64, random: &mut fastrand::Rng) -> Vec<u8> {
    let len = match random.u8(..40) {
        0 => random.usize(10_000..200_000),
        1..4 => random.usize(1_000..10_000),
        _ => random.usize(..400),
    };
    let mut value = number.to_le_bytes().to_vec();
    value.resize(8 + len, random.u8(..));
    let sum = checksum(key, &value);
    value.extend_from_slice(&sum.to_le_bytes());
    value
}

/// The number of a whole value.
fn number_in(key: &str, value: &[u8]) -> Option<u64> {
    let (rest, sum) = value.split_last_chunk()?;
    let number = rest.first_chunk()?;
    (checksum(key, rest) == u64::from_le_bytes(*sum)).then(|| u64::from_le_bytes(*number))
}

/// FNV-1a over words, which is fast enough without optimisation.
fn checksum(key: &str, value: &[u8]) -> u64 {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for chunk in key.as_bytes().chunks(8).chain(value.chunks(8)) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        sum = (sum ^ u64::from_le_bytes(word) ^ chunk.len() as u64).wrapping_mul(0x0100_0000_01b3);
    }
    sum
}
