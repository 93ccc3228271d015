//! Pages that something else has changed: every call gives an answer, and nothing is written any
//! more.

use std::error::Error as StdError;
use std::fs;
use std::io::{Seek, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use kv_runtime::Error;
use kv_runtime::key::Key;
use kv_runtime::record::{Expiry, NewRecord};
use kv_runtime::store::{
    Condition, Content, Expect, ListQuery, RedbDurability, RedbStore, Store, StoreExt, Write,
};

use super::{Test, directory, key, record};

const PAGE: usize = 4096;
const RECORDS: usize = 150;

fn name(place: usize) -> String {
    format!("user:{place:04}")
}

/// A file of some levels: records, half of which expire.
async fn filled(path: &Path) -> Test {
    let store = RedbStore::open(path)?;
    let records = (0..RECORDS).map(|place| (key(name(place)), filler(place))).collect();
    store.put_many(records).await?;
    store.delete_many((0..RECORDS).step_by(7).map(|place| key(name(place))).collect()).await?;
    Ok(())
}

fn filler(place: usize) -> NewRecord {
    let expiry =
        if place.is_multiple_of(2) { Expiry::Never } else { Expiry::After(Duration::from_secs(1_000_000)) };
    record(&format!("\"{}\"", "x".repeat(200 + place))).with_expiry(expiry)
}

/// What a store that may be damaged made of everything that can be asked of it.
#[derive(Default)]
struct Answers {
    read: usize,
    refused: usize,
    /// Whether a write was refused as the file is damaged.
    is_sealed: bool,
}

impl Answers {
    fn count<T>(&mut self, answer: Result<T, Error>) -> Result<Option<T>, String> {
        match answer {
            Ok(answer) => {
                self.read += 1;
                Ok(Some(answer))
            }
            Err(
                Error::Store { retryable: false, .. }
                | Error::Malformed { .. }
                | Error::OutcomeUnknown { .. },
            ) => {
                self.refused += 1;
                Ok(None)
            }
            Err(error) => Err(format!("another error: {error:?}")),
        }
    }
}

async fn ask_everything(store: &RedbStore) -> Result<Answers, String> {
    let mut answers = Answers::default();
    let keys: Vec<Key> = (0..RECORDS).map(|place| key(name(place))).collect();
    for key in &keys {
        answers.count(store.read(key).await)?;
        answers.count(store.head(key).await)?;
    }
    answers.count(store.read_many(&keys).await)?;
    for content in [Content::Keys, Content::Records] {
        let mut query = ListQuery::new(key("user:")).with_limit(50).with_content(content);
        for _ in 0..RECORDS {
            let Some(page) = answers.count(store.page(&query).await)? else { break };
            let Some(cursor) = page.cursor else { break };
            query = query.with_cursor(Some(cursor));
        }
    }
    for (place, key) in keys.iter().enumerate().step_by(50) {
        answers.count(store.put(key.clone(), filler(place)).await)?;
        answers.count(store.delete(key.clone()).await)?;
        let absent = vec![Condition::new(key.clone(), Expect::Absent)];
        answers.count(store.commit(absent, Write::Put(key.clone(), filler(place + 1)).into()).await)?;
    }
    answers.count(store.sweep(100).await)?;
    if let Err(error) = store.put(key("last"), record("1")).await {
        let cause = StdError::source(&error).map(ToString::to_string).unwrap_or_default();
        answers.is_sealed = cause.contains("the file is damaged, and nothing is written to it any more");
        if !answers.is_sealed {
            return Err(format!("{error:?}"));
        }
    }
    Ok(answers)
}

/// What became of one damaged file.
enum Outcome {
    NotOpened,
    Answered(Answers),
}

/// What happens to a page.
#[derive(Clone, Copy, Debug)]
enum How {
    Inverted,
    Zeroed,
    HalfWritten,
}

impl How {
    fn damage(self, page: &mut [u8]) {
        match self {
            Self::Inverted => page.iter_mut().for_each(|byte| *byte = !*byte),
            Self::Zeroed => page.fill(0),
            Self::HalfWritten => page[PAGE / 2..].fill(0xA5),
        }
    }
}

/// Opens a file one of whose pages is damaged, before that or after it, and asks everything of it.
fn examine(
    whole: &[u8],
    path: &Path,
    page: usize,
    how: How,
    is_open: bool,
) -> Result<Outcome, Box<dyn StdError>> {
    fs::write(path, whole)?;
    let damage = || -> Test {
        let mut bytes = whole[page * PAGE..][..PAGE].to_vec();
        how.damage(&mut bytes);
        let mut file = fs::OpenOptions::new().write(true).open(path)?;
        file.seek(SeekFrom::Start((page * PAGE) as u64))?;
        Ok(file.write_all(&bytes)?)
    };
    if !is_open {
        damage()?;
    }
    // Nothing is kept in memory that should be read from the file, and no time is spent on fsync.
    let options = RedbStore::options().cache_bytes(0).durability(RedbDurability::OnFlush);
    let store = match options.open(path) {
        Ok(store) => store,
        Err(Error::ForeignFile { .. }) if !is_open => return Ok(Outcome::NotOpened),
        Err(error) => return Err(format!("{error:?}").into()),
    };
    if is_open {
        damage()?;
    }
    let before = fs::read(path)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let answers = runtime.block_on(ask_everything(&store))?;
    let after = fs::read(path)?;
    drop(store);
    let closed = fs::read(path)?;
    if answers.is_sealed && after != closed {
        return Err("a file that is known to be damaged was written to".into());
    }
    if !answers.is_sealed && before == closed {
        return Err("nothing was written to a file that takes writes".into());
    }
    // Whether it opens again or not, that is an answer, too.
    match RedbStore::open(path) {
        Ok(_) | Err(Error::ForeignFile { .. } | Error::Store { .. }) => Ok(Outcome::Answered(answers)),
        Err(error) => Err(format!("{error:?}").into()),
    }
}

/// Examines it in another thread, with a time limit.
fn examine_in_time(
    whole: &Arc<[u8]>,
    path: &Path,
    page: usize,
    how: How,
    is_open: bool,
) -> Result<Outcome, String> {
    let (tell, told) = mpsc::channel();
    let (whole, path) = (Arc::clone(whole), path.to_owned());
    thread::spawn(move || {
        tell.send(examine(&whole, &path, page, how, is_open).map_err(|error| error.to_string()))
    });
    // A thread that panics hangs up.
    told.recv_timeout(Duration::from_secs(60)).map_err(|error| error.to_string())?
}

async fn examine_all(hows: &[How], is_open: bool) -> Result<Vec<Outcome>, Box<dyn StdError>> {
    let (_directory, path) = directory()?;
    filled(&path).await?;
    let whole: Arc<[u8]> = fs::read(&path)?.into();
    let mut outcomes = Vec::new();
    for page in 0..whole.len() / PAGE {
        if whole[page * PAGE..][..PAGE].iter().all(|byte| *byte == 0) {
            continue;
        }
        for how in hows {
            let outcome = examine_in_time(&whole, &path, page, *how, is_open);
            outcomes.push(outcome.map_err(|error| format!("page {page} {how:?}: {error}"))?);
        }
    }
    Ok(outcomes)
}

fn count(outcomes: &[Outcome], is_it: impl Fn(&Answers) -> bool) -> usize {
    outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Answered(answers) if is_it(answers))).count()
}

#[tokio::test]
async fn a_file_that_was_damaged_opens_or_says_so() -> Test {
    let outcomes = examine_all(&[How::Inverted, How::Zeroed, How::HalfWritten], false).await?;
    let not_opened = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::NotOpened)).count();
    assert!(outcomes.len() > 60 && not_opened > 5, "{not_opened} of {}", outcomes.len());
    Ok(())
}

#[tokio::test]
async fn every_call_on_pages_that_become_damaged_gives_an_answer() -> Test {
    let outcomes = examine_all(&[How::Inverted, How::Zeroed], true).await?;
    let sealed = count(&outcomes, |answers| answers.is_sealed);
    let partly_read = count(&outcomes, |answers| answers.is_sealed && answers.read > RECORDS);
    assert!(sealed > 10 && partly_read > 10, "{sealed} and {partly_read} of {}", outcomes.len());
    Ok(())
}

#[tokio::test]
async fn pages_are_checked_in_opening_if_asked_for() -> Test {
    let (_directory, path) = directory()?;
    filled(&path).await?;
    drop(RedbStore::options().check_pages().open(&path)?);
    let mut bytes = fs::read(&path)?;
    for page in bytes.chunks_mut(PAGE) {
        if let Some(value) = page.windows(100).position(|window| window == [b'x'; 100]) {
            page[value] = b'y';
        }
    }
    fs::write(&path, &bytes)?;
    // A value's bytes are not what makes redb stumble.
    drop(RedbStore::open(&path)?);
    let refused = RedbStore::options().check_pages().open(&path);
    let Err(error @ Error::ForeignFile { .. }) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("its pages are damaged"), "{error}");
    Ok(())
}
