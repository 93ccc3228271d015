//! Many writers of one unique value: one of them has it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use kv_runtime::store::{IndexStore, MemoryStore, RedbStore};
use kv_runtime::{Error, Kv, ManualClock, Timestamp};
use tokio::sync::Barrier;

use crate::user::User;

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

const TASKS: u64 = 64;
/// How long the users live: longer than a round on a busy machine.
const TTL: Duration = Duration::from_secs(600);

const EMAIL: &str = "ada@example.com";

/// How a task tries to get the value.
async fn attempt<S: IndexStore>(kv: &Kv<S>, task: u64, round: u64) -> Result<(), Error> {
    let users = kv.collection::<User>().with_ttl(TTL);
    let user = User::new(task, EMAIL);
    match (task + round) % 5 {
        0 => users.insert(&user).await,
        1 => users.put(&user).await,
        2 => users.upsert(task, || user.clone(), |found| found.email = EMAIL.to_owned()).await.map(drop),
        3 => match users.put_many([&user]).await {
            Err(Error::Partial { source, .. }) => Err(*source),
            done => done,
        },
        _ => kv.transact(async |tx| tx.with_ttl(TTL).put(&user)).await,
    }
}

/// `expire` ends the life of the user with this id.
pub async fn one_owner<S: IndexStore>(kv: Kv<S>, expire: impl Fn(u64), rounds: u64) -> Outcome {
    let users = kv.collection::<User>();
    assert!(users.build_indexes().no_older_writers().run().await?.is_ready);
    for round in 0..rounds {
        let start = Arc::new(Barrier::new(usize::try_from(TASKS)?));
        let tasks = (0..TASKS).map(|task| {
            let (kv, start) = (kv.clone(), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                (task, attempt(&kv, task, round).await)
            })
        });
        let mut owners = Vec::new();
        for ended in join_all(tasks).await {
            match ended? {
                (task, Ok(())) => owners.push(task),
                (_, Err(Error::NotUnique { index: "email", .. })) => {}
                // One that had the value before and has another one now.
                (_, Err(Error::AlreadyExists { .. })) if round > 0 => {}
                (task, Err(error)) => panic!("task {task} in round {round}: {error:?}"),
            }
        }
        let [owner] = owners.as_slice() else { panic!("{} owners in round {round}", owners.len()) };
        let found = users.by(User::EMAIL).get(EMAIL).await?;
        assert_eq!(found.map(|user| user.id), Some(*owner), "round {round}");
        // The value becomes free in three ways.
        match round % 3 {
            0 => expire(*owner),
            1 => users.delete(*owner).await?,
            _ => users.update(*owner, |user| user.email = format!("{}@gone", user.id)).await.map(drop)?,
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_64_writers_gets_the_value_in_memory() -> Outcome {
    let clock = ManualClock::new(Timestamp::from_millis(1_000_000));
    let kv = Kv::new(MemoryStore::with_clock((&clock).into()));
    one_owner(kv, |_| clock.advance(TTL), 300).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_64_writers_gets_the_value_in_redb() -> Outcome {
    let clock = ManualClock::new(Timestamp::from_millis(1_000_000));
    let dir = tempfile::tempdir()?;
    let store = RedbStore::options().clock((&clock).into()).open(dir.path().join("races.redb"))?;
    one_owner(Kv::new(store), |_| clock.advance(TTL), 20).await
}

/// A lookup sees a value that moves between two users all the time, and never both or none.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_value_that_moves_is_never_missed() -> Outcome {
    let kv = Kv::new(MemoryStore::new());
    let users = kv.collection::<User>();
    users.put_many([User::new(1, EMAIL), User::new(2, "other")]).await?;
    let moves = tokio::spawn(async move {
        for _ in 0..2_000 {
            kv.transact(async |tx| {
                let (one, two) = (tx.get::<User>(1).await?, tx.get::<User>(2).await?);
                let (Some(mut one), Some(mut two)) = (one, two) else { return Ok(()) };
                std::mem::swap(&mut one.email, &mut two.email);
                tx.save(&one)?;
                tx.save(&two)
            })
            .await?;
        }
        Ok::<_, Error>(())
    });
    let mut looked = 0;
    while !moves.is_finished() || looked < 100 {
        assert!(users.by(User::EMAIL).get(EMAIL).await?.is_some_and(|user| user.email == EMAIL));
        looked += 1;
    }
    moves.await??;
    Ok(())
}
