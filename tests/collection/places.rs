//! The location of an error: the record that the engine named, and which records of a batch were
//! written.

use std::sync::Mutex;

use kv_runtime::key::Key;
use kv_runtime::record::Record;
use kv_runtime::store::{
    Batch, Capabilities, Cursor, EntryRef, GetOptions, Limits, ListQuery, MemoryStore, Sharing, Store,
    StoreInfo,
};
use kv_runtime::{Error, Kv, Location, MaybeSend, Result, SharedError};

use crate::Outcome;
use crate::entities::{Counter, User};

/// A store that answers its writes by a script, and with `Ok` after its end.
struct Scripted {
    store: MemoryStore,
    info: StoreInfo,
    answers: Mutex<Vec<Result<()>>>,
}

impl Scripted {
    fn answering(atomic: bool, answers: impl IntoIterator<Item = Result<()>>) -> Kv<Self> {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        let capabilities = Capabilities::new(Sharing::Shared).limits(Limits::new().batches(100, 4));
        let capabilities = if atomic { capabilities.atomic_batches() } else { capabilities };
        let info = StoreInfo::new("scripted", capabilities);
        Kv::new(Self { store: MemoryStore::new(), info, answers: Mutex::new(answers) })
    }

    fn answer(&self) -> Result<()> {
        self.answers.lock().expect("nothing panics").pop().unwrap_or(Ok(()))
    }
}

impl Store for Scripted {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.store.get(key, options).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        self.answer()?;
        self.store.write(batch).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.store.list(query, each).await
    }
}

/// The engine failed, and named this key, or none.
fn failure(key: Option<&str>) -> Error {
    let at = match key {
        Some(key) => Location::of("scripted", &Key::from_text(key)),
        None => Location::store("scripted"),
    };
    Error::store(at, "write", true, std::io::Error::other("full"))
}

fn partial(key: &str, written: usize, also: &[usize]) -> Error {
    let at = Location::of("scripted", &Key::from_text(key));
    let (also, unknown, source) = (also.to_vec(), Vec::new(), Box::new(failure(Some(key))));
    Error::Partial { at, written, also, unknown, source }
}

/// The server did not answer.
fn unanswered(key: &str) -> Error {
    let at = Location::of("scripted", &Key::from_text(key));
    Error::OutcomeUnknown { at, source: SharedError::new(std::io::Error::other("no answer")) }
}

/// A partial error's `written`, `also`, and key, and the key of its cause.
type Told = (usize, Vec<usize>, Option<String>, Option<String>);

fn told(result: Result<()>) -> std::result::Result<Told, Box<dyn std::error::Error>> {
    match result {
        Err(Error::Partial { at, written, also, source, .. }) => {
            assert_eq!(at.entity, source.location().and_then(|at| at.entity).or(at.entity));
            let cause = source.location().and_then(|at| at.key.clone());
            Ok((written, also, at.key.clone(), cause))
        }
        other => Err(format!("it is not partial: {other:?}").into()),
    }
}

fn key(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn counters() -> impl Iterator<Item = Counter> {
    (0..10).map(|count| Counter { name: count.to_string(), count })
}

#[tokio::test]
async fn places_are_counted_from_the_beginning_of_the_call() -> Outcome {
    // The second batch of four: one was written, one not, one was, and one not.
    let kv = Scripted::answering(true, [Ok(()), Err(partial("counter:5", 1, &[2]))]);
    let put = kv.collection::<Counter>().put_many(counters()).await;
    assert_eq!(told(put)?, (5, vec![6], key("counter:5"), key("counter:5")));
    // The first one, and the last one, which is not full.
    let kv = Scripted::answering(true, [Err(partial("counter:1", 1, &[3]))]);
    let put = kv.collection::<Counter>().put_many(counters()).await;
    assert_eq!(told(put)?, (1, vec![3], key("counter:1"), key("counter:1")));
    let kv = Scripted::answering(true, [Ok(()), Ok(()), Err(partial("counter:8", 0, &[1]))]);
    let put = kv.collection::<Counter>().put_many(counters()).await;
    assert_eq!(told(put)?, (8, vec![9], key("counter:8"), key("counter:8")));
    Ok(())
}

/// Places of unknown outcome are counted from the beginning of the call, too; where a whole batch
/// is unknown, they are all of the batch.
#[tokio::test]
async fn places_of_unknown_outcome_are_counted_alike() -> Outcome {
    let unknown_of = |result: Result<()>| match result {
        Err(Error::Partial { written, unknown, .. }) => Ok((written, unknown)),
        other => Err(format!("it is not partial: {other:?}")),
    };
    let in_part = || {
        let at = Location::of("scripted", &Key::from_text("counter:6"));
        let source = Box::new(unanswered("counter:6"));
        Error::Partial { at, written: 1, also: vec![3], unknown: vec![2], source }
    };
    let kv = Scripted::answering(true, [Ok(()), Err(in_part())]);
    let put = kv.collection::<Counter>().put_many(counters()).await;
    assert_eq!(unknown_of(put)?, (5, vec![6]));
    let kv = Scripted::answering(true, [Ok(()), Err(unanswered("counter:4"))]);
    let put = kv.collection::<Counter>().put_many(counters()).await;
    assert_eq!(unknown_of(put)?, (4, vec![4, 5, 6, 7]));
    let kv = Scripted::answering(true, [Ok(()), Ok(()), Err(unanswered("counter:8"))]);
    let names = (0..10).map(|name| name.to_string());
    let deleted = kv.collection::<Counter>().delete_many(names).await;
    assert_eq!(unknown_of(deleted)?, (8, vec![8, 9]));
    // A failure that is known leaves nothing unknown.
    let kv = Scripted::answering(true, [Ok(()), Err(failure(None))]);
    let put = kv.collection::<Counter>().put_many(counters()).await;
    assert_eq!(unknown_of(put)?, (4, Vec::new()));
    Ok(())
}

#[tokio::test]
async fn a_batch_that_failed_as_a_whole_counts_what_was_before() -> Outcome {
    let kv = Scripted::answering(true, [Ok(()), Err(failure(None))]);
    let put = kv.collection::<Counter>().put_many(counters()).await;
    let (written, also, ..) = told(put)?;
    assert_eq!((written, also), (4, Vec::new()));
    let kv = Scripted::answering(true, [Ok(()), Ok(()), Err(failure(Some("counter:9")))]);
    let names = (0..10).map(|name| name.to_string());
    let deleted = kv.collection::<Counter>().delete_many(names.clone()).await;
    // The first one of the batch, beside the one that the engine named.
    assert_eq!(told(deleted)?, (8, Vec::new(), key("counter:8"), key("counter:9")));
    // A batch of deletes counts as a whole.
    let kv = Scripted::answering(true, [Ok(()), Err(partial("counter:6", 2, &[3]))]);
    let deleted = kv.collection::<Counter>().delete_many(names).await;
    assert_eq!(told(deleted)?, (4, Vec::new(), key("counter:4"), key("counter:6")));
    Ok(())
}

/// Where batches are not atomic, the anchors are a separate call, whose places are those of the
/// entities.
#[tokio::test]
async fn an_entity_is_written_when_its_anchor_is() -> Outcome {
    let users = || (0..3).map(User::new);
    // Four records a batch are one entity of three groups: the others, then the anchor.
    let kv = Scripted::answering(false, [Ok(()), Ok(()), Err(partial("user:1:limits", 1, &[]))]);
    let put = kv.collection::<User>().put_many(users()).await;
    let (written, also, _, cause) = told(put)?;
    assert_eq!((written, also, cause), (1, Vec::new(), key("user:1:limits")));
    let kv = Scripted::answering(false, [Ok(()), Ok(()), Ok(()), Err(failure(Some("user:1:profile")))]);
    let put = kv.collection::<User>().put_many(users()).await;
    let (written, also, _, cause) = told(put)?;
    assert_eq!((written, also, cause), (1, Vec::new(), key("user:1:profile")));
    Ok(())
}

#[tokio::test]
async fn a_record_that_does_not_encode_comes_after_what_was_sent() -> Outcome {
    let long =
        |count: u64| Counter { name: if count == 9 { "n".repeat(2_000) } else { count.to_string() }, count };
    let kv = Scripted::answering(true, []);
    let put = kv.collection::<Counter>().put_many((0..10).map(long)).await;
    let (written, also, ..) = told(put)?;
    // Two batches were sent, and of the third nothing.
    assert_eq!((written, also), (8, Vec::new()));
    assert_eq!(kv.collection::<Counter>().list().ids().page().await?.ids.len(), 8);
    let names = (0..10).map(|count| long(count).name);
    let (written, also, at, _) = told(kv.collection::<Counter>().delete_many(names).await)?;
    assert_eq!((written, also, at), (8, Vec::new(), key("counter:8")));
    Ok(())
}

#[tokio::test]
async fn a_put_of_several_groups_names_the_record_that_the_engine_named() -> Outcome {
    for atomic in [true, false] {
        for (named, expected) in [(Some("user:7:settings"), "user:7:settings"), (None, "user:7:profile")] {
            let kv = Scripted::answering(atomic, [Err(failure(named))]);
            let error = kv.collection::<User>().put(&User::new(7)).await.expect_err("the engine fails");
            let at = error.location().ok_or("an error has a place")?;
            assert_eq!((at.entity, at.key.as_deref()), (Some("User"), Some(expected)), "{error}");
        }
    }
    // One of the calls that one entity takes says nothing of places.
    let kv = Scripted::answering(false, [Err(partial("user:7:limits", 1, &[]))]);
    let error = kv.collection::<User>().put(&User::new(7)).await.expect_err("the engine fails");
    assert!(matches!(error, Error::Store { .. }), "{error:?}");
    assert_eq!(error.location().and_then(|at| at.key.as_deref()), Some("user:7:limits"));
    Ok(())
}

#[tokio::test]
async fn one_entity_is_not_deleted_in_part() -> Outcome {
    for atomic in [true, false] {
        let kv = Scripted::answering(atomic, [Err(partial("user:7:profile", 0, &[]))]);
        let error = kv.collection::<User>().delete(7).await.expect_err("the engine fails");
        assert!(matches!(error, Error::Store { .. }), "{error:?}");
        assert_eq!(error.location().and_then(|at| at.entity), Some("User"));
    }
    Ok(())
}
